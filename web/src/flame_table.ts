// SPDX-License-Identifier: MIT OR Apache-2.0
/** The flamegraph as a table for those who do not see it: the widest frames, in words. */
import { comparisonOf, totalTexts } from "./diff_frame.ts";
import { type DiffMode, difference } from "./diff.ts";
import { el } from "./dom.ts";
import { count, share } from "./format.ts";
import type { FlameFrame } from "./flame_frame.ts";
import { amount, metricOf } from "./metric.ts";
import { display } from "./names.ts";
import type { Store } from "./store.ts";

const MOST_ROWS = 50;
/** Not with every frame: a screen reader would start over each time. */
const EVERY_MS = 2000;
const COLUMNS = ["Frame", "Called from", "Total", "Share", "Self"];
const DIFF_COLUMNS = ["Frame", "Called from", "Total, A", "Total, B", "Difference", "Relative", "Calls, A", "Calls, B"];

/** The nodes of a difference that differ most. */
function mostChanged(frame: FlameFrame, mode: DiffMode): number[] {
  const nodes = Array.from({ length: Math.max(0, frame.count - 1) }, (_, index) => index + 1);
  const deltas = nodes.map((node) => {
    const { sides, scale } = comparisonOf(frame, node, mode);
    return Math.abs(difference(sides.before.total, sides.after.total, scale));
  });
  return nodes
    .sort((a, b) => (deltas[b - 1] as number) - (deltas[a - 1] as number))
    .slice(0, MOST_ROWS);
}

/** The nodes of a frame with the largest totals, below the root. */
function widest(frame: FlameFrame): number[] {
  const nodes = Array.from({ length: Math.max(0, frame.count - 1) }, (_, index) => index + 1);
  return nodes
    .sort((a, b) => (frame.total[b] as number) - (frame.total[a] as number))
    .slice(0, MOST_ROWS);
}

export class FlameTable {
  private timer = 0;

  /** `frame`: the flamegraph; `caption`: what its table is of. */
  constructor(
    private readonly store: Store,
    private readonly place: HTMLElement,
    private readonly frame: () => FlameFrame | null,
    private readonly caption: string,
  ) {
    store.on(["flame", "view"], () => {
      if (this.timer === 0)
        this.timer = window.setTimeout(
          () => this.fill(),
          this.place.childElementCount === 0 ? 0 : EVERY_MS,
        );
    });
  }

  private fill(): void {
    this.timer = 0;
    const flame = this.frame();
    if (flame === null) return this.place.replaceChildren();
    const counted = flame.heap(0) === null ? "Calls" : "Allocations";
    const { mode } = this.store.view;
    const compared = flame.diff !== null;
    const columns = compared ? DIFF_COLUMNS : [...COLUMNS, counted];
    const head = el("tr", {}, ...columns.map((name) => el("th", { scope: "col" }, name)));
    const rows = compared
      ? mostChanged(flame, mode).map((node) => this.diffRow(flame, node, mode))
      : widest(flame).map((node) => this.row(flame, node));
    this.place.replaceChildren(
      el(
        "table",
        {},
        el("caption", {}, compared ? "The frames that differ most" : this.caption),
        el("thead", {}, head),
        el("tbody", {}, ...rows),
      ),
    );
  }

  private diffRow(frame: FlameFrame, node: number, mode: DiffMode): HTMLElement {
    const { sides } = comparisonOf(frame, node, mode);
    const cells = [
      display(frame.name(frame.parent[node] as number)),
      ...totalTexts(frame, node, mode),
      count(sides.before.calls),
      count(sides.after.calls),
    ];
    return this.cells(frame, node, cells);
  }

  private row(frame: FlameFrame, node: number): HTMLElement {
    const total = frame.total[node] as number;
    const metric = metricOf(frame.header);
    const cells = [
      display(frame.name(frame.parent[node] as number)),
      amount(metric, total),
      share(total, frame.rootTotal),
      amount(metric, frame.self(node)),
      count(frame.calls(node)),
    ];
    return this.cells(frame, node, cells);
  }

  private cells(frame: FlameFrame, node: number, cells: string[]): HTMLElement {
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, display(frame.name(node))),
      ...cells.map((text) => el("td", {}, text)),
    );
  }
}
