// SPDX-License-Identifier: MIT OR Apache-2.0
/** The flamegraph: a canvas that follows the store, the pointer and the keys. */
import { diffPaint, Paint, selfPaint } from "./color.ts";
import { modeOf } from "./diff_frame.ts";
import { strength } from "./diff.ts";
import { byId, el } from "./dom.ts";
import { type FlameFrame, ROOT } from "./flame_frame.ts";
import { NodeFlag } from "thag-proto";
import { IdTable } from "./ids.ts";
import { type Detail, detailFor } from "./detail.ts";
import { Glide, nodeAt, panWindow, Rows, zoomWindow } from "./layout.ts";
import type { Look } from "./look.ts";
import { Painter, ROW_PX, rowTop, type Scene } from "./paint.ts";
import type { Store } from "./store.ts";

const GLIDE_MS = 140;

export interface FlameActions {
  zoomTo(id: string): void;
  showWindow(from: number, to: number): void;
  point(id: string | null): void;
  /** The pointer came over the flamegraph, or left it. */
  pointerIs(inside: boolean): void;
  resized(): void;
}

/** The largest self time of the frames there are. */
function mostSelf(frame: FlameFrame): number {
  let most = 0;
  for (let node = 0; node < frame.count; node++) most = Math.max(most, frame.self(node));
  return most;
}

/** What a flamegraph on the page is of. */
export interface FlamePlace {
  /** Its parts are `NAME-scroll` and `NAME-canvas`. */
  name: string;
  frame(): FlameFrame | null;
  /** Root at the bottom. */
  flipped(): boolean;
}

export class FlameView {
  private readonly scroller: HTMLElement;
  private readonly spacer = el("div", { class: "flame-space" });
  private readonly canvas: HTMLCanvasElement;
  private readonly painter: Painter;
  private readonly stillness = matchMedia("(prefers-reduced-motion: reduce)");
  private rows: Rows | null = null;
  private glide: Glide | null = null;
  private ids: IdTable | null = null;
  private paints: Uint8Array = new Uint8Array(0);
  private glideStart = 0;
  private drawing = 0;
  /** The height of the rows only grows within a session: what lies below must not jump. */
  private tallest = 0;
  private width = 0;
  private height = 0;
  private drag: { x: number; from: number; to: number; moved: boolean } | null = null;
  private pointerX = -1;
  /** Where the pointer is in the window, while it is over this. */
  pointer: { x: number; y: number } | null = null;

  constructor(
    private readonly store: Store,
    private readonly actions: FlameActions,
    private readonly place: FlamePlace,
    private readonly look: Look,
  ) {
    this.scroller = byId(`${place.name}-scroll`);
    this.canvas = byId<HTMLCanvasElement>(`${place.name}-canvas`);
    this.painter = new Painter(this.canvas, look.palette);
    this.scroller.append(this.spacer);
    new ResizeObserver(() => this.measure()).observe(this.scroller);
    this.scroller.addEventListener("scroll", () => this.scheduleDraw(), { passive: true });
    this.listenToPointer();
    store.on(["pointed"], () => this.scheduleDraw());
    look.onChange(() => this.recolor());
  }

  get element(): HTMLElement {
    return this.canvas;
  }

  /** What frames to ask for: those that show every frame in sight that is wide enough to see. */
  get detail(): Detail {
    const { view } = this.store;
    return detailFor(this.place.frame(), view.focus, view.from, view.to, this.width || innerWidth);
  }

  private recolor(): void {
    const frame = this.glide?.frame;
    if (frame !== undefined) this.paints = this.choosePaints(frame);
    this.scheduleDraw();
  }

  /** Shows the store's frame and view; `live`: only the numbers changed. */
  update(live: boolean): void {
    const frame = this.place.frame();
    if (frame === null || frame.count === 0) return this.clear();
    const before = this.glide;
    const known = this.ids;
    const { from, to } = this.store.view;
    const isFocused = frame.find(this.store.view.focus) >= 0;
    const glide = new Glide(frame, {
      from: isFocused ? from : 0,
      to: isFocused ? to : 1,
      focus: this.focusNode(frame),
      width: this.width,
    });
    if (before === null || before.frame !== frame) {
      this.rows = new Rows(frame);
      this.ids = new IdTable(frame.idLow, frame.idHigh);
    }
    this.glide = glide;
    this.paints = this.choosePaints(frame);
    this.setHeight();
    if (before !== null && known !== null && !this.stillness.matches) {
      glide.startFrom(before, known, live);
      this.glideStart = performance.now();
    }
    this.scheduleDraw();
  }

