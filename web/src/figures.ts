// SPDX-License-Identifier: MIT OR Apache-2.0
/** Lists of figures: a name and a value each, exact on hover. */
import { el, setText } from "./dom.ts";
import type { FlameFrame } from "./flame_frame.ts";
import { count, exact, exactTime, share, time } from "./format.ts";
import { type FunctionRow, meanOf } from "./table_frame.ts";

/** A list of figures whose values change in place. */
export class Figures {
  readonly element = el("dl", { class: "figures" });
  private readonly values = new Map<string, HTMLElement>();

  /** Shows a figure; "" hides it. */
  set(name: string, value: string, title = ""): void {
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

/** A time with its share, exact on hover. */
function setTime(figures: Figures, name: string, ns: number, whole = 0): void {
  figures.set(name, whole > 0 ? `${time(ns)} · ${share(ns, whole)}` : time(ns), exactTime(ns));
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

/** All of a frame. */
export function setFrame(figures: Figures, frame: FlameFrame, node: number): void {
  const calls = frame.calls(node);
  const total = frame.total[node] as number;
  setTime(figures, "Total", total, frame.rootTotalNs);
  setWaits(figures, total, frame.waitNs(node));
  setTime(figures, "Self", frame.selfNs(node), frame.rootTotalNs);
  setCounted(figures, calls, meanOf(calls, total, frame.openNs(node)), node === 0 ? "" : NONE_ENDED);
  setWhen(figures, "Min", calls > 0 ? frame.minNs(node) : null);
  setWhen(figures, "Max", calls > 0 ? frame.maxNs(node) : null);
}

/** All of a function. */
export function setFunction(figures: Figures, row: FunctionRow, rootTotalNs: number): void {
  setTime(figures, "Total", row.totalNs, rootTotalNs);
  setWaits(figures, row.totalNs, row.waitNs);
  setTime(figures, "Self", row.selfNs, rootTotalNs);
  setCounted(figures, row.calls, row.meanNs, NONE_ENDED);
  setWhen(figures, "Median", row.calls > 0 ? row.p50Ns : null);
  setWhen(figures, "p99", row.calls > 0 ? row.p99Ns : null);
  setWhen(figures, "Max", row.calls > 0 ? row.maxNs : null);
}
