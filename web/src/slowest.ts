// SPDX-License-Identifier: MIT OR Apache-2.0
/** The longest calls of a function: a list in the panel, each a click from its place in time. */
import { el, setText } from "./dom.ts";
import { exactTime, time } from "./format.ts";
import { display } from "./names.ts";
import type { SlowCall, SlowestCalls } from "./slowest_calls.ts";
import type { Store } from "./store.ts";

const MOST = 10;

/** A line of the list, used for one call after another. */
class Line {
  private readonly fill = el("span", { class: "bar-fill", "aria-hidden": "true" });
  private readonly name = el("bdi");
  private readonly duration = el("span", { class: "number" });
  private readonly button = el("button", { type: "button" }, this.fill, this.name, this.duration);
  readonly element = el("li", {}, this.button);
  private call: SlowCall | null = null;

  constructor(go: (call: SlowCall) => void) {
    this.button.addEventListener("click", () => this.call !== null && go(this.call));
  }

  show(call: SlowCall, longest: number, thread: string): void {
    this.call = call;
    this.fill.style.width = `${longest > 0 ? Math.min(100, (100 * call.duration) / longest) : 0}%`;
    setText(this.name, `at ${time(call.start)}${thread}`);
    setText(this.duration, time(call.duration));
    this.button.title = `${exactTime(call.duration)}, ${exactTime(call.start)} after the session began: show it in the chart`;
  }
}

export class Slowest {
  private readonly list = el("ul", { class: "callees" });
  readonly element = el("section", { class: "slowest", hidden: "" }, el("h3", {}, "Its slowest calls"), this.list);
  private readonly lines: Line[] = [];

  constructor(
    private readonly store: Store,
    private readonly go: (functionId: string, call: SlowCall) => void,
  ) {}

  /** Shows the calls of a function, if they are those that were asked for. */
  show(slowest: SlowestCalls | null, functionId: string): void {
    const { session } = this.store;
    const known =
      slowest !== null && slowest.function === functionId && slowest.session === session?.id;
    const calls = known ? slowest.calls.slice(0, MOST) : [];
    this.element.hidden = calls.length === 0;
    const go = (call: SlowCall): void => this.go(functionId, call);
    if (this.element.dataset["function"] !== functionId)
      for (const line of this.lines.splice(0)) line.element.remove();
    this.element.dataset["function"] = functionId;
    while (this.lines.length < calls.length) this.lines.push(new Line(go));
    for (const line of this.lines.splice(calls.length)) line.element.remove();
    this.lines.forEach((line, at) => {
      const call = calls[at] as SlowCall;
      line.show(call, calls[0]?.duration ?? 0, this.threadText(call.tid));
      if (!line.element.isConnected) this.list.append(line.element);
    });
  }

  /** Which thread, where there are several. */
  private threadText(tid: number): string {
    const threads = this.store.session?.threads ?? [];
    if (threads.length < 2) return "";
    const name = threads.find((thread) => thread.tid === tid)?.name ?? "";
    return ` · ${name === "" ? tid : display(name)}`;
  }
}
