// SPDX-License-Identifier: MIT OR Apache-2.0
/** The dialog with a function's source, and what is known of its lines beside them. */
import { byId, el, setText } from "./dom.ts";
import { display } from "./names.ts";
import { hasRange } from "./range.ts";
import { isRunning } from "./sessions.ts";
import { leavesOut } from "./sieve.ts";
import { type LineCost, MOST_LINES, type Source, type SourceRequest, costsOf } from "./source_lines.ts";
import { SourceTable } from "./source_table.ts";
import type { Store } from "./store.ts";

const MORE_LINES = 40;
/** What the lines of a program that runs have allocated is asked for again so often. */
const EVERY_MS = 3000;

export interface SourceActions {
  ask(request: SourceRequest): void;
  close(): void;
}

function lastOf(source: Source): number {
  return source.first + source.lines.length - 1;
}

export class SourceDialog {
  private readonly dialog = byId<HTMLDialogElement>("source-dialog");
  private readonly title = el("h2", { id: "source-title" });
  private readonly path = el("p", { class: "path" });
  private readonly places = el("select", { "aria-label": "Which of the files that have it" });
  private readonly about = el("p", { id: "source-about" });
  private readonly notes = el("p", { role: "status", class: "notes" });
  private readonly above = el("button", { type: "button" }, `${MORE_LINES} lines more above`);
  private readonly below = el("button", { type: "button" }, `${MORE_LINES} lines more below`);
  private readonly table = new SourceTable();
  private readonly scroll = el(
    "div",
    { class: "source-scroll", tabindex: "0", role: "region", "aria-label": "Source", "aria-describedby": "source-about" },
    this.table.element,
  );
  /** Which lines are wanted; `first` 0: where the function is. */
  private wish = { function: "", session: "", place: 0, first: 0, count: MOST_LINES };
  private asked = { text: "", at: 0 };
  /** The function that was scrolled to. */
  private revealed = "";

