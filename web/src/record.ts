// SPDX-License-Identifier: MIT OR Apache-2.0
/** The switch in the bar: what the program of the session shown records. */
import { byId } from "./dom.ts";
import { isRunning, type Kinds, KINDS, type Session } from "./sessions.ts";
import type { Store } from "./store.ts";

const NAMES: Readonly<{ [kinds in Kinds]: string }> = {
  none: "Recording off",
  time: "Recording time",
  memory: "Recording memory",
  both: "Recording both",
};
/** What was chosen is shown for so long before the list must have it. */
const TRUST_MS = 1500;

export class RecordSwitch {
  private readonly select = byId<HTMLSelectElement>("record");
  /** What was chosen last, until the list tells of it. */
  private chosen: { session: string; kinds: Kinds; at: number } | null = null;

  constructor(
    private readonly store: Store,
    record: (kinds: Kinds) => void,
  ) {
    this.select.append(...KINDS.map((kinds) => new Option(NAMES[kinds], kinds)));
    this.select.addEventListener("change", () => {
      const { session } = this.store;
      const kinds = this.select.value as Kinds;
      if (session === null) return;
      this.chosen = { session: session.id, kinds, at: performance.now() };
      record(kinds);
      this.update();
    });
    store.on(["sessions", "view", "connection"], () => this.update());
  }

  /** What is recorded, or will be as soon as the program heeds it. */
  private wanted(session: Session): Kinds {
    const told = session.wished ?? session.active;
    const { chosen } = this;
    if (chosen?.session !== session.id || performance.now() - chosen.at > TRUST_MS) return told;
    if (told === chosen.kinds) this.chosen = null;
    return chosen.kinds;
  }

  private update(): void {
    const { session, connection } = this.store;
    this.select.hidden = session === null || !isRunning(session);
    if (session === null) return;
    const wanted = this.wanted(session);
    this.select.value = wanted;
    this.select.disabled = connection !== "open" || session.ending;
    this.select.classList.toggle("off", wanted === "none");
    const waiting = session.wished !== null;
    this.select.setAttribute("aria-busy", String(waiting));
    this.select.title = waiting
      ? "Takes effect at the program's next event"
      : "What the program records: switches it while it runs";
  }
}
