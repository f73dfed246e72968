// SPDX-License-Identifier: MIT OR Apache-2.0
/** The list of sessions that the button with the program's name opens. */
import { byId, el, setText } from "./dom.ts";
import { count, moment, time } from "./format.ts";
import { display } from "./names.ts";
import { type Session, stateMark, stateText } from "./sessions.ts";
import type { Store } from "./store.ts";

const COLUMNS = ["Program", "State", "Start", "Duration", "Events", "Lost"];

/** A session in the list. */
class Row {
  private readonly button: HTMLButtonElement;
  private readonly dot = el("span", { class: "dot", "aria-hidden": "true" });
  private readonly state = el("span");
  private readonly numbers = COLUMNS.slice(2).map(() => el("td", { class: "number" }));
  readonly element: HTMLTableRowElement;

  constructor({ id, program, pid, argv }: Session, pick: (id: string) => void) {
    const name = el("span", {}, el("bdi", {}, display(program)), ` ${pid}`);
    this.button = el("button", { type: "button" }, name);
    const state = el("td", { class: "state" }, this.dot, this.state);
    this.element = el("tr", {}, el("td", {}, this.button), state, ...this.numbers);
    this.element.title = argv.map(display).join(" ");
    this.element.addEventListener("click", () => pick(id));
  }

  show(session: Session, now: Date, current: boolean): void {
    const start = Number.isNaN(session.start.getTime()) ? "" : moment(session.start, now);
    const { durationNs, events, lost } = session;
    const texts = [start, time(durationNs), count(events), count(lost)];
    this.button.setAttribute("aria-current", String(current));
    this.dot.dataset["state"] = stateMark(session);
    setText(this.state, stateText(session));
    texts.forEach((text, at) => setText(this.numbers[at] as Node, text));
    this.numbers[3]?.classList.toggle("warn", lost > 0);
  }
}

export class SessionMenu {
  private readonly button = byId("session");
  private readonly menu = byId("session-menu");
  private readonly newest = el("button", { type: "button" }, "Newest session, whichever it is");
  private readonly body = el("tbody");
  private readonly rows = new Map<string, Row>();

  constructor(
    private readonly store: Store,
    private readonly choose: (id: string) => void,
  ) {
    const head = el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col" }, name)));
    const caption = el("caption", { class: "hidden" }, "Sessions");
    this.menu.append(this.newest, el("table", {}, caption, el("thead", {}, head), this.body));
    this.newest.addEventListener("click", () => this.pick(""));
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

  /** Brings the rows up to date; rows stay the same elements, so that a click finds its session. */
  private fill(): void {
    const { sessions, view } = this.store;
    const now = new Date();
    this.newest.setAttribute("aria-current", String(view.session === ""));
    for (const id of this.rows.keys())
      if (!sessions.some((session) => session.id === id)) this.rows.delete(id);
    const elements = sessions.map((session) => {
      const row = this.rows.get(session.id) ?? new Row(session, (id) => this.pick(id));
      this.rows.set(session.id, row);
      row.show(session, now, session.id === view.session);
      return row.element;
    });
    const same = elements.length === this.body.children.length;
    if (!same || elements.some((element, at) => this.body.children[at] !== element))
      this.body.replaceChildren(...elements);
  }

  private pick(id: string): void {
    this.toggle(false);
    this.choose(id);
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
