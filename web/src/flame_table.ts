// SPDX-License-Identifier: MIT OR Apache-2.0
/** The flamegraph as a table for those who do not see it: the widest frames, in words. */
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
    store: Store,
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
    const head = el("tr", {}, ...[...COLUMNS, counted].map((name) => el("th", { scope: "col" }, name)));
    const rows = widest(flame).map((node) => this.row(flame, node));
    this.place.replaceChildren(
      el(
        "table",
        {},
        el("caption", {}, this.caption),
        el("thead", {}, head),
        el("tbody", {}, ...rows),
      ),
    );
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
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, display(frame.name(node))),
      ...cells.map((text) => el("td", {}, text)),
    );
  }
}
