// SPDX-License-Identifier: MIT OR Apache-2.0
/** The flamechart with what lies around it: its line of buttons, panel, tip, table and notes. */
import { byId, setText } from "./dom.ts";
import { Flamechart, type Pointed } from "./flamechart.ts";
import { Asks, type ChartRequest } from "./flamechart_asks.ts";
import type { FlamechartFrame } from "./flamechart_frame.ts";
import { laneName } from "./flamechart_heads.ts";
import { FlamechartLook } from "./flamechart_look.ts";
import type { Look } from "./look.ts";
import { durationText, FlamechartPanel, FlamechartTip } from "./flamechart_panel.ts";
import { isMerged, type SliceRef } from "./flamechart_pick.ts";
import { Place } from "./flamechart_place.ts";
import { placeText, type Span, spanAround } from "./flamechart_window.ts";
import { count, plural, time } from "./format.ts";
import { display } from "./names.ts";
import type { Direction } from "./neighbour.ts";
import { isRunning } from "./sessions.ts";
import type { SlowCall } from "./slowest_calls.ts";
import type { Store } from "./store.ts";
import type { View } from "./url.ts";

/** Of some time in the window nothing is there. */
const VIEW_HOLES = 2;
const VIEW_CUT = 4;
/** Around a call that is gone to, as many times its duration. */
const CALL_ROOM = 1.5;

export interface PageActions {
  show(change: Partial<View>, step: boolean): void;
  ask(request: ChartRequest): void;
  /** Has durations and slowest calls of a function sent. */
  want(functionId: string): void;
  sandwichOf(functionId: string): void;
  sourceOf(functionId: string): void;
  showRange(range: Span): void;
  hold(held: boolean): void;
}

export class FlamechartPage {
  readonly place: Place;
  private readonly stillness = matchMedia("(prefers-reduced-motion: reduce)");
  private readonly asks: Asks;
  private readonly panel: FlamechartPanel;
  private readonly tip: FlamechartTip;
  private readonly about = byId("chart-about");
  private readonly follow = byId<HTMLButtonElement>("chart-follow");
  private readonly note = byId("chart-note");
  /** A frame that came while nothing was to move. */
  private waiting: FlamechartFrame | null = null;
  private wasOpen = false;
  private session = "";
  readonly chart: Flamechart;

  constructor(
    private readonly store: Store,
    look: Look,
    private readonly actions: PageActions,
  ) {
    this.asks = new Asks((request) => actions.ask(request));
    this.place = new Place({
      isLive: () => store.session !== null && isRunning(store.session),
      view: () => store.view,
      commit: (view) => actions.show({ ...view, session: store.session?.id ?? "" }, false),
      isStill: () => this.stillness.matches,
    });
    this.chart = new Flamechart(store, this.place, this.asks, new FlamechartLook(store, look), {
      choose: (slice) => this.onChoose(slice),
      point: (pointed) => this.onPoint(pointed),
      brush: (range) => actions.showRange(range),
      pointerIs: (inside) => actions.hold(inside),
    });
    const threadOf = (key: string): string => this.threadOf(key);
    this.panel = new FlamechartPanel(store, {
      sandwichOf: (id) => actions.sandwichOf(id),
      sourceOf: (id) => actions.sourceOf(id),
      want: (id) => actions.want(id),
      goTo: (id, call) => this.goTo(id, call),
      threadOf,
    });
    this.tip = new FlamechartTip(threadOf);
    this.listen();
  }

  private listen(): void {
    const { store } = this;
    this.follow.addEventListener("click", () => this.place.follow());
    byId("chart-fit").addEventListener("click", () => this.place.all());
    byId("chart-range").addEventListener("click", () => this.chart.brushWindow());
    store.on(["sessions", "view"], () => this.onSession());
    store.on(["connection"], () => this.onConnection());
    store.on(["chart", "view", "sessions"], () => this.updateText());
  }

  /** A frame came in: shown, unless it would move what is to stand still. */
  receive(frame: FlamechartFrame): void {
    const { store } = this;
    if (frame.header.session !== store.session?.id || store.layout !== "chart") return;
    // a finer picture of the same time may follow an answer
    const moves = this.place.isFollowing && frame.toNs !== store.chart?.toNs;
    const expected = this.asks.isWaiting;
    if (expected || !moves || !(store.paused || store.held)) this.showFrame(frame);
    else if (store.held && !store.paused) this.waiting = frame;
    this.asks.answered();
  }

  private showFrame(frame: FlamechartFrame): void {
    this.waiting = null;
    this.store.chart = frame;
    this.chart.update(frame);
    this.store.changed("chart");
  }

