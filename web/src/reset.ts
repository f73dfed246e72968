// SPDX-License-Identifier: MIT OR Apache-2.0
/** The button in the bar that has all views begin now; nothing is lost by that. */
import { byId } from "./dom.ts";
import { isOpenRange } from "./range.ts";
import { isRunning } from "./sessions.ts";
import type { Store } from "./store.ts";

export class ResetButton {
  private readonly button = byId<HTMLButtonElement>("reset");

  constructor(
    private readonly store: Store,
    begin: () => void,
  ) {
    this.button.addEventListener("click", begin);
    store.on(["sessions", "view"], () => this.update());
  }

  private update(): void {
    const { session, view } = this.store;
    this.button.hidden = session === null || !isRunning(session);
    if (session === null) return;
    this.button.disabled = !session.timeline;
    this.button.title = session.timeline ? usualTitle(isOpenRange(view)) : "thagd keeps no timeline of this session, so that views can't begin now";
  }
}

function usualTitle(again: boolean): string {
  return again ? "Begin once more, now (n)" : "Count from now on; × beside “since” shows all again (n)";
}
