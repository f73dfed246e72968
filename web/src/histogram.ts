// SPDX-License-Identifier: MIT OR Apache-2.0
/** How long the calls of a function took: figures, a histogram, and the same as a table. */
import { el, setText } from "./dom.ts";
import type { DurationBucket, DurationsFrame } from "./durations_frame.ts";
import { Figures } from "./figures.ts";
import { count, exact, exactTime, plural, share, time } from "./format.ts";
import { isRange } from "./message.ts";
import { display } from "./names.ts";
import { meanOf } from "./table_frame.ts";

const WIDTH = 240;
const HEIGHT = 64;
const MOST_ROWS = 40;

/** A bar of the histogram, its sides and its height from 0 to 1. */
export interface Bar {
  from: number;
  to: number;
  height: number;
  bucket: DurationBucket;
}

/** Where durations lie from left to right: as their logarithms, from the shortest to the longest. */
export class Axis {
  private readonly low: number;
  private readonly span: number;

  constructor(buckets: readonly DurationBucket[]) {
    this.low = Math.log(Math.max(1, buckets[0]?.low ?? 1));
    const high = Math.log(Math.max(2, buckets[buckets.length - 1]?.high ?? 2));
    this.span = Math.max(1e-9, high - this.low);
  }

  /** The place of a duration, 0 to 1. */
  at(ns: number): number {
    return Math.min(1, Math.max(0, (Math.log(Math.max(1, ns)) - this.low) / this.span));
  }
}

/** A bar for each bucket; heights go by logarithms, so that a single slow call is seen. */
export function barsOf(buckets: readonly DurationBucket[]): Bar[] {
  const axis = new Axis(buckets);
  const most = buckets.reduce((most, { calls }) => Math.max(most, calls), 1);
  return buckets.map((bucket) => ({
    from: axis.at(bucket.low),
    to: axis.at(bucket.high),
    height: Math.log1p(bucket.calls) / Math.log1p(most),
    bucket,
  }));
}

/** Neighbours put together until no more than `most` are left; all calls stay. */
export function mergeBuckets(buckets: readonly DurationBucket[], most: number): DurationBucket[] {
  const together = Math.ceil(buckets.length / most);
  const merged: DurationBucket[] = [];
  buckets.forEach((bucket, at) => {
    const last = merged[merged.length - 1];
    if (at % together === 0 || last === undefined) merged.push({ ...bucket });
    else {
      last.high = bucket.high;
      last.calls += bucket.calls;
    }
  });
  return merged;
}

function svg(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

export class Histogram {
  private readonly figures = new Figures();
  private readonly drawing = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    class: "histogram",
    "aria-hidden": "true",
  });
  private readonly left = el("span");
  private readonly right = el("span");
  private readonly table = el("div", { class: "hidden", id: "durations-table" });
  private readonly legend = el("p", { class: "axis", "aria-hidden": "true" }, this.left, this.right);
  readonly element = el("section", { id: "durations", hidden: "" }, el("h3", {}, "How long its calls took"));
  private readonly none = el("p", { class: "unknown" }, "None of this range of time is known: no call ended in it, or only sums are left.");
  private shown = "";

  constructor() {
    this.element.append(this.none, this.figures.element, this.drawing, this.legend, this.table);
  }

  /** Shows the durations of a function, if they are those asked for. */
  show(durations: DurationsFrame | null, wanted: string): void {
    const known = durations !== null && durations.function === wanted && wanted !== "";
    const some = known && durations.calls > 0;
    this.element.hidden = !some && !(known && isRange(durations.header));
    this.none.hidden = some;
    for (const part of [this.figures.element, this.drawing, this.legend, this.table])
      part.toggleAttribute("hidden", !some);
    if (!some) return;
    this.setFigures(durations);
    const shown = JSON.stringify([durations.name, durations.buckets]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.draw(durations);
    this.fillTable(durations);
  }

  private setFigures(durations: DurationsFrame): void {
    const mean = meanOf(durations.calls, durations.totalNs, durations.openNs);
    this.figures.fill(() => {
      const set = (name: string, ns: number): void => this.figures.set(name, time(ns), exactTime(ns));
      set("Min", durations.minNs);
      set("p50", durations.p50Ns);
      if (mean !== null) set("Mean", mean);
      set("p90", durations.p90Ns);
      set("p99", durations.p99Ns);
      set("Max", durations.maxNs);
    });
  }

  private draw({ buckets, p50Ns, p90Ns, p99Ns, calls }: DurationsFrame): void {
    const axis = new Axis(buckets);
    const bars = barsOf(buckets).map(({ from, to, height, bucket }) => {
      const bar = svg("rect", {
        x: from * WIDTH,
        y: (1 - height) * HEIGHT,
        width: Math.max(1, (to - from) * WIDTH - 0.5),
        height: height * HEIGHT,
      });
      const title = svg("title", {});
      title.textContent = `${time(bucket.low)} to ${time(bucket.high)}: ${plural(bucket.calls, "call")}, ${share(bucket.calls, calls)}`;
      bar.append(title);
      return bar;
    });
    const lines = [p50Ns, p90Ns, p99Ns].map((ns) =>
      svg("line", { x1: axis.at(ns) * WIDTH, x2: axis.at(ns) * WIDTH, y1: 0, y2: HEIGHT }),
    );
    this.drawing.replaceChildren(...bars, ...lines);
    setText(this.left, time(buckets[0]?.low ?? 0));
    setText(this.right, time(buckets[buckets.length - 1]?.high ?? 0));
    const most = buckets.reduce((most, bucket) => Math.max(most, bucket.calls), 0);
    this.legend.title = `Both scales are logarithmic; the highest bar stands for ${count(most)} calls. Lines: p50, p90, p99`;
  }

  private fillTable({ name, buckets, calls }: DurationsFrame): void {
    const rows = mergeBuckets(buckets, MOST_ROWS).map((bucket) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, `${exactTime(bucket.low)} to ${exactTime(bucket.high)}`),
        el("td", {}, exact(bucket.calls)),
        el("td", {}, share(bucket.calls, calls)),
      ),
    );
    const heads = ["Duration", "Calls", "Share"].map((text) => el("th", { scope: "col" }, text));
    this.table.replaceChildren(
      el(
        "table",
        {},
        el("caption", {}, `How long calls of ${display(name)} took, as measured`),
        el("thead", {}, el("tr", {}, ...heads)),
        el("tbody", {}, ...rows),
      ),
    );
  }
}
