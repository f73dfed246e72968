// SPDX-License-Identifier: MIT OR Apache-2.0
/** The range of time that every view is of, in the bar, with a button that clears it. */
import { byId, setText } from "./dom.ts";
import { placeText } from "./flamechart_window.ts";
import { time } from "./format.ts";
import type { Store } from "./store.ts";

/** A range in words: as many digits as its length asks for. */
export function rangeText(from: number, to: number): string {
  const step = Math.max(1, 10 ** Math.floor(Math.log10(Math.max(1, to - from)) - 2));
  return `${placeText(from, step)} – ${placeText(to, step)}`;
}

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

  /** Of memory its own chart shows the range. */
  private update(): void {
    const { metric, view } = this.store;
    this.chip.hidden = view.rangeTo === 0 || metric !== "time";
    if (this.chip.hidden) return;
    setText(this.text, rangeText(view.rangeFrom, view.rangeTo));
    this.chip.title = `All views are of ${time(view.rangeTo - view.rangeFrom)}, from ${rangeText(view.rangeFrom, view.rangeTo)}`;
  }
}
