// SPDX-License-Identifier: MIT OR Apache-2.0
/** What the pointer does on a flamechart: wheel, drag, click and double click. */

export interface PointerActions {
  /** By pixels: to the right and down. */
  pan(x: number, y: number): void;
  /** Around a place of the canvas. */
  zoom(factor: number, x: number): void;
  scroll(y: number): void;
  /** A range between two places; null: what was chosen is final. */
  brush(from: number, to: number): void;
  brushEnd(): void;
  hover(x: number, y: number, event: PointerEvent): void;
  leave(): void;
  click(x: number, y: number): void;
  doubleClick(x: number, y: number): void;
  /** The pointer came over it, or left it. */
  pointerIs(inside: boolean): void;
}

const MOVED_PX = 4;
const WHEEL_ZOOM = 1 / 400;
const LINE_PX = 16;

interface Drag {
  startX: number;
  x: number;
  y: number;
  moved: boolean;
  brush: boolean;
}

function wheelPx(event: WheelEvent, delta: number): number {
  return event.deltaMode === WheelEvent.DOM_DELTA_LINE ? delta * LINE_PX : delta;
}

/** Listens to a canvas; `brushes`: every drag on it chooses a range. */
export function listenToPointer(
  canvas: HTMLCanvasElement,
  actions: PointerActions,
  brushes: boolean,
): void {
  let drag: Drag | null = null;
  const drop = (): void => {
    if (drag?.moved && drag.brush) actions.brushEnd();
    drag = null;
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const { offsetX: x, offsetY: y } = event;
    drag = { startX: x, x, y, moved: false, brush: brushes || event.shiftKey };
    if (event.pointerType !== "touch" || brushes) canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const { offsetX: x, offsetY: y } = event;
    if (drag !== null && event.buttons === 0) drag = null;
    if (drag === null) return actions.hover(x, y, event);
    drag.moved ||= Math.hypot(x - drag.startX, y - drag.y) >= MOVED_PX;
    if (!drag.moved) return;
    if (drag.brush) actions.brush(drag.startX, x);
    else actions.pan(drag.x - x, drag.y - y);
    drag.x = x;
    drag.y = y;
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag !== null && !drag.moved) actions.click(event.offsetX, event.offsetY);
    drop();
  });
  canvas.addEventListener("pointercancel", drop);
  canvas.addEventListener("dblclick", (event) => actions.doubleClick(event.offsetX, event.offsetY));
  canvas.addEventListener("pointerenter", (event) =>
    actions.pointerIs(event.pointerType !== "touch"),
  );
  canvas.addEventListener("pointerleave", () => {
    actions.leave();
    actions.pointerIs(false);
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const x = wheelPx(event, event.deltaX);
      const y = wheelPx(event, event.deltaY);
      if (event.shiftKey || Math.abs(x) > Math.abs(y)) actions.pan(x || y, 0);
      else if (event.altKey) actions.scroll(y);
      else actions.zoom(Math.exp(y * WHEEL_ZOOM), event.offsetX);
    },
    { passive: false },
  );
}
