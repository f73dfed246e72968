// SPDX-License-Identifier: MIT OR Apache-2.0
/** A table that is sorted by its heads and walked by keys. Only the rows in sight are in the page. */
import { el, setText } from "./dom.ts";
import type { Sort } from "./url.ts";

const ROW_PX = 24;
const SPARE_ROWS = 8;

/** The text of a cell, and what it says on hover. */
export interface Cell {
  text: string;
  title: string;
}

export interface Column<Row> {
  sort: Sort;
  title: string;
  about: string;
  value: (row: Row) => number | string;
  cell: (row: Row) => Cell;
}

/** What the first column shows: a name as text, and where that is. */
export interface Named {
  name: string;
  place: string;
  /** The whole of the place, on hover. */
  file: string;
}

/** What a table of rows shows; the first column is the name's, the second one has a bar. */
export interface Columns<Row> {
  named: (row: Row) => Named;
  columns: readonly Column<Row>[];
  /** How much of its cell the bar of a row fills, 0 to 1. */
  bar: (row: Row) => number;
}

export interface GridActions<Row> {
  sortBy(sort: Sort, ascending: boolean): void;
  choose(row: Row): void;
  /** What the key `c` and a button of each row do, if anything. */
  more?: { about: string; act: (row: Row) => void };
}

/** The rows in the order of a column; equal ones by name. */
export function sortRows<Row>(
  rows: readonly Row[],
  { named, columns }: Pick<Columns<Row>, "named" | "columns">,
  sort: Sort,
  ascending: boolean,
): Row[] {
  const column = columns.find((entry) => entry.sort === sort);
  if (column === undefined) return [...rows];
  const sign = ascending ? 1 : -1;
  const order = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...rows].sort(
    (a, b) => sign * order(column.value(a), column.value(b)) || order(named(a).name, named(b).name),
  );
}

/** A row of the page, used for one entry after another. */
class Line<Row> {
  readonly element = el("tr", { tabindex: "-1" });
  private readonly name = el("bdi", { class: "code" });
  private readonly place = el("span", { class: "place" });
  private readonly bar = el("span", { class: "bar-fill", "aria-hidden": "true" });
  private readonly first = el("span");
  private readonly cells: HTMLElement[] = [this.first];
  row: Row | null = null;

  constructor(
    private readonly columns: Columns<Row>,
    more: GridActions<Row>["more"],
  ) {
    const head = el("th", { scope: "row" }, this.name, this.place);
    if (more !== undefined) head.append(this.button(more));
    this.element.append(head);
    this.element.append(el("td", { class: "number with-bar" }, this.bar, this.first));
    for (let at = 2; at < columns.columns.length; at++)
      this.cells.push(this.element.appendChild(el("td", { class: "number" })));
  }

  private button({ about, act }: NonNullable<GridActions<Row>["more"]>): HTMLElement {
    const button = el("button", { type: "button", class: "more", tabindex: "-1", title: about }, "⇅");
    button.setAttribute("aria-label", about);
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      if (this.row !== null) act(this.row);
    });
    return button;
  }

  show(row: Row, index: number): void {
    this.row = row;
    const { named, columns, bar } = this.columns;
    const { name, place, file } = named(row);
    this.element.setAttribute("aria-rowindex", String(index + 2));
    setText(this.name, name);
    setText(this.place, place);
    this.place.title = file;
    this.bar.style.width = `${Math.min(100, 100 * bar(row))}%`;
    this.cells.forEach((cell, at) => {
      const { text, title } = (columns[at + 1] as Column<Row>).cell(row);
      setText(cell, text);
      if (cell.title !== title) cell.title = title;
    });
  }
}

export class Grid<Row> {
  private readonly table: HTMLTableElement;
  private readonly heading = el("tr", { "aria-rowindex": "1" });
  private readonly above = el("tr", { "aria-hidden": "true" });
  private readonly below = el("tr", { "aria-hidden": "true" });
  private readonly body = el("tbody");
  private readonly heads = new Map<Sort, HTMLElement>();
  private columns: Columns<Row> | null = null;
  private lines: Line<Row>[] = [];
  private rows: Row[] = [];
  private sort: Sort = "name";
  private ascending = false;
  private current = 0;

