// SPDX-License-Identifier: MIT OR Apache-2.0
/** The panel beside a flamechart and the tip at its pointer: one call, and its function. */
import { byId, el, setText } from "./dom.ts";
import { Figures, setFunction } from "./figures.ts";
import type { Pointed } from "./flamechart.ts";
import { isMerged, type SliceRef } from "./flamechart_pick.ts";
import { SliceFlag } from "./flamechart_slices.ts";
import { exact, exactTime, plural, time } from "./format.ts";
import { Histogram } from "./histogram.ts";
import { kindText } from "./message.ts";
import { leakName } from "./metric.ts";
import { baseName, display } from "./names.ts";
import { Slowest } from "./slowest.ts";
import type { SlowCall } from "./slowest_calls.ts";
import { sandwichButton, sourceButton } from "./panel_buttons.ts";
import type { Store } from "./store.ts";

/** How a slice begins and ends, where that is not by a call and a return. */
function edgesText({ flags }: SliceRef): string {
  const parts = [];
  if (flags & SliceFlag.BEFORE) parts.push("began before this part");
  if (flags & SliceFlag.AFTER) parts.push("goes on behind it");
  if (flags & SliceFlag.WAITED) parts.push("goes on here after waiting");
  if (flags & SliceFlag.WAITS) parts.push("is put aside at its end");
  if (flags & SliceFlag.TRUNCATED) parts.push("ended with its thread");
  if (flags & SliceFlag.UNWOUND) parts.push("ended by a longjmp or an exception");
  return parts.join(", ");
}

export function durationText(slice: SliceRef): string {
  const ns = slice.endNs - slice.startNs;
  const cut = (slice.flags & (SliceFlag.BEFORE | SliceFlag.AFTER)) !== 0;
  return cut ? `at least ${time(ns)}` : time(ns);
}

/** A slice in figures. */
export function setSlice(figures: Figures, slice: SliceRef, thread: string): void {
  const merged = isMerged(slice);
  figures.fill(() => {
    figures.set(merged ? "From" : "Start", time(slice.startNs), exactTime(Math.round(slice.startNs)));
    const length = Math.round(slice.endNs - slice.startNs);
    figures.set(merged ? "Over" : "Duration", durationText(slice), exactTime(length));
    figures.set("Calls", merged ? plural(slice.count, "call") : "", exact(slice.count));
    figures.set("Covered", merged ? `${Math.round(slice.cover / 2.55)}\u202f%` : "");
    figures.set("Thread", thread);
    figures.set("Edges", edgesText(slice));
  });
}

export interface PanelActions {
  sandwichOf(functionId: string): void;
  sourceOf(functionId: string): void;
  /** Has the function's durations and slowest calls sent. */
  want(functionId: string): void;
  goTo(functionId: string, call: SlowCall): void;
  /** The name of the thread of a lane. */
  threadOf(key: string): string;
}

const HINT =
  "A slice is a call: its place is when, its width how long. Pale ones stand for several that are too short to be told apart. Click one to see its function here.";

export class FlamechartPanel {
  private readonly heading = el("h2");
  private readonly source = el("p", { class: "source" });
  private readonly sandwich = sandwichButton();
  private readonly lines = sourceButton();
  private readonly call = new Figures();
  private readonly callHeading = el("h3");
  private readonly callPart = el("section", {}, this.callHeading, this.call.element);
  private readonly overall = new Figures();
  private readonly overallHeading = el("h3");
  private readonly overallPart = el("section", {}, this.overallHeading, this.overall.element);
  private readonly histogram = new Histogram();
  private readonly slowest: Slowest;
  private slice: SliceRef | null = null;

  constructor(
    private readonly store: Store,
    private readonly actions: PanelActions,
  ) {
    this.slowest = new Slowest(store, (id, call) => actions.goTo(id, call));
    this.sandwich.title = "Who calls it, and what it calls, over all its places (c)";
    this.sandwich.addEventListener("click", () => actions.sandwichOf(store.view.function));
    this.lines.addEventListener("click", () => actions.sourceOf(store.view.function));
    this.histogram.element.removeAttribute("id");
    byId("chart-panel").append(
      el("header", {}, this.heading, this.source, this.sandwich, this.lines),
      this.callPart,
      this.overallPart,
      this.histogram.element,
      this.slowest.element,
    );
    store.on(["view", "table", "durations", "slowest"], () => this.update());
  }

  /** Shows a slice with its function. */
  show(slice: SliceRef | null): void {
    this.slice = slice;
    this.update();
  }

  private update(): void {
    const { store, slice } = this;
    if (store.layout !== "chart") return;
    const id = store.view.function;
    this.actions.want(id);
    const own = slice !== null && slice.site.function === id ? slice : null;
    const row = id === "" ? undefined : store.table?.rows.find((entry) => entry.id === id);
    const name = own?.site.name ?? row?.name;
    setText(this.heading, name === undefined ? "Calls over time" : display(name));
    this.setSource(own, row);
    this.sandwich.hidden = id === "";
    this.callPart.hidden = own === null;
    if (own !== null) {
      setText(this.callHeading, isMerged(own) ? "These calls, the longest one's function" : "This call");
      setSlice(this.call, own, this.actions.threadOf(own.key));
    }
    this.overallPart.hidden = row === undefined;
    if (row !== undefined && store.table !== null) {
      setText(this.overallHeading, `The ${row.kind}, in all places`);
      setFunction(this.overall, row, store.table, leakName(store.session));
    }
    this.histogram.show(store.durations, id);
    this.slowest.show(store.slowest, id);
  }

  private setSource(slice: SliceRef | null, row: { file: string; line: number } | undefined): void {
    const file = slice?.site.file || row?.file || "";
    const line = slice?.site.file ? slice.site.line : (row?.line ?? 0);
    this.lines.hidden = file === "" || this.store.view.function === "";
    const place = file === "" ? "" : display(`${baseName(file)}:${line}`);
    const kind = slice === null ? "" : kindText(slice.site.kind);
    const text = [kind, place].filter((part) => part !== "").join(" · ");
    setText(this.source, this.store.view.function === "" ? HINT : text);
    this.source.title = file === "" ? "" : display(file);
  }
}

/** The few lines beside the pointer. */
export class FlamechartTip {
  private readonly tip = byId("chart-tip");
  private readonly name = el("strong");
  private readonly figures = new Figures();

  constructor(private readonly threadOf: (key: string) => string) {
    this.tip.append(this.name, this.figures.element);
  }

  show(pointed: Pointed | null): void {
    this.tip.hidden = pointed === null;
    if (pointed === null) return;
    const { slice, text, x, y } = pointed;
    setText(this.name, slice === null ? text : display(slice.site.name));
    if (slice === null) this.figures.fill(() => undefined);
    else setSlice(this.figures, slice, this.threadOf(slice.key));
    const { offsetWidth, offsetHeight } = this.tip;
    const left = x + 16 + offsetWidth <= innerWidth ? x + 16 : Math.max(0, x - 16 - offsetWidth);
    const top = y + 24 + offsetHeight <= innerHeight ? y + 18 : Math.max(0, y - 12 - offsetHeight);
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
  }
}
