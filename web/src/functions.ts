// SPDX-License-Identifier: MIT OR Apache-2.0
/** The table of functions. Only the rows in sight are in the page. */
import { byId, el, setText } from "./dom.ts";
import { count, exact, exactTime, share, time } from "./format.ts";
import { kindText } from "./message.ts";
import type { FunctionRow } from "./table_frame.ts";
import { baseName, display } from "./names.ts";
import type { Store } from "./store.ts";
import type { Sort, View } from "./url.ts";

const ROW_PX = 24;
const SPARE_ROWS = 8;

interface Column {
  sort: Sort;
  title: string;
  about: string;
  value: (row: FunctionRow) => number | string;
}

const COLUMNS: readonly Column[] = [
  {
    sort: "name",
    title: "Function",
    about: "Name, and where it is defined",
    value: (row) => row.name,
  },
  { sort: "self", title: "Self", about: "Time in the function itself", value: (row) => row.selfNs },
  {
    sort: "total",
    title: "Total",
    about: "Time in it and what it calls; recursion counts once",
    value: (row) => row.totalNs,
  },
  { sort: "calls", title: "Calls", about: "How often it was called", value: (row) => row.calls },
  { sort: "mean", title: "Mean", about: "Total by calls", value: (row) => row.meanNs ?? 0 },
  {
    sort: "p50",
    title: "p50",
    about: "Half of the calls took at most this long",
    value: (row) => row.p50Ns,
  },
  {
    sort: "p99",
    title: "p99",
    about: "99 of 100 calls took at most this long",
    value: (row) => row.p99Ns,
  },
  { sort: "max", title: "Max", about: "The longest call", value: (row) => row.maxNs },
];

/** The rows in the order of a view; equal ones by name. */
export function sortRows(
  rows: readonly FunctionRow[],
  sort: Sort,
  ascending: boolean,
): FunctionRow[] {
  const value = (COLUMNS.find((column) => column.sort === sort) as Column).value;
  const sign = ascending ? 1 : -1;
  const order = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...rows].sort((a, b) => sign * order(value(a), value(b)) || order(a.name, b.name));
}

/** The direction a column sorts in when it is first chosen. */
function firstAscending(sort: Sort): boolean {
  return sort === "name";
}

/** A row of the page, used for one function after another. */
class Line {
  readonly element = el("tr", { tabindex: "-1" });
  private readonly name = el("bdi", { class: "code" });
  private readonly place = el("span", { class: "place" });
  private readonly bar = el("span", { class: "bar-fill", "aria-hidden": "true" });
  private readonly self = el("span");
  private readonly cells: HTMLElement[] = [];
  row: FunctionRow | null = null;

  constructor() {
    this.element.append(el("th", { scope: "row" }, this.name, this.place));
    this.element.append(el("td", { class: "number with-bar" }, this.bar, this.self));
    for (let at = 2; at < COLUMNS.length; at++)
      this.cells.push(this.element.appendChild(el("td", { class: "number" })));
  }

  show(row: FunctionRow, index: number, rootTotalNs: number): void {
    this.row = row;
    this.element.setAttribute("aria-rowindex", String(index + 2));
    setText(this.name, display(row.name));
    setText(
      this.place,
      row.file === ""
        ? kindText(row.kind)
        : `${baseName(display(row.file))}:${row.line}`,
    );
    this.place.title = row.file === "" ? "" : display(row.file);
    const part = rootTotalNs > 0 ? row.selfNs / rootTotalNs : 0;
    this.bar.style.width = `${Math.min(100, 100 * part)}%`;
    setText(this.self, `${time(row.selfNs)} · ${share(row.selfNs, rootTotalNs)}`);
    this.showNumbers(row);
  }

  /** A function none of whose calls has ended yet has no times of calls. */
  private showNumbers(row: FunctionRow): void {
    const times = [row.meanNs, row.p50Ns, row.p99Ns, row.maxNs];
    this.showNumber(0, time(row.totalNs), exactTime(row.totalNs));
    this.showNumber(1, count(row.calls), exact(row.calls));
    times.forEach((ns, at) => {
      if (row.calls > 0 && ns !== null) this.showNumber(2 + at, time(ns), exactTime(ns));
      else this.showNumber(2 + at, "–", "Not known until the call that runs has ended");
    });
  }

  private showNumber(at: number, text: string, title: string): void {
    const cell = this.cells[at] as HTMLElement;
    setText(cell, text);
    if (cell.title !== title) cell.title = title;
  }
}

