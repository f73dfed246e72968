// SPDX-License-Identifier: MIT OR Apache-2.0
/** The flamechart as a table for those who do not see it: the longest calls in sight, in words. */
import { byId, el } from "./dom.ts";
import type { Flamechart } from "./flamechart.ts";
import { durationText } from "./flamechart_panel.ts";
import { isMerged, type SliceRef } from "./flamechart_pick.ts";
import { count, time } from "./format.ts";
import { display } from "./names.ts";
import type { Store } from "./store.ts";

const MOST_ROWS = 50;
/** Not with every frame: a screen reader would start over each time. */
const EVERY_MS = 2000;
const FIRST_MS = 100;
const COLUMNS = ["Function", "Thread", "Begins", "Lasts", "Calls"];

/** The longest slices that are seen. */
function longest({ shown }: Flamechart): SliceRef[] {
  if (shown === null) return [];
  const { index, span } = shown;
  const { rows, start, end } = index.frame.slices;
  const found: { at: number; key: string; row: number; length: number }[] = [];
  for (const { lane, row, first, count: many } of rows) {
    const asked = index.frame.asked[lane];
    if (asked === undefined) continue;
    const key = `${asked.ring}${asked.tasks ? "t" : ""}`;
    for (let at = first; at < first + many; at++) {
      const length = Math.min(end[at] as number, span.to) - Math.max(start[at] as number, span.from);
      if (length >= 0) found.push({ at, key, row, length });
    }
  }
  found.sort((a, b) => b.length - a.length);
  return found.slice(0, MOST_ROWS).map(({ key, row, at }) => index.slice(key, row, at));
}

export class FlamechartTable {
  private readonly place = byId("chart-table");
  private timer = 0;

  constructor(
    private readonly store: Store,
    private readonly chart: Flamechart,
    private readonly threadOf: (key: string) => string,
  ) {
    store.on(["chart", "view"], () => {
      if (this.timer === 0)
        this.timer = window.setTimeout(
          () => this.fill(),
          this.place.childElementCount === 0 ? FIRST_MS : EVERY_MS,
        );
    });
  }

  private fill(): void {
    this.timer = 0;
    if (this.store.layout !== "chart") return this.place.replaceChildren();
    const rows = longest(this.chart).map((slice) => this.row(slice));
    const heads = COLUMNS.map((name) => el("th", { scope: "col" }, name));
    this.place.replaceChildren(
      el(
        "table",
        {},
        el("caption", {}, "The longest calls in the window"),
        el("thead", {}, el("tr", {}, ...heads)),
        el("tbody", {}, ...rows),
      ),
    );
  }

  private row(slice: SliceRef): HTMLElement {
    const cells = [
      this.threadOf(slice.key),
      time(Math.max(0, slice.startNs)),
      durationText(slice),
      isMerged(slice) ? count(slice.count) : "1",
    ];
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, display(slice.site.name)),
      ...cells.map((text) => el("td", {}, text)),
    );
  }
}
