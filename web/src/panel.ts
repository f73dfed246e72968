// SPDX-License-Identifier: MIT OR Apache-2.0
/** The panel beside the flamegraph and the tip at the pointer: one frame in numbers. */
import { Callees } from "./callees.ts";
import { presenceIn } from "./diff_frame.ts";
import { byId, el, setText } from "./dom.ts";
import { Figures, setComparison, setFrame, setFunction } from "./figures.ts";
import { type FlameFrame, NO_PARENT, ROOT } from "./flame_frame.ts";
import { share } from "./format.ts";
import { Histogram } from "./histogram.ts";
import { type Kind, kindText } from "./message.ts";
import { leakName } from "./metric.ts";
import { baseName, display } from "./names.ts";
import { Slowest } from "./slowest.ts";
import type { SlowCall } from "./slowest_calls.ts";
import { leaveOutButton, sandwichButton, sourceButton } from "./panel_buttons.ts";
import type { Store } from "./store.ts";

const WANT_DELAY_MS = 120;

export interface PanelActions {
  zoomTo(id: string): void;
  sandwichOf(functionId: string): void;
  sourceOf(functionId: string): void;
  wantDurations(functionId: string): void;
  /** All that can be done with a frame. */
  openMenu(button: HTMLElement): void;
  /** Shows a call where it happened. */
  goTo(functionId: string, call: SlowCall): void;
}

export class Panel {
  private readonly place = byId("panel");
  private readonly heading = el("h2");
  private readonly source = el("p", { class: "source" });
  private readonly sandwich = sandwichButton();
  private readonly more = leaveOutButton();
  private readonly lines = sourceButton();
  private readonly hereHeading = el("h3");
  private readonly here = new Figures();
  private readonly overall = new Figures();
  private readonly overallHeading = el("h3");
  private readonly overallPart = el(
    "section",
    {},
    this.overallHeading,
    this.overall.element,
  );
  private readonly callees: Callees;
  private readonly histogram = new Histogram();
  private readonly slowest: Slowest;
  private wantTimer = 0;

  constructor(
    private readonly store: Store,
    private readonly actions: PanelActions,
  ) {
    this.callees = new Callees((id) => actions.zoomTo(id));
    this.slowest = new Slowest(store, (id, call) => actions.goTo(id, call));
    const head = el("header", {}, this.heading, this.source, this.sandwich, this.lines, this.more);
    this.more.addEventListener("click", () => actions.openMenu(this.more));
    this.lines.addEventListener("click", () => actions.sourceOf(this.lines.dataset["function"] ?? ""));
    this.sandwich.addEventListener("click", () =>
      actions.sandwichOf(this.sandwich.dataset["function"] ?? ""),
    );
    this.place.append(
      head,
      el("section", {}, this.hereHeading, this.here.element),
      this.callees.element,
      this.overallPart,
      this.histogram.element,
      this.slowest.element,
    );
    store.on(["durations"], () => this.histogram.show(store.durations, store.wanted));
    store.on(["slowest"], () => this.slowest.show(store.slowest, store.wanted));
    store.on(["flame", "table", "pointed", "view"], () => this.update());
  }

  private update(): void {
    if (this.store.layout === "chart") return;
    const { pointed, view } = this.store;
    const found = this.store.find(pointed ?? view.focus) ?? this.store.find(ROOT);
    if (found === null) return;
    const { frame: flame, node } = found;
    const whole = node === 0 && this.store.layout !== "sandwich";
    setText(this.heading, display(flame.name(node)));
    setText(this.hereHeading, this.hereText(flame, node));
    this.sandwich.hidden = node === 0 || presenceIn(flame, node) === "removed";
    this.sandwich.dataset["function"] = flame.functionId(node);
    const compared = flame.diff !== null;
    if (compared) setComparison(this.here, flame, node, view.mode);
    else setFrame(this.here, flame, node, leakName(this.store.session));
    // what follows is of one session alone
    const alone = whole || compared;
    this.updateFunction(alone ? undefined : flame.functionId(node), flame.kind(node), node === 0);
    if (compared) this.callees.element.hidden = true;
    else this.callees.show(flame, node);
    this.want(alone || this.store.metric !== "time" ? "" : flame.functionId(node));
  }

  /** Not of each function that the pointer passes. */
  private want(id: string): void {
    clearTimeout(this.wantTimer);
    if (id !== this.store.wanted)
      this.wantTimer = window.setTimeout(() => this.actions.wantDurations(id), WANT_DELAY_MS);
    this.histogram.show(this.store.durations, id);
    this.slowest.show(this.store.slowest, id);
  }

  /** What the numbers of a frame are of. */
  private hereText(frame: FlameFrame, node: number): string {
    const { callers, layout } = this.store;
    if (frame.diff !== null) return "This frame, in A and in B";
    if (layout !== "sandwich" || node === 0) return "This frame";
    const whose = display(frame.name(0));
    return frame === callers ? `${whose}, called through this` : `This frame, below ${whose}`;
  }

  private updateFunction(id: string | undefined, kind: Kind, root: boolean): void {
    const { table } = this.store;
    const row =
      id === undefined
        ? undefined
        : table?.rows.find((entry) => entry.id === id && entry.kind === kind);
    this.overallPart.hidden = row === undefined;
    setText(this.overallHeading, `The ${kind}, in all places`);
    this.lines.hidden = row === undefined || row.file === "";
    this.lines.dataset["function"] = id ?? "";
    const place = row === undefined || row.file === "" ? "" : `${baseName(row.file)}:${row.line}`;
    setText(
      this.source,
      [kindText(kind), root && id === undefined ? "the whole program" : "", display(place)]
        .filter((text) => text !== "" && text !== "(no name)")
        .join(" · "),
    );
    this.source.title = row === undefined ? "" : display(row.file);
    if (row !== undefined && table !== null) setFunction(this.overall, row, table, leakName(this.store.session));
  }
}

/** The few lines beside the pointer. */
export class Tip {
  private readonly tip = byId("tip");
  private readonly name = el("strong");
  private readonly figures = new Figures();

  constructor(
    private readonly store: Store,
    private readonly pointer: () => { x: number; y: number } | null,
  ) {
    this.tip.append(this.name, this.figures.element);
    store.on(["pointed", "flame"], () => this.update());
  }

  private update(): void {
    const { pointed } = this.store;
    const pointer = this.pointer();
    const found = pointed === null ? null : this.store.find(pointed);
    this.tip.hidden = found === null || pointer === null;
    if (found === null || pointer === null) return;
    const { frame: flame, node } = found;
    setText(this.name, display(flame.name(node)));
    if (flame.diff !== null) setComparison(this.figures, flame, node, this.store.view.mode, true);
    else setFrame(this.figures, flame, node, leakName(this.store.session), true);
    this.figures.set("Of its caller", this.shareOfCaller(flame, node));
    this.move(pointer.x, pointer.y);
  }

  private shareOfCaller(frame: FlameFrame, node: number): string {
    const parent = frame.parent[node] as number;
    if (parent === NO_PARENT || frame.diff !== null) return "";
    return share(frame.total[node] as number, frame.total[parent] as number);
  }

  /** Beside the pointer, where the window has room. */
  private move(x: number, y: number): void {
    const { offsetWidth, offsetHeight } = this.tip;
    const left = x + 16 + offsetWidth <= innerWidth ? x + 16 : Math.max(0, x - 16 - offsetWidth);
    const top = y + 24 + offsetHeight <= innerHeight ? y + 18 : Math.max(0, y - 12 - offsetHeight);
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
  }
}