export class FunctionsView {
  private readonly scroller = byId("functions-scroll");
  private readonly note = byId("functions-note");
  private readonly table = el(
    "table",
    { class: "function-table" },
    el("caption", { class: "hidden" }, "Functions"),
  );
  private readonly above = el("tr", { "aria-hidden": "true" });
  private readonly below = el("tr", { "aria-hidden": "true" });
  private readonly body = el("tbody");
  private readonly heads = new Map<Sort, HTMLElement>();
  private readonly lines: Line[] = [];
  private rows: FunctionRow[] = [];
  private current = 0;

  constructor(
    private readonly store: Store,
    private readonly show: (change: Partial<View>) => void,
    private readonly find: (row: FunctionRow) => void,
  ) {
    this.table.append(this.head(), this.body);
    this.scroller.append(this.table);
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.scroller);
    this.body.addEventListener("click", (event) => this.onClick(event));
    this.body.addEventListener("keydown", (event) => this.onKey(event));
    store.on(["table", "view"], () => this.update());
  }

  private head(): HTMLElement {
    const row = el("tr", { "aria-rowindex": "1" });
    for (const { sort, title, about } of COLUMNS) {
      const button = el("button", { type: "button", title: about }, title);
      button.addEventListener("click", () => this.sortBy(sort));
      const head = el("th", { scope: "col", class: sort === "name" ? "" : "number" }, button);
      this.heads.set(sort, head);
      row.append(head);
    }
    return el("thead", {}, row);
  }

  private sortBy(sort: Sort): void {
    const { view } = this.store;
    this.show({ sort, ascending: sort === view.sort ? !view.ascending : firstAscending(sort) });
  }

  private update(): void {
    const { table, view } = this.store;
    for (const [sort, head] of this.heads) {
      const order = sort !== view.sort ? "none" : view.ascending ? "ascending" : "descending";
      head.setAttribute("aria-sort", order);
    }
    this.rows = table === null ? [] : sortRows(table.rows, view.sort, view.ascending);
    this.table.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.current = Math.max(0, Math.min(this.current, this.rows.length - 1));
    this.updateNote();
    this.draw();
  }

  private updateNote(): void {
    const { table, view } = this.store;
    const all = view.search === "" ? (table?.functions ?? 0) : (table?.matched ?? 0);
    const cut =
      all > this.rows.length
        ? `The first ${exact(this.rows.length)} of ${exact(all)} functions; search to see others.`
        : "";
    const none =
      table !== null && this.rows.length === 0 && view.search !== ""
        ? `No function's name holds “${display(view.search)}”. Escape clears the search.`
        : "";
    setText(this.note, none || cut);
    this.note.hidden = this.note.textContent === "";
  }

  /** Puts the rows in sight into the page, and room for the others. */
  private draw(): void {
    const seen = Math.ceil(this.scroller.clientHeight / ROW_PX);
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_PX) - SPARE_ROWS);
    const last = Math.min(this.rows.length, first + seen + 2 * SPARE_ROWS);
    while (this.lines.length < last - first) this.lines.push(new Line());
    this.lines.length = Math.max(0, last - first);
    this.above.style.height = `${first * ROW_PX}px`;
    this.below.style.height = `${(this.rows.length - last) * ROW_PX}px`;
    this.lines.forEach((line, at) => {
      line.show(
        this.rows[first + at] as FunctionRow,
        first + at,
        this.store.table?.rootTotalNs ?? 0,
      );
      line.element.tabIndex = first + at === this.current ? 0 : -1;
    });
    this.place();
  }

  /** Brings the body's children up to date, touching only what is not there yet. */
  private place(): void {
    const wanted = [this.above, ...this.lines.map((line) => line.element), this.below];
    const same =
      wanted.length === this.body.children.length &&
      wanted.every((element, at) => this.body.children[at] === element);
    if (!same) this.body.replaceChildren(...wanted);
  }

  private lineOf(event: Event): Line | undefined {
    const element = event.target instanceof Element ? event.target.closest("tr") : null;
    return this.lines.find((line) => line.element === element);
  }

  private onClick(event: Event): void {
    const row = this.lineOf(event)?.row;
    if (row) this.find(row);
  }

  private onKey(event: KeyboardEvent): void {
    const row = this.lineOf(event)?.row;
    if (!row) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW_PX) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (event.key === "Enter") this.find(row);
    else if (step !== undefined) this.moveTo(this.rows.indexOf(row) + step);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private moveTo(index: number): void {
    this.current = Math.max(0, Math.min(this.rows.length - 1, index));
    const top = this.current * ROW_PX;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + 2 * ROW_PX > scrollTop + clientHeight)
      this.scroller.scrollTop = top + 2 * ROW_PX - clientHeight;
    this.draw();
    const row = this.rows[this.current];
    this.lines.find((line) => line.row === row)?.element.focus({ preventScroll: true });
  }
}
