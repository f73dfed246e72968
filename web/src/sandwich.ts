// SPDX-License-Identifier: MIT OR Apache-2.0
/** The words around the two halves of a sandwich. */
import { byId, setText } from "./dom.ts";
import { plural } from "./format.ts";
import { amount, metricOf } from "./metric.ts";
import { display } from "./names.ts";
import type { Store } from "./store.ts";

export class SandwichView {
  private readonly above = byId("callers-note");
  private readonly below = byId("callees-note");

  constructor(private readonly store: Store) {
    store.on(["flame", "view"], () => this.update());
  }

  private update(): void {
    const { callers, callees, layout, view } = this.store;
    if (layout !== "sandwich" || callers === null || callees === null) return;
    if (callees.functionId(0) !== view.function) {
      setText(this.above, "This function has no call in what is shown: Escape leads back to all of it.");
      setText(this.below, "");
      return;
    }
    const name = display(callees.name(0));
    const total = amount(metricOf(callees.header), callees.rootTotal);
    const top = callers.self(0) > 0 && callers.count === 1;
    setText(this.above, top ? `Nothing profiled calls ${name}.` : `Callers of ${name}, the nearest at the bottom`);
    const calls = callees.heap(0) === null ? ` in ${plural(callees.calls(0), "call")}` : "";
    const none = callees.count === 1 ? "; it calls nothing profiled" : "";
    setText(this.below, `${name} and what it calls, over all its places: ${total}${calls}${none}`);
  }
}
