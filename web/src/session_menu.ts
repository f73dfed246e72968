// SPDX-License-Identifier: MIT OR Apache-2.0
/** The list of sessions that the button with the program's name opens. */
import { byId, el } from "./dom.ts";
import { count, moment, time } from "./format.ts";
import { display } from "./names.ts";
import { type Session, stateText } from "./sessions.ts";
import type { Store } from "./store.ts";

const COLUMNS = ["Program", "State", "Start", "Duration", "Events", "Lost"];

export class SessionMenu {
  private readonly button = byId("session");
  private readonly menu = byId("session-menu");

  constructor(
    private readonly store: Store,
    private readonly choose: (id: string) => void,
  ) {
    this.button.addEventListener("click", () => this.toggle(this.menu.hidden));
    this.menu.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", (event) => {
      const inside =
        event.target instanceof Node &&
        (this.menu.contains(event.target) || this.button.contains(event.target));
      if (!inside) this.toggle(false);
    });
    store.on(["sessions", "view"], () => {
      if (!this.menu.hidden) this.fill();
    });
  }

  get isOpen(): boolean {
    return !this.menu.hidden;
  }

  toggle(open: boolean): void {
    if (open === this.isOpen) return;
    this.menu.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.fill();
    const current =
      this.menu.querySelector<HTMLElement>("[aria-current=true]") ??
      this.menu.querySelector("button");
    if (open) current?.focus();
    else if (this.menu.contains(document.activeElement)) this.button.focus();
  }

  private fill(): void {
    const focused = this.menu.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset["id"]
      : undefined;
    const head = el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col" }, name)));
    const now = new Date();
    const rows = this.store.sessions.map((session) => this.row(session, now));
    const table = el(
      "table",
      {},
      el("caption", { class: "hidden" }, "Sessions"),
      el("thead", {}, head),
      el("tbody", {}, ...rows),
    );
    this.menu.replaceChildren(this.newest(), table);
    if (focused !== undefined)
      this.menu.querySelector<HTMLElement>(`button[data-id="${focused}"]`)?.focus();
  }

  /** The entry that follows whatever is started next. */
  private newest(): HTMLElement {
    const text = el("span", {}, "Newest session, whichever it is");
    return this.entry("", text, this.store.view.session === "");
  }

  private entry(id: string, content: Node, current: boolean): HTMLButtonElement {
    const button = el(
      "button",
      { type: "button", "data-id": id, "aria-current": String(current) },
      content,
    );
    button.addEventListener("click", () => {
      this.toggle(false);
      this.choose(id);
    });
    return button;
  }

  private row(session: Session, now: Date): HTMLElement {
    const name = el("span", {}, el("bdi", {}, display(session.program)), ` ${session.pid}`);
    const state = el(
      "td",
      { class: "state" },
      el("span", { class: "dot", "data-state": session.state, "aria-hidden": "true" }),
      stateText(session),
    );
    const start = Number.isNaN(session.start.getTime()) ? "" : moment(session.start, now);
    const cells = [start, time(session.durationNs), count(session.events), count(session.lost)];
    const row = el(
      "tr",
      {},
      el("td", {}, this.entry(session.id, name, session.id === this.store.view.session)),
      state,
    );
    for (const text of cells) row.append(el("td", { class: "number" }, text));
    row.title = session.argv.map(display).join(" ");
    row.addEventListener("click", (event) => {
      if (!(event.target instanceof Element && event.target.closest("button")))
        row.querySelector("button")?.click();
    });
    if (session.lost > 0) row.lastElementChild?.classList.add("warn");
    return row;
  }

  private onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const buttons = [...this.menu.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]?.focus();
  }
}
