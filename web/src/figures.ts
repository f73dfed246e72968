// SPDX-License-Identifier: MIT OR Apache-2.0
/** Lists of figures: a name and a value each, exact on hover. */
import { change, changeText, type DiffMode, difference, exactSignedAmount, presenceOf, signedAmount } from "./diff.ts";
import { comparisonOf, modeOf, presenceText } from "./diff_frame.ts";
import { el, setText } from "./dom.ts";
import type { FlameFrame } from "./flame_frame.ts";
import { bytes, count, exact, exactBytes, exactTime, plural, share, time } from "./format.ts";
import type { HeapRecord } from "./heap.ts";
import { amount, exactAmount, type Metric, metricOf } from "./metric.ts";
import { type FunctionRow, meanOf, type TableFrame } from "./table_frame.ts";

/** A list of figures whose values change in place. */
export class Figures {
  readonly element = el("dl", { class: "figures" });
  private readonly values = new Map<string, HTMLElement>();
  private readonly unset = new Set<string>();

  /** Shows what `fill` sets, and nothing else. */
  fill(fill: () => void): void {
    for (const name of this.values.keys()) this.unset.add(name);
    fill();
    for (const name of this.unset) this.set(name, "");
    this.unset.clear();
    this.element.classList.toggle("heap", this.values.get("Allocated")?.hidden === false);
  }

  /** Shows a figure; "" hides it. */
  set(name: string, value: string, title = ""): void {
    this.unset.delete(name);
    let element = this.values.get(name);
    if (element === undefined) {
      element = el("dd");
      this.values.set(name, element);
      this.element.append(el("dt", {}, name), element);
    }
    setText(element, value);
    element.hidden = (element.previousElementSibling as HTMLElement).hidden = value === "";
    if (element.title !== title) element.title = title;
  }
}

/** A number of a metric with its share, exact on hover. */
function setAmount(figures: Figures, name: string, metric: Metric, value: number, whole = 0): void {
  const text = amount(metric, value);
  const title = exactAmount(metric, value);
  figures.set(name, whole > 0 ? `${text} · ${share(value, whole)}` : text, title);
}

/** What ran only while others did not: the total is its running time, and it was open for longer. */
function setWaits(figures: Figures, totalNs: number, waitNs: number): void {
  setWhen(figures, "Waiting", waitNs > 0 ? waitNs : null);
  setWhen(figures, "Wall time", waitNs > 0 ? totalNs + waitNs : null);
}

const NONE_ENDED = "none ended yet";

/** Calls that ended; `none`: what to say when none has. */
function setCounted(figures: Figures, calls: number, meanNs: number | null, none: string): void {
  figures.set("Calls", calls > 0 ? count(calls) : none, exact(calls));
  setWhen(figures, "Mean", meanNs);
}

/** A time that may not be known yet. */
function setWhen(figures: Figures, name: string, ns: number | null): void {
  figures.set(name, ns === null ? "" : time(ns), ns === null ? "" : exactTime(ns));
}

/** Bytes, and how many blocks or allocations they are. */
function setBytes(figures: Figures, name: string, size: number, blocks?: number): void {
  const many = blocks === undefined ? "" : ` · ${count(blocks)}`;
  const title = blocks === undefined ? "" : ` in ${plural(blocks, "block")}`;
  figures.set(name, bytes(size) + many, exactBytes(size) + title);
}

/** What matters most of a record of memory; `leaked`: what to call what is not freed. */
function setHeapShort(figures: Figures, heap: HeapRecord, leaked: string): void {
  const { allocations, temporary } = heap;
  setBytes(figures, "Allocated", heap.allocatedBytes);
  figures.set("Allocations", count(allocations), exact(allocations));
  setBytes(figures, "Live", heap.liveBytes, heap.live);
  setBytes(figures, "At the peak", heap.peakBytes);
  setBytes(figures, leaked, heap.leakedBytes, heap.leaked);
  figures.set(
    "Temporary",
    allocations > 0 ? `${count(temporary)} · ${share(temporary, allocations)}` : "",
    `${exact(temporary)} allocations, ${exactBytes(heap.temporaryBytes)}`,
  );
}

