// SPDX-License-Identifier: MIT OR Apache-2.0
/** The flamechart: threads side by side on one clock, on a canvas that follows store, pointer and keys. */
import { byId, el } from "./dom.ts";
import { type Asks, planRequest } from "./flamechart_asks.ts";
import { drawAxis } from "./flamechart_axis.ts";
import type { FlamechartFrame, Lane } from "./flamechart_frame.ts";
import { LaneHeads } from "./flamechart_heads.ts";
import { laneKey, LaneLayout, NoteHomes } from "./flamechart_lanes.ts";
import { momentText } from "./flamechart_memory.ts";
import { noteAt, notesOf, noteText, valueAt } from "./flamechart_notes.ts";
import { Overview } from "./flamechart_overview.ts";
import type { FlamechartLook } from "./flamechart_look.ts";
import { FlamechartPainter } from "./flamechart_paint.ts";
import { FrameIndex, type SliceRef } from "./flamechart_pick.ts";
import { Place } from "./flamechart_place.ts";
import { listenToPointer } from "./flamechart_pointer.ts";
import { axisOf, placeText, type Span, spanAround, wholeSpan } from "./flamechart_window.ts";
import type { Direction } from "./neighbour.ts";
import { ROW_PX } from "./paint.ts";
import { rangeOf } from "./range.ts";
import { isRunning } from "./sessions.ts";
import type { Store } from "./store.ts";

const MARK_PX = 96;
const REACH_PX = 3;
/** Around a slice that is zoomed to. */
const ROOM = 0.1;

/** What is under the pointer: a slice, or a text. */
export interface Pointed {
  slice: SliceRef | null;
  text: string;
  x: number;
  y: number;
}

export interface FlamechartActions {
  /** A slice was chosen, null: none is any more. */
  choose(slice: SliceRef | null): void;
  point(pointed: Pointed | null): void;
  brush(range: Span): void;
  /** Keep what is shown while the pointer is over it. */
  pointerIs(inside: boolean): void;
}

/** The lanes of a thread; all, if it has none: another one may have it by now. */
function lanesOf(lanes: Lane[], thread: number): Lane[] {
  const own = lanes.filter(({ tid }) => tid === thread);
  return thread !== 0 && own.length > 0 ? own : lanes;
}

export class Flamechart {
  private readonly scroller = byId("chart-scroll");
  private readonly canvas = byId<HTMLCanvasElement>("chart-canvas");
  private readonly axis = byId<HTMLCanvasElement>("chart-axis");
  private readonly spacer = el("div", { class: "flame-space" });
  private readonly painter: FlamechartPainter;
  private readonly heads: LaneHeads;
  private readonly overview: Overview;
  private readonly homes = new NoteHomes();
  private readonly collapsed = new Set<string>();
  private layout = new LaneLayout([], this.homes, this.collapsed);
  private main: FrameIndex | null = null;
  private wide: FrameIndex | null = null;
  private hover: SliceRef | null = null;
  private brushing: Span | null = null;
  /** Where the pointer is, null: elsewhere. */
  private cursorX: number | null = null;
  private drawing = 0;
  private width = 0;
  private height = 0;
  private laneText = "";
  /** A call to choose as soon as it is there. */
  private wanted: { function: string; ring: number; span: Span } | null = null;
  chosen: SliceRef | null = null;

  constructor(
    private readonly store: Store,
    private readonly place: Place,
    private readonly asks: Asks,
    private readonly look: FlamechartLook,
    private readonly actions: FlamechartActions,
  ) {
    this.painter = new FlamechartPainter(this.canvas, look.palette, look.lines);
    this.heads = new LaneHeads(this.scroller, (key) => this.toggle(key));
    this.scroller.append(this.spacer);
    this.overview = new Overview(byId("chart-overview"), {
      move: (span) => this.place.setSpan(span, false),
      brush: (range) => this.brush(range),
      brushEnd: (keep) => this.brushEnd(keep),
    });
    new ResizeObserver(() => this.measure()).observe(this.scroller);
    this.scroller.addEventListener("scroll", () => this.changed(), { passive: true });
    this.listen();
    look.onChange(() => this.recolor());
    place.onChange = () => this.changed();
    store.on(["view"], () => this.main !== null && this.relayout());
    store.on(["view", "sessions", "table"], () => this.changed());
  }