  private clear(): void {
    this.rows = this.glide = this.ids = null;
    this.setHeight();
    this.scheduleDraw();
  }

  private focusNode(frame: FlameFrame): number {
    return Math.max(0, frame.find(this.store.view.focus));
  }

  private choosePaints(frame: FlameFrame): Uint8Array {
    const paints = new Uint8Array(frame.count);
    const searching = this.store.search !== "";
    this.painter.palette = frame.diff === null ? this.look.palette : this.look.diffPalette;
    if (frame.diff !== null && !searching) return this.passed(frame, this.diffPaints(frame));
    const bySelf = this.look.colors.by === "self";
    const most = bySelf ? mostSelf(frame) : 0;
    const known = new Map<string, number>();
    for (let node = 0; node < frame.count; node++) {
      const flags = frame.flags[node] as number;
      if (searching) paints[node] = flags & NodeFlag.MATCHED ? Paint.MATCHED : Paint.UNMATCHED;
      else if (bySelf) paints[node] = selfPaint(frame.self(node), most);
      else if (flags & NodeFlag.TASK) paints[node] = Paint.TASK;
      else if (flags & NodeFlag.SECTION) paints[node] = Paint.SECTION;
      else paints[node] = this.paintOf(known, frame.name(node));
    }
    if (!searching && !bySelf) paints[0] = Paint.ROOT;
    return this.passed(frame, paints);
  }

  private diffPaints(frame: FlameFrame): Uint8Array {
    const root = frame.sides(0);
    const mode = modeOf(frame, this.store.view.mode);
    return Uint8Array.from({ length: frame.count }, (_, node) => {
      const sides = frame.sides(node);
      if (sides === null || root === null) return Paint.ROOT;
      return diffPaint(strength(mode, sides.before.total, sides.after.total, root));
    });
  }

  /** What lies above the focus is of one colour. */
  private passed(frame: FlameFrame, paints: Uint8Array): Uint8Array {
    for (const node of frame.path(this.focusNode(frame)).slice(0, -1))
      if (paints[node] !== Paint.MATCHED) paints[node] = Paint.PASSED;
    return paints;
  }

  private paintOf(known: Map<string, number>, name: string): number {
    let paint = known.get(name);
    if (paint === undefined) known.set(name, (paint = this.look.colors.paint(name)));
    return paint;
  }

  private measure(): void {
    const { clientWidth, clientHeight } = this.scroller;
    if (clientWidth === this.width && clientHeight === this.height) return;
    const wider = clientWidth !== this.width;
    this.width = clientWidth;
    this.height = clientHeight;
    this.painter.resize(this.width, this.height);
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.glide = null;
    this.update(false);
    this.drawNow();
    if (wider) this.actions.resized();
  }