  constructor(
    private readonly scroller: HTMLElement,
    caption: string,
    private readonly actions: GridActions<Row>,
  ) {
    this.table = el("table", { class: "function-table" });
    const title = el("caption", { class: "hidden" }, caption);
    this.table.append(title, el("thead", {}, this.heading), this.body);
    scroller.append(this.table);
    scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(scroller);
    this.body.addEventListener("click", (event) => this.onClick(event));
    this.body.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Shows these columns from now on. */
  setColumns(columns: Columns<Row>): void {
    const keep = this.columns?.columns.map(({ title }) => title).join("\n");
    if (keep !== columns.columns.map(({ title }) => title).join("\n")) this.fillHeading(columns);
    this.columns = columns;
    this.lines = [];
  }

  private fillHeading({ columns }: Columns<Row>): void {
    this.heads.clear();
    this.heading.replaceChildren();
    this.table.style.setProperty("--columns", String(columns.length - 2));
    for (const { sort, title, about } of columns) {
      const button = el("button", { type: "button", title: about }, title);
      button.addEventListener("click", () =>
        this.actions.sortBy(sort, sort === this.sort ? !this.ascending : sort === "name"),
      );
      const head = el("th", { scope: "col", class: sort === "name" ? "" : "number" }, button);
      this.heads.set(sort, head);
      this.heading.append(head);
    }
  }

  /** Shows rows, sorted by a column, or by `otherwise` if there is no such column. */
  show(rows: readonly Row[], sort: Sort, ascending: boolean, otherwise: Sort): void {
    const { columns } = this;
    if (columns === null) return;
    const known = columns.columns.some((column) => column.sort === sort);
    this.sort = known ? sort : otherwise;
    this.ascending = known && ascending;
    for (const [of, head] of this.heads) {
      const order = of !== this.sort ? "none" : this.ascending ? "ascending" : "descending";
      head.setAttribute("aria-sort", order);
    }
    const held = this.lines.find((line) => line.element === document.activeElement)?.row ?? null;
    this.rows = sortRows(rows, columns, this.sort, this.ascending);
    this.table.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.current = Math.max(0, Math.min(this.current, this.rows.length - 1));
    if (held === null) this.draw();
    else this.follow(columns, held);
  }

  /** Draws; the focus stays on what it was on, wherever that is now, if it is in sight. */
  private follow({ named }: Columns<Row>, held: Row): void {
    const keyOf = (row: Row): string => Object.values(named(row)).join("\n");
    const key = keyOf(held);
    const at = this.rows.findIndex((row) => keyOf(row) === key);
    if (at >= 0) this.current = at;
    this.draw();
    const row = this.rows[at];
    this.lines.find((line) => line.row === row)?.element.focus({ preventScroll: true });
  }

  /** Puts the rows in sight into the page, and room for the others. */
  private draw(): void {
    const { columns } = this;
    if (columns === null) return;
    const seen = Math.ceil(this.scroller.clientHeight / ROW_PX);
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_PX) - SPARE_ROWS);
    const last = Math.min(this.rows.length, first + seen + 2 * SPARE_ROWS);
    while (this.lines.length < last - first) this.lines.push(new Line(columns, this.actions.more));
    this.lines.length = Math.max(0, last - first);
    this.above.style.height = `${first * ROW_PX}px`;
    this.below.style.height = `${(this.rows.length - last) * ROW_PX}px`;
    this.lines.forEach((line, at) => {
      line.show(this.rows[first + at] as Row, first + at);
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

  private lineOf(event: Event): Line<Row> | undefined {
    const element = event.target instanceof Element ? event.target.closest("tr") : null;
    return this.lines.find((line) => line.element === element);
  }

  private onClick(event: Event): void {
    const row = this.lineOf(event)?.row;
    if (row) this.actions.choose(row);
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
    if (event.key === "Enter") this.actions.choose(row);
    else if (event.key === "c" && this.actions.more !== undefined) this.actions.more.act(row);
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
