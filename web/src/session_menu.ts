// SPDX-License-Identifier: MIT OR Apache-2.0
/** The list of sessions that the button with the program's name opens. */
import { byId, el, setText } from "./dom.ts";
import { count, moment, time } from "./format.ts";
import { display } from "./names.ts";
import { isOpening, isRecorded, isRunning, type Session, stateMark, stateText } from "./sessions.ts";
import type { Store } from "./store.ts";

const COLUMNS = ["Program", "State", "Start", "Duration", "Events", "Lost"];

export interface SessionActions {
  /** Shows a session, or with "" the newest. */
  choose(id: string): void;
  /** Lets the user choose recordings to open. */
  openFiles(): void;
  /** Asks whether a session is to be forgotten, or ended. */
  forget(session: Session): void;
  end(session: Session): void;
  /** Records its program to a file from now on, or ends that. */
  tape(session: Session, on: boolean): void;
}

/** A session in the list. */
class Row {
  private readonly button: HTMLButtonElement;
  private readonly dot = el("span", { class: "dot", "aria-hidden": "true" });
  private readonly state = el("span");
  private readonly numbers = COLUMNS.slice(2).map(() => el("td", { class: "number" }));
  private readonly forget: HTMLButtonElement;
  private readonly end: HTMLButtonElement;
  private readonly tape: HTMLButtonElement;
  private readonly file = el("span", { class: "taped" });
  private session: Session;
  readonly element: HTMLTableRowElement;

  constructor(session: Session, { choose, forget, end, tape }: SessionActions) {
    const { id, program, pid, argv } = session;
    this.session = session;
    const name = el("span", {}, el("bdi", {}, display(program)), ` ${pid}`);
    this.button = el("button", { type: "button" }, name);
    const state = el("td", { class: "state" }, this.dot, this.state);
    const about = `${display(program)} ${pid}`;
    this.forget = this.addButton({ class: "forget", "aria-label": `Forget ${about}`, title: "Forget it …" }, "×", forget);
    this.end = this.addButton({ class: "end", "aria-label": `End ${about}`, title: "End it; the program goes on …" }, "■", end);
    this.tape = this.addButton({ class: "tape", "aria-label": `Record ${about} to a file` }, "●", (now) => tape(now, !isRecorded(now)));
    const last = el("td", {}, this.forget, this.end, this.tape);
    this.element = el("tr", {}, el("td", {}, this.button, this.file), state, ...this.numbers, last);
    this.element.title = argv.map(display).join(" ");
    this.element.addEventListener("click", () => choose(id));
  }

  /** A button in the row, whose own click chooses the session. */
  private addButton(attributes: Record<string, string>, sign: string, act: (session: Session) => void): HTMLButtonElement {
    const button = el("button", { type: "button", ...attributes }, sign);
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      act(this.session);
    });
    return button;
  }

  show(session: Session, now: Date, current: boolean): void {
    this.session = session;
    const focused = document.activeElement;
    this.forget.hidden = isRunning(session) || isOpening(session);
    this.end.hidden = !isRunning(session) || session.ending;
    this.tape.hidden = this.end.hidden;
    if ((focused === this.end || focused === this.tape) && this.end.hidden) this.button.focus();
    this.showTape(session);
    const start = Number.isNaN(session.start.getTime()) ? "" : moment(session.start, now);
    const { durationNs, events, lost } = session;
    const texts = [start, time(durationNs), count(events), count(lost)];
    this.button.setAttribute("aria-current", String(current));
    this.dot.dataset["state"] = stateMark(session);
    setText(this.state, stateText(session));
    texts.forEach((text, at) => setText(this.numbers[at] as Node, text));
    this.numbers[3]?.classList.toggle("warn", lost > 0);
  }

  /** Whether it is being recorded, and where to. */
  private showTape(session: Session): void {
    const on = isRecorded(session);
    const file = display(session.recording?.file ?? "");
    this.tape.setAttribute("aria-pressed", String(on));
    this.tape.title = on ? `Being recorded to ${file}: end that` : "Record it to a file from now on";
    this.file.hidden = !on;
    setText(this.file, on ? `● ${file}` : "");
    this.file.title = file;
  }
}

export class SessionMenu {
  private readonly button = byId("session");
  private readonly menu = byId("session-menu");
  private readonly newest = el("button", { type: "button" }, "Newest session, whichever it is");
  private readonly openFiles = el("button", { type: "button", title: "Recordings can also be dropped on the page" }, "Open recordings …");
  private readonly body = el("tbody");
  private readonly rows = new Map<string, Row>();

  constructor(
    private readonly store: Store,
    private readonly actions: SessionActions,
  ) {
    const head = el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col" }, name)), el("td"));
    const caption = el("caption", { class: "hidden" }, "Sessions");
    this.menu.append(this.newest, el("table", {}, caption, el("thead", {}, head), this.body), this.openFiles);
    this.newest.addEventListener("click", () => this.pick(""));
    this.openFiles.addEventListener("click", () => {
      this.toggle(false);
      this.actions.openFiles();
    });
    this.button.addEventListener("click", () => this.toggle(this.menu.hidden));
    this.menu.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", (event) => {
      const inside =
        event.target instanceof Node &&
        (this.menu.contains(event.target) ||
          this.button.contains(event.target) ||
          (event.target instanceof Element && event.target.closest("dialog.question") !== null));
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
      const row = this.rows.get(session.id) ?? new Row(session, { ...this.actions, choose: (id) => this.pick(id) });
      this.rows.set(session.id, row);
      row.show(session, now, session.id === view.session);
      return row.element;
    });
    const same = elements.length === this.body.children.length;
    if (same && elements.every((element, at) => this.body.children[at] === element)) return;
    const focused = document.activeElement;
    const inside = this.body.contains(focused);
    this.body.replaceChildren(...elements);
    if (!inside) return;
    // moved rows lose the focus; one that was forgotten leaves it to the list
    if (focused instanceof HTMLElement && this.body.contains(focused)) focused.focus();
    else this.newest.focus();
  }

  private pick(id: string): void {
    this.toggle(false);
    this.actions.choose(id);
  }

  private onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const buttons = [...this.menu.querySelectorAll<HTMLElement>("button:not(.forget, .end, .tape)")];
    const row = document.activeElement?.closest("tr") ?? null;
    const here = row?.querySelector<HTMLElement>("button") ?? document.activeElement;
    const at = buttons.findIndex((button) => button === here);
    buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]?.focus();
  }
}