  get isShown(): boolean {
    return this.store.layout === "chart";
  }

  /** The frame that is shown, and the window of it. */
  get shown(): { index: FrameIndex; span: Span; layout: LaneLayout } | null {
    const index = this.main;
    return index === null ? null : { index, span: this.place.target, layout: this.layout };
  }

  /** Shows a new answer, or nothing. */
  update(frame: FlamechartFrame | null): void {
    const other = frame?.header.session !== this.main?.frame.header.session;
    if (frame === null || other) this.clear();
    if (frame === null) return this.changed();
    this.main = new FrameIndex(frame);
    const { wide } = this;
    const length = this.main.to - this.main.from;
    if (wide === null || length >= 0.9 * (wide.to - wide.from)) this.wide = this.main;
    this.place.setBounds(frame);
    this.relayout();
    this.overview.draw(frame, this.look.activity, this.look.palette.background);
    this.chooseWanted();
    this.changed();
  }

  private clear(): void {
    this.main = this.wide = null;
    this.hover = this.chosen = null;
    this.homes.clear();
    this.collapsed.clear();
  }

  /** Draws soon, and asks for what is missing. */
  private changed(): void {
    this.ask();
    if (this.drawing === 0 && this.isShown)
      this.drawing = requestAnimationFrame(() => this.drawNow());
  }

  private ask(): void {
    const { session, paused } = this.store;
    if (!this.isShown || session === null) return this.asks.want(null);
    if (this.width === 0) return;
    const top = this.scroller.scrollTop;
    const { bounds } = this.place;
    const known = this.main !== null && this.main.frame.header.session === session.id;
    const need = {
      session: session.id,
      span: known || this.place.isFixed ? this.place.target : null,
      last: this.place.followed,
      width: this.width,
      lanes: known ? this.layout.asked(top, this.height, this.wanted?.ring ?? -1) : null,
      paused,
    };
    this.asks.want(planRequest(this.asks.last, need, bounds.from, bounds.to));
  }

  private relayout(): void {
    const { frame } = this.main as FrameIndex;
    const lanes = lanesOf(frame.lanes, this.store.view.thread);
    const moved = this.homes.add(frame);
    const text = JSON.stringify([
      lanes.map(({ ring, tasks, rows, name }) => [ring, tasks, rows, name]),
      [...this.collapsed],
    ]);
    if (text === this.laneText && !moved) return;
    this.laneText = text;
    this.layout = new LaneLayout(lanes, this.homes, this.collapsed);
    this.spacer.style.height = `${Math.max(0, this.layout.height - this.height)}px`;
    this.heads.show(this.layout);
  }

  private toggle(key: string): void {
    if (!this.collapsed.delete(key)) this.collapsed.add(key);
    if (this.main !== null) this.relayout();
    this.changed();
  }

  private measure(): void {
    const { clientWidth, clientHeight } = this.scroller;
    if (clientWidth === this.width && clientHeight === this.height) return;
    this.width = clientWidth;
    this.height = clientHeight;
    this.canvas.style.width = this.axis.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.spacer.style.height = `${Math.max(0, this.layout.height - this.height)}px`;
    if (this.main !== null)
      this.overview.draw(this.main.frame, this.look.activity, this.look.palette.background);
    this.changed();
  }

  private recolor(): void {
    this.painter.palette = this.look.palette;
    this.painter.lines = this.look.lines;
    if (this.main !== null)
      this.overview.draw(this.main.frame, this.look.activity, this.look.palette.background);
    this.changed();
  }

  private get range(): Span | null {
    const { bounds, shown } = this.place;
    return this.brushing ?? rangeOf(this.store.view, Math.max(bounds.to, shown.to));
  }