  private onSession(): void {
    const id = this.store.session?.id ?? "";
    if (id === this.session) return;
    if (this.session !== "") {
      this.store.chart = null;
      this.waiting = null;
      this.place.reset();
      this.chart.update(null);
      this.panel.show(null);
    }
    this.session = id;
  }

  private onConnection(): void {
    const { connection, held, error } = this.store;
    const open = connection === "open";
    if (open && !this.wasOpen) this.asks.again();
    else if (error !== "") this.asks.answered();
    this.wasOpen = open;
    if (!held && this.waiting !== null && !this.store.paused) this.showFrame(this.waiting);
  }

  /** The name of a lane's thread. */
  threadOf(key: string): string {
    const block = this.chart.shown?.layout.block(key);
    if (block?.lane === undefined || block.lane === null) return "";
    const { name, tid } = block.lane;
    return name === "" ? laneName(block) : `${laneName(block)} · ${tid}`;
  }

  private onChoose(slice: SliceRef | null): void {
    this.panel.show(slice);
    const id = slice?.site.function ?? "";
    if (id !== this.store.view.function) this.actions.show({ function: id }, false);
    setText(byId("chart-chosen"), slice === null ? "" : this.sliceText(slice));
  }

  /** A slice in one sentence, for screen readers. */
  private sliceText(slice: SliceRef): string {
    const calls = isMerged(slice) ? `, ${plural(slice.count, "call")}` : "";
    const when = `${durationText(slice)} at ${time(Math.max(0, slice.startNs))}`;
    return `${display(slice.site.name)}, ${when}${calls}, ${this.threadOf(slice.key)}`;
  }

  private onPoint(pointed: Pointed | null): void {
    this.tip.show(pointed);
  }

  /** Shows a call where it happened. */
  goTo(functionId: string, { start, duration, ring }: SlowCall): void {
    const call = { from: start, to: start + duration };
    const bounds = { from: 0, to: Math.max(this.place.bounds.to, call.to) };
    const { from, to } = spanAround(call, CALL_ROOM, bounds);
    this.place.commit();
    this.actions.show(
      {
        ...{ layout: "chart", function: functionId, session: this.store.session?.id ?? "" },
        ...{ spanFrom: Math.floor(from), spanTo: Math.ceil(to), last: 0, thread: 0 },
      },
      true,
    );
    this.chart.expect(functionId, ring, call);
  }

  private updateText(): void {
    const { chart, layout } = this.store;
    if (layout !== "chart") return this.tip.show(null);
    const { from, to } = this.place.target;
    const step = Math.max(1, 10 ** Math.floor(Math.log10(Math.max(1, to - from)) - 2));
    const window = `${placeText(from, step)} – ${placeText(to, step)} · ${time(to - from)}`;
    setText(this.about, chart === null ? "" : window);
    this.follow.hidden = !this.chart.isLive || this.place.isFollowing;
    const note = this.noteText(chart);
    setText(this.note, note);
    this.note.hidden = note === "";
  }

  /** What is missing, or why there is nothing. */
  private noteText(chart: FlamechartFrame | null): string {
    if (chart === null) return this.store.connection === "open" ? "Waiting for the calls …" : "";
    if (chart.lanes.every(({ rows }) => rows === 0)) return "No call was recorded over time.";
    const parts = [];
    const { thread } = this.store.view;
    if (thread !== 0 && chart.lanes.every(({ tid }) => tid !== thread))
      parts.push(`Thread ${thread} has no lane of its own any more: all of them are shown.`);
    if (chart.droppedEvents > 0)
      parts.push(`${count(chart.droppedEvents)} events were not kept: thagd could not keep up.`);
    if (chart.flags & VIEW_HOLES) parts.push("Of some of this time nothing is there any more.");
    if (chart.flags & VIEW_CUT) parts.push("Some of the newest calls are too many to be drawn at once: zoom in.");
    if (chart.fromNs < chart.wholeNs && chart.wholeNs > chart.firstNs)
      parts.push(`Before ${time(chart.wholeNs)} only summaries are left: calls are told apart less finely.`);
    return parts.join(" ");
  }

  // What the keys do.

  zoom(factor: number): void {
    this.place.zoomByKey(factor, 0.5);
  }

  pan(by: number): void {
    this.place.pan(by, true);
  }

  chooseBeside(direction: Direction): void {
    this.chart.chooseBeside(direction);
  }

  enter(): void {
    this.chart.zoomTo(this.chart.chosen);
  }

  fit(): void {
    this.place.all();
  }

  brushWindow(): void {
    this.chart.brushWindow();
  }

  /** Undoes one thing; false: there is nothing to undo. */
  back(): boolean {
    if (this.place.back()) return true;
    if (this.chart.chosen === null && this.store.view.function === "") return false;
    this.chart.choose(null);
    return true;
  }
}
