// SPDX-License-Identifier: MIT OR Apache-2.0
/** The strip of all time: the activity of all lanes, and the window, which can be dragged. */
import { el } from "./dom.ts";
import type { FlamechartFrame } from "./flamechart_frame.ts";
import { drawActivity } from "./flamechart_axis.ts";
import { panSpan, type Span } from "./flamechart_window.ts";

export const OVERVIEW_PX = 44;
const MOVED_PX = 4;

export interface OverviewActions {
  /** Moves the window. */
  move(span: Span): void;
  /** A range is being chosen. */
  brush(range: Span): void;
  /** It is chosen, or given up. */
  brushEnd(keep: boolean): void;
}

interface Drag {
  at: number;
  /** The window where it was taken; null: a range is chosen. */
  span: Span | null;
  moved: boolean;
}

export class Overview {
  private readonly canvas = el("canvas", { "aria-hidden": "true" });
  private readonly window = el("div", { class: "chart-window" });
  private readonly range = el("div", { class: "chart-range" });
  private bounds: Span = { from: 0, to: 1 };
  private span: Span = { from: 0, to: 1 };
  private drag: Drag | null = null;

  constructor(
    private readonly place: HTMLElement,
    private readonly actions: OverviewActions,
  ) {
    place.append(this.canvas, this.range, this.window);
    place.addEventListener("pointerdown", (event) => this.onDown(event));
    place.addEventListener("pointermove", (event) => this.onMove(event));
    place.addEventListener("pointerup", () => this.onUp());
    place.addEventListener("pointercancel", () => this.onCancel());
  }

  /** Draws the activity. */
  draw(frame: FlamechartFrame, fill: string, background: string): void {
    const width = this.place.clientWidth;
    drawActivity(this.canvas, frame, { width, height: OVERVIEW_PX }, { fill, background });
  }

  /** Marks the window and the range within all time. */
  show(span: Span, range: Span | null, bounds: Span): void {
    this.bounds = bounds;
    this.span = span;
    this.mark(this.window, span);
    this.range.hidden = range === null;
    if (range !== null) this.mark(this.range, range);
  }

  private mark(element: HTMLElement, { from, to }: Span): void {
    const all = Math.max(1, this.bounds.to - this.bounds.from);
    const percent = (ns: number): number =>
      Math.max(0, Math.min(100, (100 * (ns - this.bounds.from)) / all));
    element.style.left = `${percent(from)}%`;
    element.style.right = `${100 - percent(to)}%`;
  }

  private timeAt(clientX: number): number {
    const { left, width } = this.place.getBoundingClientRect();
    const share = width > 0 ? Math.max(0, Math.min(1, (clientX - left) / width)) : 0;
    return this.bounds.from + share * (this.bounds.to - this.bounds.from);
  }

  /** The window is taken hold of, unless it is all there is, or Shift is held. */
  private onDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    const at = this.timeAt(event.clientX);
    const { span, bounds } = this;
    const part = span.to - span.from < 0.995 * (bounds.to - bounds.from);
    // a narrow window can be taken a little beside it
    const { left, width } = this.window.getBoundingClientRect();
    const held = Math.abs(event.clientX - left - width / 2) <= Math.max(6, width / 2);
    this.drag = { at, span: part && held && !event.shiftKey ? span : null, moved: false };
    this.place.setPointerCapture(event.pointerId);
  }

  private onMove(event: PointerEvent): void {
    const { drag, bounds } = this;
    if (drag === null) return;
    const at = this.timeAt(event.clientX);
    const pxs = (Math.abs(at - drag.at) / (bounds.to - bounds.from)) * this.place.clientWidth;
    drag.moved ||= pxs >= MOVED_PX;
    if (!drag.moved) return;
    if (drag.span === null) this.actions.brush({ from: drag.at, to: at });
    else {
      const by = (at - drag.at) / (drag.span.to - drag.span.from);
      this.actions.move(panSpan(drag.span, by, bounds));
    }
  }

  private onUp(): void {
    const { drag, span, bounds } = this;
    this.drag = null;
    if (drag === null) return;
    if (drag.moved) {
      if (drag.span === null) this.actions.brushEnd(true);
    } else if (drag.span === null && span.to - span.from < bounds.to - bounds.from) {
      const from = drag.at - (span.to - span.from) / 2;
      this.actions.move(panSpan({ from, to: from + span.to - span.from }, 0, bounds));
    }
  }

  private onCancel(): void {
    if (this.drag?.moved && this.drag.span === null) this.actions.brushEnd(false);
    this.drag = null;
  }
}
