// SPDX-License-Identifier: MIT OR Apache-2.0
/** Live memory over time, and the range of it that everything else is shown of. */
import { Brush, type Range } from "./brush.ts";
import { Chart } from "./chart.ts";
import { byId, el, setText } from "./dom.ts";
import { bytes, count, exactBytes, time } from "./format.ts";
import type { HeapPoint, MemoryFrame } from "./memory_frame.ts";
import { isOpenRange, rangeOf } from "./range.ts";
import { endOf, rateOf, sliceAt, sliceEnd, slicesOf } from "./slices.ts";
import type { Store } from "./store.ts";

/** While a range is dragged, what is shown of it follows this often. */
const FOLLOW_MS = 150;
const TABLE_ROWS = 24;
/** Not with every message: a screen reader would start over each time. */
const TABLE_EVERY_MS = 2000;

export class Timeline {
  private readonly section = byId("timeline");
  private readonly about = byId("timeline-about");
  private readonly readout = byId("timeline-readout");
  private readonly clear = byId<HTMLButtonElement>("timeline-clear");
  private readonly rangeText = byId("timeline-range");
  private readonly place = byId("timeline-chart");
  private readonly table = byId("timeline-table");
  private chart: Chart | null = null;
  private brush: Brush | null = null;
  private shown: MemoryFrame | null = null;
  private wanted: Range | null = null;
  private followTimer = 0;
  private tableTimer = 0;
  private cursor: number | null = null;

  /** `choose`: has a range shown, null for all, to 0 one that goes on; `step`: as one that Back undoes. */
  constructor(
    private readonly store: Store,
    private readonly choose: (range: Range | null, step: boolean) => void,
  ) {
    this.clear.addEventListener("click", () => choose(null, true));
    store.on(["memory", "view", "sessions"], () => this.update());
  }

  recolor(): void {
    this.chart?.recolor();
  }

  private update(): void {
    const { memory, metric } = this.store;
    this.section.hidden = metric === "time" || memory === null;
    if (memory === null || this.section.hidden) return;
    this.build();
    if (memory !== this.shown && this.brush?.isDragging !== true) this.draw(memory);
    this.brush?.show(this.range, this.end);
    this.updateText(memory);
    if (this.tableTimer === 0)
      this.tableTimer = window.setTimeout(
        () => this.fillTable(),
        this.table.childElementCount === 0 ? 0 : TABLE_EVERY_MS,
      );
  }

  /** Once it is seen: a chart needs to know its size. */
  private build(): void {
    if (this.chart !== null) return;
    this.chart = new Chart(this.place, (seconds) => {
      this.cursor = seconds;
      this.updateReadout();
    });
    this.brush = new Brush(this.chart.area, {
      choose: (range, final) => this.onRange(range, final),
    });
  }

  /** The end of what the chart shows. */
  private get end(): number {
    const memory = this.shown ?? this.store.memory;
    return memory === null ? 0 : endOf(memory);
  }

  private get range(): Range | null {
    return rangeOf(this.store.view, this.end);
  }

  private textOf(range: Range | null): string {
    if (range === null) return "All of the run";
    if (isOpenRange(this.store.view) && range.to >= this.end) return `Since ${time(range.from)}`;
    return `${time(range.from)} – ${time(range.to)}`;
  }

  private draw(memory: MemoryFrame): void {
    const { all, peakAtNs } = memory;
    this.shown = memory;
    const peak = { seconds: peakAtNs / 1e9, bytes: all.peakBytes };
    this.chart?.show(slicesOf(memory), peak, endOf(memory) / 1e9);
  }

  private onRange(range: Range | null, final: boolean): void {
    this.wanted = range;
    setText(this.rangeText, this.textOf(range));
    if (final) this.follow(true);
    else if (this.followTimer === 0)
      this.followTimer = window.setTimeout(() => this.follow(false), FOLLOW_MS);
  }

  private follow(step: boolean): void {
    clearTimeout(this.followTimer);
    this.followTimer = 0;
    const { wanted } = this;
    const goesOn = wanted !== null && isOpenRange(this.store.view) && wanted.from > 0 && wanted.to >= this.end;
    this.choose(goesOn ? { from: wanted.from, to: 0 } : wanted, step);
  }

  private updateText(memory: MemoryFrame): void {
    const { all, peakAtNs } = memory;
    const { range } = this;
    if (this.brush?.isDragging !== true) setText(this.rangeText, this.textOf(range));
    this.clear.hidden = range === null;
    const text = `${bytes(all.liveBytes)} live · peak ${bytes(all.peakBytes)} at ${time(peakAtNs)}`;
    setText(this.about, text);
    this.about.title = `${exactBytes(all.liveBytes)} live, ${exactBytes(all.peakBytes)} at the peak`;
    this.updateReadout();
  }

  /** What the chart shows under the pointer. */
  private updateReadout(): void {
    const { cursor, shown } = this;
    const index = cursor === null || shown === null ? -1 : sliceAt(shown.points, cursor * 1e9);
    const text =
      cursor === null || shown === null || index < 0
        ? ""
        : [time(cursor * 1e9), ...sliceTexts(shown.points, index, endOf(shown))].join(" · ");
    setText(this.readout, text);
  }

  /** The chart in words: slices, evenly picked when there are many. */
  private fillTable(): void {
    this.tableTimer = 0;
    const { memory } = this.store;
    if (memory === null) return this.table.replaceChildren();
    const { points } = memory;
    const every = Math.max(1, Math.ceil(points.length / TABLE_ROWS));
    const rows = points.flatMap((point, index) =>
      index % every === 0
        ? [rowOf(time(point.startNs), sliceTexts(points, index, endOf(memory)))]
        : [],
    );
    const heads = ["From", "Live at its end", "Most", "Allocated", "Allocations"];
    this.table.replaceChildren(
      el(
        "table",
        {},
        el("caption", {}, "Live memory over time"),
        el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, ...rows),
      ),
    );
  }
}

function rowOf(head: string, cells: readonly string[]): HTMLElement {
  return el("tr", {}, el("th", { scope: "row" }, head), ...cells.map((text) => el("td", {}, text)));
}

/** A slice in words. */
function sliceTexts(points: readonly HeapPoint[], index: number, nowNs: number): string[] {
  const point = points[index] as HeapPoint;
  const seconds = (sliceEnd(points, index, nowNs) - point.startNs) / 1e9;
  const often = seconds > 0 ? count(Math.round(point.allocations / seconds)) : "0";
  return [
    `${bytes(point.liveBytes)} live`,
    `at most ${bytes(point.highBytes)}`,
    `${bytes(rateOf(points, index, nowNs))}/s`,
    `${often} allocations/s`,
  ];
}
