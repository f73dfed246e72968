// SPDX-License-Identifier: MIT OR Apache-2.0
/** Lists of figures: a name and a value each, exact on hover. */
import { el, setText } from "./dom.ts";
import type { FlameFrame } from "./flame_frame.ts";
import { count, exact, exactTime, share, time } from "./format.ts";
import type { FunctionRow } from "./table_frame.ts";

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

const NONE_ENDED = "none ended yet";

/** Calls that ended; `none`: what to say when none has. */
function setCounted(figures: Figures, calls: number, totalNs: number, none: string): void {
  figures.set("Calls", calls > 0 ? count(calls) : none, exact(calls));
  setWhen(figures, calls, "Mean", totalNs / calls);
}

function setWhen(figures: Figures, calls: number, name: string, ns: number): void {
  figures.set(name, calls > 0 ? time(ns) : "", calls > 0 ? exactTime(ns) : "");
}

/** All of a frame. */
export function setFrame(figures: Figures, frame: FlameFrame, node: number): void {
  const calls = frame.calls(node);
  const total = frame.total[node] as number;
  setTime(figures, "Total", total, frame.rootTotalNs);
  setTime(figures, "Self", frame.selfNs(node), frame.rootTotalNs);
  setCounted(figures, calls, total, node === 0 ? "" : NONE_ENDED);
  setWhen(figures, calls, "Min", frame.minNs(node));
  setWhen(figures, calls, "Max", frame.maxNs(node));
}

/** All of a function. */
export function setFunction(figures: Figures, row: FunctionRow, rootTotalNs: number): void {
  setTime(figures, "Total", row.totalNs, rootTotalNs);
  setTime(figures, "Self", row.selfNs, rootTotalNs);
  setCounted(figures, row.calls, row.totalNs, NONE_ENDED);
  setWhen(figures, row.calls, "Median", row.p50Ns);
  setWhen(figures, row.calls, "p99", row.p99Ns);
  setWhen(figures, row.calls, "Max", row.maxNs);
}