/** All of a record of memory. */
function setHeap(figures: Figures, heap: HeapRecord, leaked: string): void {
  const { allocations, allocatedBytes } = heap;
  setHeapShort(figures, heap, leaked);
  figures.set("Mean size", allocations > 0 ? bytes(Math.round(allocatedBytes / allocations)) : "");
  figures.set("Reallocations", count(heap.reallocations), exact(heap.reallocations));
  setBytes(figures, "Freed here", heap.releasedBytes, heap.released);
  if (heap.highBytes > 0) setBytes(figures, "Its own highest", heap.highBytes);
  const lived = heap.lifetimeMaxNs > 0;
  setWhen(figures, "Lifetime, median", lived ? heap.lifetimeP50Ns : null);
  setWhen(figures, "Lifetime, p99", lived ? heap.lifetimeP99Ns : null);
  setWhen(figures, "Lifetime, longest", lived ? heap.lifetimeMaxNs : null);
}

/** A frame: all of it, or of its memory what matters most when `short`. */
export function setFrame(
  figures: Figures,
  frame: FlameFrame,
  node: number,
  leaked: string,
  short = false,
): void {
  const calls = frame.calls(node);
  const total = frame.total[node] as number;
  const shown = metricOf(frame.header);
  const heap = frame.heap(node);
  figures.fill(() => {
    setAmount(figures, "Total", shown, total, frame.rootTotal);
    if (heap === null) setWaits(figures, total, frame.waitNs(node));
    setAmount(figures, "Self", shown, frame.self(node), frame.rootTotal);
    if (heap !== null) return (short ? setHeapShort : setHeap)(figures, heap, leaked);
    const mean = meanOf(calls, total, frame.openNs(node));
    setCounted(figures, calls, mean, node === 0 ? "" : NONE_ENDED);
    setWhen(figures, "Min", calls > 0 ? frame.minNs(node) : null);
    setWhen(figures, "Max", calls > 0 ? frame.maxNs(node) : null);
  });
}

/** A frame on both sides: A, B, and how they differ; `short`: of its total alone. */
export function setComparison(
  figures: Figures,
  frame: FlameFrame,
  node: number,
  chosen: DiffMode,
  short = false,
): void {
  const { sides, scale } = comparisonOf(frame, node, chosen);
  const { before, after } = sides;
  const shown = metricOf(frame.header);
  const setPair = (name: string, a: number, b: number): void => {
    figures.set(`${name}, A`, amount(shown, a), exactAmount(shown, a));
    figures.set(`${name}, B`, amount(shown, b), exactAmount(shown, b));
    if (modeOf(frame, chosen) === "normalised")
      figures.set(`${name}, B scaled`, amount(shown, Math.round(b * scale)), exactAmount(shown, b * scale));
    const delta = difference(a, b, scale);
    figures.set(name === "Total" ? "Difference" : `${name} difference`, signedAmount(shown, Math.round(delta)), exactSignedAmount(shown, delta));
    figures.set(name === "Total" ? "Relative" : `${name} relative`, changeText(change(a, b, scale)));
  };
  figures.fill(() => {
    figures.set("Presence", node === 0 ? "" : presenceText(presenceOf(sides)));
    setPair("Total", before.total, after.total);
    if (short) return;
    setPair("Self", before.self, after.self);
    figures.set("Calls, A", count(before.calls), exact(before.calls));
    figures.set("Calls, B", count(after.calls), exact(after.calls));
  });
}

/** All of a function. */
export function setFunction(
  figures: Figures,
  row: FunctionRow,
  table: TableFrame,
  leaked: string,
): void {
  const shown = metricOf(table.header);
  figures.fill(() => {
    setAmount(figures, "Total", shown, row.total, table.rootTotal);
    if (row.heap === null) setWaits(figures, row.total, row.waitNs);
    setAmount(figures, "Self", shown, row.self, table.rootTotal);
    if (row.heap !== null) return setHeap(figures, row.heap, leaked);
    setCounted(figures, row.calls, row.meanNs, NONE_ENDED);
  });
}