  private drawNow(): void {
    cancelAnimationFrame(this.drawing);
    this.drawing = 0;
    if (this.width === 0 || !this.isShown) return;
    const span = this.place.step(performance.now());
    const axis = axisOf(span, this.width, MARK_PX);
    const { main, wide, layout, range, hover, chosen, width, height } = this;
    this.painter.draw({
      ...{ main, wide, layout, span, range, hover, chosen, width, height },
      marks: axis.marks,
      paintOf: this.look.painter(),
      top: this.scroller.scrollTop,
    });
    const step = ((span.to - span.from) / width) * 2;
    const cursor = this.cursorX === null ? null : this.timeAt(this.cursorX);
    const cursorText = cursor === null ? "" : placeText(cursor, Math.max(1, step));
    drawAxis(this.axis, {
      ...{ axis, span, range, cursor, cursorText, width, colors: this.look.lines },
      background: this.look.palette.background,
      text: this.look.palette.hover,
    });
    this.overview.show(span, range, this.place.bounds);
    if (this.place.isMoving) this.drawing = requestAnimationFrame(() => this.drawNow());
  }

  private timeAt(x: number): number {
    const { from, to } = this.place.shown;
    return from + (x / Math.max(1, this.width)) * (to - from);
  }

  private get reachNs(): number {
    const { from, to } = this.place.shown;
    return (REACH_PX * (to - from)) / Math.max(1, this.width);
  }

  /** The slice at a place of the canvas. */
  private hit(x: number, y: number): SliceRef | null {
    const found = this.layout.at(y + this.scroller.scrollTop);
    if (found === null || found.row < 0) return null;
    const ns = this.timeAt(x);
    const { main, wide } = this;
    const { key } = found.block;
    const inMain = main !== null && main.covers(key, found.row) && ns >= main.from && ns <= main.to;
    return (inMain ? main : wide)?.at(key, found.row, ns, this.reachNs) ?? null;
  }

  /** What a mark or a value says at a place of the canvas. */
  private noteText(x: number, y: number): string {
    const at = y + this.scroller.scrollTop;
    const found = this.layout.at(at);
    const band = found?.block.notes.find(({ top, height }) => at >= top && at < top + height);
    if (band === undefined || this.main === null) return "";
    const ns = this.timeAt(x);
    if (band.kind === "memory") return momentText(this.main.frame, ns);
    const notes = notesOf(this.main.frame, band);
    const note = band.kind === "value" ? valueAt(notes, ns) : noteAt(notes, ns, 2 * this.reachNs);
    return note === null ? "" : noteText(this.main.frame, note);
  }

  private listen(): void {
    const actions = {
      pan: (x: number, y: number) => {
        if (x !== 0) this.place.pan(x / Math.max(1, this.width), false);
        this.scroller.scrollTop += y;
      },
      zoom: (factor: number, x: number) => this.place.zoom(factor, x / Math.max(1, this.width), false),
      scroll: (y: number) => (this.scroller.scrollTop += y),
      brush: (from: number, to: number) => this.brush({ from: this.timeAt(from), to: this.timeAt(to) }),
      brushEnd: () => this.brushEnd(true),
      leave: () => {
        this.hover = this.cursorX = null;
        this.actions.point(null);
        this.changed();
      },
      pointerIs: (inside: boolean) => this.actions.pointerIs(inside),
    };
    listenToPointer(
      this.canvas,
      {
        ...actions,
        hover: (x, y, event) => this.onHover(x, y, event),
        click: (x, y) => this.choose(this.hit(x, y)),
        doubleClick: (x, y) => this.zoomTo(this.hit(x, y)),
      },
      false,
    );
    const none = (): void => undefined;
    const hover = (x: number): void => {
      this.cursorX = x;
      this.changed();
    };
    listenToPointer(this.axis, { ...actions, hover, click: none, doubleClick: none }, true);
  }

  private onHover(x: number, y: number, event: PointerEvent): void {
    this.hover = this.hit(x, y);
    this.cursorX = x;
    const text = this.hover === null ? this.noteText(x, y) : "";
    const pointed = { slice: this.hover, text, x: event.clientX, y: event.clientY };
    this.actions.point(this.hover === null && text === "" ? null : pointed);
    this.changed();
  }

