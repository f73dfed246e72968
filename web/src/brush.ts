// SPDX-License-Identifier: MIT OR Apache-2.0
/** A range of time chosen on a chart: dragged with mouse, pen or finger, or moved by keys. */
import { el } from "./dom.ts";
import { time } from "./format.ts";

/** From when to when, nanoseconds of the session. */
export interface Range {
  from: number;
  to: number;
}

export interface BrushActions {
  /** A range was chosen, null for all; `final`: it isn't being dragged any more. */
  choose(range: Range | null, final: boolean): void;
}

type Edge = keyof Range;

const MOVED_PX = 4;
const STEP = 0.01;
const LARGE_STEP = 0.1;

/** A range from `a` to `b` within 0 to `end`, whole nanoseconds; null when it is empty or all. */
export function rangeBetween(a: number, b: number, end: number): Range | null {
  const from = Math.round(Math.max(0, Math.min(a, b)));
  const to = Math.round(Math.min(end, Math.max(a, b)));
  return to <= from || (from === 0 && to >= end) ? null : { from, to };
}

/** A range with one of its edges moved; edges don't pass each other. */
export function moveEdge(range: Range, edge: Edge, by: number, end: number): Range {
  const least = end / 1000;
  if (edge === "from")
    return { ...range, from: Math.max(0, Math.min(range.to - least, range.from + by)) };
  return { ...range, to: Math.min(end, Math.max(range.from + least, range.to + by)) };
}

export class Brush {
  private readonly before = el("div", { class: "brush-out" });
  private readonly after = el("div", { class: "brush-out" });
  private readonly handles: Record<Edge, HTMLElement> = {
    from: this.handle("from", "Range of time: from"),
    to: this.handle("to", "Range of time: to"),
  };
  private range: Range | null = null;
  private end = 0;
  /** Where a drag began, and which edge it moves; null: it chooses a new range. */
  private drag: { x: number; edge: Edge | null; before: Range | null; moved: boolean } | null = null;

  /** `place`: the chart's plotting area. */
  constructor(
    private readonly place: HTMLElement,
    private readonly actions: BrushActions,
  ) {
    place.classList.add("brush");
    place.append(this.before, this.after, this.handles.from, this.handles.to);
    place.addEventListener("pointerdown", (event) => this.onDown(event));
    place.addEventListener("pointermove", (event) => this.onMove(event));
    place.addEventListener("pointerup", () => this.onUp());
    place.addEventListener("pointercancel", () => this.cancel());
    place.addEventListener("dblclick", () => this.actions.choose(null, true));
  }

  get isDragging(): boolean {
    return this.drag !== null;
  }

  /** Shows a range of a time that goes to `end`. */
  show(range: Range | null, end: number): void {
    this.end = end;
    if (this.drag === null) this.mark(range);
  }

  private mark(range: Range | null): void {
    this.range = range;
    const percent = (ns: number): number => (this.end > 0 ? Math.min(100, (100 * ns) / this.end) : 0);
    const from = range === null ? 0 : percent(range.from);
    const to = range === null ? 100 : percent(range.to);
    this.before.style.width = `${from}%`;
    this.after.style.left = `${to}%`;
    this.placeHandle("from", from, range?.from ?? 0);
    this.placeHandle("to", to, range?.to ?? this.end);
  }

  private placeHandle(edge: Edge, percent: number, ns: number): void {
    const handle = this.handles[edge];
    handle.style.left = `${percent}%`;
    handle.setAttribute("aria-valuemin", "0");
    handle.setAttribute("aria-valuemax", String(Math.round(this.end)));
    handle.setAttribute("aria-valuenow", String(Math.round(ns)));
    handle.setAttribute("aria-valuetext", time(ns));
  }

  private handle(edge: Edge, label: string): HTMLElement {
    const handle = el("div", {
      class: `brush-handle ${edge}`,
      role: "slider",
      tabindex: "0",
      "aria-label": label,
      "aria-orientation": "horizontal",
    });
    handle.addEventListener("keydown", (event) => this.onKey(event, edge));
    return handle;
  }

  private onKey(event: KeyboardEvent, edge: Edge): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEP * this.end;
    const large = LARGE_STEP * this.end;
    const steps: Record<string, number> = {
      ArrowLeft: -step,
      ArrowDown: -step,
      ArrowRight: step,
      ArrowUp: step,
      PageDown: -large,
      PageUp: large,
      Home: -Infinity,
      End: Infinity,
    };
    const by = steps[event.key];
    if (event.key === "Escape" && (this.range !== null || this.drag !== null)) this.cancelOrClear();
    else if (by !== undefined) this.choose(moveEdge(this.whole, edge, by, this.end), true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private get whole(): Range {
    return this.range ?? { from: 0, to: this.end };
  }

  private cancelOrClear(): void {
    if (this.drag !== null) this.cancel();
    else this.actions.choose(null, true);
  }

  private choose({ from, to }: Range, final: boolean): void {
    const range = rangeBetween(from, to, this.end);
    this.mark(range);
    this.actions.choose(range, final);
  }

  /** The time at a place of the screen. */
  private timeAt(clientX: number): number {
    const { left, width } = this.place.getBoundingClientRect();
    return width > 0 ? Math.max(0, Math.min(1, (clientX - left) / width)) * this.end : 0;
  }

  private onDown(event: PointerEvent): void {
    if (event.button !== 0 || this.end === 0) return;
    const edges: Edge[] = ["from", "to"];
    const edge = edges.find((name) => this.handles[name] === event.target) ?? null;
    this.drag = { x: event.clientX, edge, before: this.range, moved: false };
    this.place.setPointerCapture(event.pointerId);
  }

  private onMove(event: PointerEvent): void {
    const { drag } = this;
    if (drag === null) return;
    if (Math.abs(event.clientX - drag.x) >= MOVED_PX) drag.moved = true;
    if (!drag.moved) return;
    const at = this.timeAt(event.clientX);
    const before = drag.before ?? { from: 0, to: this.end };
    if (drag.edge === null) this.choose({ from: this.timeAt(drag.x), to: at }, false);
    else this.choose(moveEdge(before, drag.edge, at - before[drag.edge], this.end), false);
  }

  private onUp(): void {
    const { drag } = this;
    this.drag = null;
    if (drag === null || !drag.moved) return;
    this.handles[drag.edge ?? "to"].focus({ preventScroll: true });
    this.actions.choose(this.range, true);
  }

  /** Gives a drag up, as when a finger turns out to scroll the page. */
  private cancel(): void {
    const { drag } = this;
    this.drag = null;
    if (drag?.moved) this.actions.choose(drag.before, true);
  }
}