  constructor(
    private readonly store: Store,
    private readonly actions: SourceActions,
  ) {
    const close = el("button", { type: "button", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => this.dialog.close());
    this.dialog.append(
      el("header", {}, this.title, close),
      this.path,
      this.places,
      this.notes,
      this.above,
      this.scroll,
      this.below,
      this.about,
    );
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    // which comes later than it closes: Forward, right after Back, has opened it again
    this.dialog.addEventListener("close", () => {
      if (!this.dialog.open) actions.close();
    });
    this.places.addEventListener("change", () => this.choosePlace(this.places.selectedIndex));
    this.above.addEventListener("click", () => this.more(MORE_LINES, 0));
    this.below.addEventListener("click", () => this.more(0, MORE_LINES));
    store.on(["view", "sessions"], () => this.update());
    store.on(["table"], () => this.showCosts());
    store.on(["source"], () => this.show());
    store.on(["connection"], () => {
      if (store.connection !== "open") this.asked.text = "";
    });
  }

  /** Opens, closes and asks, as the view has it. */
  private update(): void {
    const { session, view } = this.store;
    if (view.source === "") {
      if (this.dialog.open) this.dialog.close();
      return;
    }
    const known = session?.id ?? "";
    if (this.wish.function !== view.source || this.wish.session !== known) {
      this.wish = { function: view.source, session: known, place: 0, first: 0, count: MOST_LINES };
      this.revealed = "";
      this.show();
    }
    if (!this.dialog.open) this.dialog.showModal();
    this.ask();
  }

  private ask(): void {
    const { session, view, metric, paused, connection } = this.store;
    if (session === null || connection !== "open") return;
    const by = metric === "time" || view.by === "" ? {} : { by: view.by };
    const range = { from: view.rangeFrom, to: view.rangeTo };
    const request = { ...this.wish, metric, ...by, ...range };
    const text = JSON.stringify(request);
    const now = performance.now();
    const grows = isRunning(session) && !paused && this.source?.memory != null;
    if (text === this.asked.text && !(grows && now - this.asked.at >= EVERY_MS)) return;
    this.asked = { text, at: now };
    this.actions.ask(request);
  }

  /** What was answered, if it is of the function that is shown. */
  private get source(): Source | null {
    const { source } = this.store;
    const { function: id, session } = this.wish;
    return source !== null && source.function === id && source.session === session ? source : null;
  }

  private choosePlace(place: number): void {
    this.wish = { ...this.wish, place, first: 0, count: MOST_LINES };
    this.revealed = "";
    this.ask();
  }

  private more(above: number, below: number): void {
    const { source } = this;
    if (source === null) return;
    const first = Math.max(1, source.first - above);
    const count = Math.min(MOST_LINES, lastOf(source) + below - first + 1);
    this.wish = { ...this.wish, place: source.place, first, count };
    this.ask();
  }

  private show(): void {
    const { source } = this;
    this.showTitle();
    const lines = source !== null && source.lines.length > 0;
    this.scroll.hidden = !lines;
    this.about.hidden = !lines;
    setText(this.notes, source === null ? "Reading …" : this.notesOf(source));
    this.notes.hidden = this.notes.textContent === "";
    this.showPlaces(source);
    this.above.hidden = source === null || !lines || source.first <= 1;
    const full = source !== null && source.lines.length >= MOST_LINES;
    this.below.hidden = source === null || !lines || full || lastOf(source) >= source.lineCount;
    if (source === null || !lines) return;
    this.table.show(source, this.scroll);
    this.showCosts();
    this.reveal(source);
  }

  private showTitle(): void {
    const row = this.store.table?.rows.find(({ id }) => id === this.wish.function);
    setText(this.title, row === undefined ? "Source" : display(row.name));
  }

  private notesOf(source: Source): string {
    const notes = [source.error];
    if (source.changed) notes.push("This file was changed since the program began: lines may have moved.");
    if (source.beside && source.error === "")
      notes.push("Its path is relative: it was found from where the program's file is.");
    return notes.filter((note) => note !== "").join(" ");
  }

  private showPlaces(source: Source | null): void {
    const known = source?.places ?? [];
    const place = known[source?.place ?? 0];
    const path = source === null || source.path === "" ? (place?.file ?? "") : source.path;
    setText(this.path, path === "" ? "" : display(place === undefined ? path : `${path}:${place.line}`));
    this.places.hidden = known.length < 2;
    const texts = known.map(({ file, line }) => display(`${file}:${line}`));
    if (texts.join("\n") !== [...this.places.options].map(({ text }) => text).join("\n"))
      this.places.replaceChildren(...texts.map((text) => el("option", {}, text)));
    this.places.selectedIndex = source?.place ?? 0;
  }

  private showCosts(): void {
    const { source } = this;
    const { table, metric } = this.store;
    this.showTitle();
    if (!this.dialog.open || source === null || source.lines.length === 0) return;
    const costs: Map<number, LineCost> = table === null ? new Map() : costsOf(source, table.rows);
    this.table.showCosts(costs, metric, table?.rootTotal ?? 0);
    setText(this.about, this.aboutCosts(source, [...costs.values()]));
  }

  /** What the numbers are of. */
  private aboutCosts(source: Source, costs: readonly LineCost[]): string {
    const { store } = this;
    const { view } = store;
    const range = hasRange(view) ? ", in the range of time chosen" : "";
    if (source.memory !== null)
      return `Memory of the native stacks that go through a line${range}; Self is what was allocated by the line itself, or on its behalf by a library.`;
    const whose = store.thread === 0 ? "all threads" : "the thread chosen";
    const what = store.metric === "time" ? `Times and calls, of ${whose}` : "Memory of profiled calls";
    const sifted = leavesOut(view) ? ", of what is not left out" : "";
    let others = "";
    if (costs.some(({ shared }) => shared)) others += " † There are others of this name: the numbers are of all of them.";
    if (costs.some(({ crowded }) => crowded)) others += " ‡ Several begin there: the numbers are of one.";
    return `${what}${range}${sifted}, at the line where a function or section begins, over all its places.${others}`;
  }

  /** Scrolls to the function, once. */
  private reveal(source: Source): void {
    const key = `${source.session} ${source.function} ${source.place}`;
    if (this.revealed === key) return;
    this.revealed = key;
    this.scroll.focus({ preventScroll: true });
    this.table.reveal(source.places[source.place]?.line ?? 0, this.scroll);
  }
}