  private brush({ from, to }: Span): void {
    const { bounds } = this.place;
    const inside = (ns: number): number => Math.max(bounds.from, Math.min(bounds.to, ns));
    this.brushing = { from: inside(Math.min(from, to)), to: inside(Math.max(from, to)) };
    this.changed();
  }

  private brushEnd(keep: boolean): void {
    const range = this.brushing;
    this.brushing = null;
    if (keep && range !== null && range.to > range.from) this.actions.brush(wholeSpan(range));
    this.changed();
  }

  /** The window in sight becomes the range that every view is of. */
  brushWindow(): void {
    this.actions.brush(wholeSpan(this.place.target));
  }

  choose(slice: SliceRef | null): void {
    this.chosen = slice;
    this.actions.choose(slice);
    this.changed();
  }

  /** Chooses the slice beside the one chosen, across lanes; the first one in sight when none is. */
  chooseBeside(direction: Direction): void {
    const next = this.chosen === null ? this.firstSeen() : this.beside(this.chosen, direction);
    if (next === null) return;
    this.choose(next);
    this.reveal(next);
  }

  private firstSeen(): SliceRef | null {
    const { from, to } = this.place.target;
    for (const { key, rows, bottom } of this.layout.blocks)
      if (rows > 0 && bottom > this.scroller.scrollTop) {
        const found = this.main?.nearest(key, 0, (from + to) / 2) ?? null;
        if (found !== null) return found;
      }
    return null;
  }

  private beside(slice: SliceRef, direction: Direction): SliceRef | null {
    const { main, layout } = this;
    if (main === null) return null;
    const found = main.neighbour(slice, direction);
    if (found !== null || direction === "left" || direction === "right") return found;
    const down = direction === "down";
    const lanes = down ? layout.blocks : [...layout.blocks].reverse();
    const rest = lanes.slice(lanes.findIndex(({ key }) => key === slice.key) + 1);
    const middle = (slice.startNs + slice.endNs) / 2;
    for (const { key, rows } of rest) {
      const first = rows === 0 ? null : main.nearest(key, down ? 0 : rows - 1, middle);
      if (first !== null) return first;
    }
    return null;
  }

  /** Moves the window and scrolls so that a slice is in sight. */
  private reveal(slice: SliceRef): void {
    this.place.bring({ from: slice.startNs, to: slice.endNs });
    const block = this.layout.block(slice.key);
    if (block === undefined) return;
    const top = block.rowsTop + slice.row * ROW_PX;
    const { scrollTop } = this.scroller;
    if (top < scrollTop + ROW_PX) this.scroller.scrollTop = Math.max(0, top - 2 * ROW_PX);
    else if (top + 2 * ROW_PX > scrollTop + this.height)
      this.scroller.scrollTop = top + 3 * ROW_PX - this.height;
  }

  zoomTo(slice: SliceRef | null): void {
    if (slice === null) return;
    this.place.setSpan(
      spanAround({ from: slice.startNs, to: slice.endNs }, ROOM, this.place.bounds),
      true,
    );
  }

  /** Chooses a call once its part of time is there; the window is brought there by the view. */
  expect(functionId: string, ring: number, span: Span): void {
    this.wanted = { function: functionId, ring, span };
    for (const tasks of [false, true]) this.collapsed.delete(laneKey(ring, tasks));
    if (this.main !== null) this.relayout();
    this.chooseWanted();
    this.changed();
  }

  private chooseWanted(): void {
    const { wanted, main } = this;
    if (wanted === null || main === null) return;
    const slack = Math.max(2, (wanted.span.to - wanted.span.from) / 100);
    const found = main.call(wanted.function, wanted.ring, wanted.span.from, slack);
    if (found === null) return;
    this.wanted = null;
    this.choose(found);
    this.reveal(found);
  }

  /** Whether events still come in. */
  get isLive(): boolean {
    const { session } = this.store;
    return session !== null && isRunning(session);
  }
}
