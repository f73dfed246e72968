// SPDX-License-Identifier: MIT OR Apache-2.0
/** The range of time that every view is of, in the bar, with a button that clears it. */
import { byId, setText } from "./dom.ts";
import { time } from "./format.ts";
import { hasRange, isOpenRange, rangeText } from "./range.ts";
import type { Store } from "./store.ts";

export class RangeChip {
  private readonly chip = byId("range-chip");
  private readonly text = byId("range-chip-text");

  constructor(
    private readonly store: Store,
    clear: () => void,
  ) {
    byId("range-chip-clear").addEventListener("click", clear);
    store.on(["view", "sessions"], () => this.update());
  }

  /** Of memory its own chart shows a range that was chosen there. */
  private update(): void {
    const { metric, view } = this.store;
    const open = isOpenRange(view);
    this.chip.hidden = !hasRange(view) || (metric !== "time" && !open);
    if (this.chip.hidden) return;
    const { rangeFrom, rangeTo } = view;
    setText(this.text, rangeText(rangeFrom, rangeTo));
    this.chip.title = open
      ? `All views are of what happens from ${time(rangeFrom)} on, and what was before is kept`
      : `All views are of ${time(rangeTo - rangeFrom)}, from ${rangeText(rangeFrom, rangeTo)}`;
  }
}