  private setHeight(): void {
    const rows = this.rows?.count ?? 0;
    const height = rows * ROW_PX;
    const wasAtEnd = this.scroller.scrollTop + this.height >= this.scroller.scrollHeight - 2;
    this.tallest = rows === 0 ? 0 : Math.max(this.tallest, height);
    this.spacer.style.height = `${Math.max(0, height - this.height)}px`;
    this.scroller.style.setProperty("--content", `${this.tallest}px`);
    if (this.place.flipped() && wasAtEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** How far the rows begin above the canvas; below it when a flipped graph is lower than it. */
  private get top(): number {
    const slack = this.height - (this.rows?.count ?? 0) * ROW_PX;
    return this.place.flipped() && slack > 0 ? -slack : this.scroller.scrollTop;
  }

  private scheduleDraw(): void {
    if (this.drawing === 0) this.drawing = requestAnimationFrame(() => this.drawNow());
  }

  private drawNow(): void {
    cancelAnimationFrame(this.drawing);
    this.drawing = 0;
    const { glide, rows } = this;
    if (glide === null || rows === null) return;
    if (glide.moving) glide.step(Math.min(1, (performance.now() - this.glideStart) / GLIDE_MS));
    this.painter.draw(this.scene(glide, rows));
    if (glide.moving) this.scheduleDraw();
  }

  private scene(glide: Glide, rows: Rows): Scene {
    const { frame } = glide;
    const { pointed, view } = this.store;
    return {
      frame,
      rows,
      glide,
      paints: this.paints,
      hover: pointed === null ? -1 : frame.find(pointed),
      selected: view.focus === ROOT ? -1 : frame.find(view.focus),
      top: this.top,
      width: this.width,
      height: this.height,
      flipped: this.place.flipped(),
    };
  }

  /** The node at a place of the canvas, -1 for none. */
  private hit(x: number, y: number): number {
    const { rows, glide } = this;
    if (rows === null || glide === null) return -1;
    const line = Math.floor((y + this.top) / ROW_PX);
    const row = this.place.flipped() ? rows.count - 1 - line : line;
    return row >= 0 && row < rows.count ? nodeAt(rows.row(row), glide, x) : -1;
  }

  private listenToPointer(): void {
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => this.onMove(event));
    canvas.addEventListener("pointerenter", (event) =>
      this.actions.pointerIs(event.pointerType !== "touch"),
    );
    canvas.addEventListener("pointerleave", () => this.onLeave());
    canvas.addEventListener("pointerdown", (event) => this.onDown(event));
    canvas.addEventListener("pointerup", (event) => this.onUp(event));
    canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
  }

  private onMove(event: PointerEvent): void {
    this.pointerX = event.offsetX;
    this.pointer = { x: event.clientX, y: event.clientY };
    if (this.drag !== null && this.onDrag(event)) return;
    const node = this.hit(event.offsetX, event.offsetY);
    this.actions.point(node < 0 ? null : (this.place.frame()?.id(node) ?? null));
  }

  private onLeave(): void {
    this.pointerX = -1;
    this.pointer = null;
    this.actions.point(null);
    this.actions.pointerIs(false);
  }

  private onDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    const { from, to } = this.store.view;
    this.drag = { x: event.offsetX, from, to, moved: false };
    if (event.pointerType !== "touch") this.canvas.setPointerCapture(event.pointerId);
  }

  /** Pans while the button is held, if there is anything beside the window; whether it did. */
  private onDrag(event: PointerEvent): boolean {
    const { drag } = this;
    if (drag === null || event.buttons === 0) return false;
    const by = (drag.x - event.offsetX) / Math.max(1, this.width);
    if (Math.abs(drag.x - event.offsetX) > 3) drag.moved = true;
    if (!drag.moved || drag.to - drag.from >= 1) return false;
    this.actions.showWindow(...panWindow(drag.from, drag.to, by));
    return true;
  }

  private onUp(event: PointerEvent): void {
    const moved = this.drag?.moved ?? true;
    this.drag = null;
    const node = this.hit(event.offsetX, event.offsetY);
    const frame = this.place.frame();
    if (!moved && node >= 0 && frame !== null)
      this.actions.zoomTo(node === 0 ? ROOT : frame.id(node));
  }

  private onWheel(event: WheelEvent): void {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY / 200));
    } else if (event.deltaX !== 0 || event.shiftKey) {
      event.preventDefault();
      this.pan((event.deltaX || event.deltaY) / Math.max(1, this.width));
    }
  }

  /** Zooms around the pointer, or the middle. */
  zoom(factor: number): void {
    const { from, to } = this.store.view;
    const at = this.pointerX >= 0 ? this.pointerX / Math.max(1, this.width) : 0.5;
    this.actions.showWindow(...zoomWindow(from, to, factor, at));
  }

  pan(by: number): void {
    const { from, to } = this.store.view;
    this.actions.showWindow(...panWindow(from, to, by));
  }

  /** Scrolls so that a node's row is seen. */
  reveal(node: number): void {
    const frame = this.place.frame();
    if (frame === null || this.rows === null || node < 0) return;
    const top = rowTop(frame.depth[node] as number, this.rows.count, this.place.flipped());
    const { scrollTop } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW_PX > scrollTop + this.height)
      this.scroller.scrollTop = top + ROW_PX - this.height;
  }
}
