// SPDX-License-Identifier: MIT OR Apache-2.0
/** Lines of a file in a table, and beside them what they cost. */
import { el, setText } from "./dom.ts";
import { bytes, count, exact, exactBytes, plural } from "./format.ts";
import { amount, exactAmount, metric, type MetricId } from "./metric.ts";
import { code, display } from "./names.ts";
import type { LineCost, Source } from "./source_lines.ts";

interface Text {
  text: string;
  title: string;
}

interface CostColumn {
  title: string;
  about: string;
  cell: (cost: LineCost) => Text;
}

const NONE: Text = { text: "", title: "" };

function ofMemory(read: (memory: NonNullable<LineCost["memory"]>) => Text): CostColumn["cell"] {
  return ({ memory }) => (memory === null ? NONE : read(memory));
}

const MEMORY: readonly (CostColumn & { metric: MetricId })[] = [
  {
    metric: "allocated",
    title: "Allocated",
    about: "Bytes allocated",
    cell: ofMemory(({ allocatedBytes }) => ({ text: bytes(allocatedBytes), title: exactBytes(allocatedBytes) })),
  },
  {
    metric: "allocations",
    title: "Allocs",
    about: "How many allocations",
    cell: ofMemory(({ allocations }) => ({ text: count(allocations), title: exact(allocations) })),
  },
  {
    metric: "live",
    title: "Live",
    about: "Bytes that are live now, or at the end of the range",
    cell: ofMemory(({ liveBytes, live }) => ({
      text: bytes(liveBytes),
      title: `${exactBytes(liveBytes)} in ${plural(live, "block")}`,
    })),
  },
];

/** What the text below the table explains. */
function marksOf({ shared, crowded }: LineCost): string {
  return (shared ? "\u202f†" : "") + (crowded ? "\u202f‡" : "");
}

/** The metric's own columns, and what else there is. */
function columnsFor(id: MetricId): CostColumn[] {
  const shown = metric(id);
  const value = (read: (cost: LineCost) => number): CostColumn["cell"] => (cost) => ({
    text: amount(shown, read(cost)) + marksOf(cost),
    title: exactAmount(shown, read(cost)) + (cost.name === "" ? "" : ` of ${display(cost.name)}`),
  });
  const calls: CostColumn = {
    title: "Calls",
    about: "How many calls",
    cell: ({ calls: many }) => (many === null ? NONE : { text: count(many), title: exact(many) }),
  };
  const others = id === "time" ? [calls] : MEMORY.filter((column) => column.metric !== id);
  return [
    { title: id === "time" ? "Total" : shown.name, about: `${shown.name}, with what is called from there`, cell: value(({ total }) => total) },
    { title: "Self", about: `${shown.name}, without what is called from there`, cell: value(({ self }) => self) },
    ...others,
  ];
}

/** A line; its cells are made with its first cost. */
class Line {
  private readonly total = el("span", { class: "bar-fill", "aria-hidden": "true" });
  private readonly self = el("span", { class: "bar-self", "aria-hidden": "true" });
  private readonly texts: HTMLElement[] = [];
  private readonly cells: HTMLElement[];
  readonly element: HTMLElement;

  constructor(number: number, text: string, columns: number, begins: boolean) {
    this.cells = Array.from({ length: columns }, () => el("td", { class: "number" }));
    const line = el("th", { scope: "row" }, String(number));
    this.element = el("tr", {}, ...this.cells, line, el("td", { class: "line" }, el("code", {}, code(text))));
    if (begins) this.element.setAttribute("aria-current", "true");
  }

  show(cost: LineCost | undefined, columns: readonly CostColumn[], whole: number): void {
    if (cost === undefined && this.texts.length === 0) return;
    if (this.texts.length === 0) {
      for (const cell of this.cells) {
        const text = el("span");
        cell.append(text);
        this.texts.push(text);
      }
      this.cells[0]?.prepend(this.total, this.self);
    }
    const part = (value: number): string => `${whole > 0 ? Math.min(100, (100 * value) / whole) : 0}%`;
    this.total.style.width = part(cost?.total ?? 0);
    this.self.style.width = part(cost?.self ?? 0);
    columns.forEach((column, at) => {
      const { text, title } = cost === undefined ? NONE : column.cell(cost);
      setText(this.texts[at] as HTMLElement, text);
      (this.cells[at] as HTMLElement).title = title;
    });
  }
}

export class SourceTable {
  private readonly head = el("tr");
  private readonly body = el("tbody");
  readonly element = el(
    "table",
    { class: "source-table" },
    el("caption", { class: "hidden" }, "Lines of the file with what is known of them"),
    el("thead", {}, this.head),
    this.body,
  );
  private readonly lines = new Map<number, Line>();
  private columns: CostColumn[] = [];
  /** What the lines were made of. */
  private shown: Source | null = null;
  private metric: MetricId | "" = "";

  /** Shows lines; those that stay in sight keep their place in `scroll`. */
  show(source: Source, scroll: HTMLElement): void {
    const { shown } = this;
    this.shown = source;
    const same = shown !== null && shown.path === source.path && shown.function === source.function;
    if (same && shown.first === source.first && shown.lines.join("\n") === source.lines.join("\n")) return;
    const before = this.body.offsetHeight;
    const above = same && shown.first > source.first;
    this.fill(source);
    if (above) scroll.scrollTop += this.body.offsetHeight - before;
  }

  private fill(source: Source): void {
    const place = source.places[source.place];
    const start = place?.begins === true ? place.line : 0;
    this.lines.clear();
    source.lines.forEach((text, at) => {
      const number = source.first + at;
      this.lines.set(number, new Line(number, text, this.columns.length, number === start));
    });
    this.body.replaceChildren(...[...this.lines.values()].map(({ element }) => element));
  }

  /** Sets the costs; `whole`: what a full bar stands for. */
  showCosts(costs: Map<number, LineCost>, id: MetricId, whole: number): void {
    if (id !== this.metric) this.setMetric(id);
    for (const [number, line] of this.lines) line.show(costs.get(number), this.columns, whole);
  }

  private setMetric(id: MetricId): void {
    this.metric = id;
    this.columns = columnsFor(id);
    this.head.replaceChildren(
      ...this.columns.map(({ title, about }) => el("th", { scope: "col", class: "number", title: about }, title)),
      el("th", { scope: "col" }, "Line"),
      el("th", { scope: "col", class: "line" }, "Source"),
    );
    if (this.shown !== null) this.fill(this.shown);
  }

  /** Scrolls so that a line is near the top. */
  reveal(number: number, scroll: HTMLElement): void {
    const row = this.lines.get(number)?.element;
    if (row !== undefined) scroll.scrollTop = Math.max(0, row.offsetTop - 5 * row.offsetHeight);
  }
}
