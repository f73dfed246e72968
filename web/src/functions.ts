// SPDX-License-Identifier: MIT OR Apache-2.0
/** The table of functions. */
import { byId, setText } from "./dom.ts";
import { count, exact, exactTime, share, time } from "./format.ts";
import { type Cell, type Column, type Columns, Grid } from "./grid.ts";
import { heapColumns } from "./heap_columns.ts";
import { kindText } from "./message.ts";
import { amount, exactAmount, leakName, type Metric, metricOf } from "./metric.ts";
import { baseName, display } from "./names.ts";
import type { Store } from "./store.ts";
import type { FunctionRow } from "./table_frame.ts";
import type { Sort, View } from "./url.ts";

/** A function none of whose calls has ended yet has no times of calls. */
const NOT_YET: Cell = { text: "–", title: "Not known until the call that runs has ended" };

function timeColumn(
  sort: Sort,
  title: string,
  about: string,
  ns: (row: FunctionRow) => number | null,
): Column<FunctionRow> {
  return {
    sort,
    title,
    about,
    value: (row) => ns(row) ?? 0,
    cell: (row) => {
      const value = ns(row);
      if (row.calls === 0 || value === null) return NOT_YET;
      return { text: time(value), title: exactTime(value) };
    },
  };
}

const TIME_COLUMNS: readonly Column<FunctionRow>[] = [
  {
    sort: "calls",
    title: "Calls",
    about: "How often it was called",
    value: (row) => row.calls,
    cell: (row) => ({ text: count(row.calls), title: exact(row.calls) }),
  },
  timeColumn("mean", "Mean", "Total by calls", (row) => row.meanNs),
  timeColumn("p50", "p50", "Half of the calls took at most this long", (row) => row.p50Ns),
  timeColumn("p99", "p99", "99 of 100 calls took at most this long", (row) => row.p99Ns),
  timeColumn("max", "Max", "The longest call", (row) => row.maxNs),
];

const HEAP_SORTS: readonly Sort[] = [
  "allocated",
  "allocations",
  "live",
  "peak",
  "leaked",
  "temporary",
  "freed",
];

export class FunctionsView {
  private readonly note = byId("functions-note");
  private readonly grid: Grid<FunctionRow>;
  private columnsShown = "";

  constructor(
    private readonly store: Store,
    show: (change: Partial<View>) => void,
    find: (row: FunctionRow) => void,
    sandwich: (row: FunctionRow) => void,
  ) {
    this.grid = new Grid(byId("functions-scroll"), "Functions", {
      sortBy: (sort, ascending) => show({ sort, ascending }),
      choose: find,
      more: { about: "Callers and callees (c)", act: sandwich },
    });
    store.on(["table", "view", "sessions"], () => this.update());
  }

  private get rootTotal(): number {
    return this.store.table?.rootTotal ?? 0;
  }

  private update(): void {
    const { table, session, view } = this.store;
    const shown = table === null ? this.store.metric : metricOf(table.header).id;
    const leaked = leakName(session).split(" so ")[0] ?? "";
    if (this.columnsShown !== shown + leaked) {
      this.columnsShown = shown + leaked;
      this.grid.setColumns(this.columns(leaked));
    }
    this.grid.show(table?.rows ?? [], view.sort, view.ascending, "self");
    this.updateNote(table?.rows.length ?? 0);
  }

  /** The columns for the metric of the table there is. */
  private columns(leaked: string): Columns<FunctionRow> {
    const { table } = this.store;
    const { id, unit } = table === null ? { id: this.store.metric, unit: "" } : metricOf(table.header);
    const rest =
      id === "time"
        ? TIME_COLUMNS
        : heapColumns<FunctionRow>(
            HEAP_SORTS.filter((sort) => sort !== id),
            (row) => row.heap,
            leaked,
          );
    const what = unit === "bytes" ? "Bytes" : unit === "count" ? "Allocations" : "Time";
    return {
      named: (row) => this.named(row),
      bar: (row) => (this.rootTotal > 0 ? row.self / this.rootTotal : 0),
      columns: [
        {
          sort: "name",
          title: "Function",
          about: "Name, and where it is defined",
          value: (row) => row.name,
          cell: (row) => ({ text: row.name, title: "" }),
        },
        {
          sort: "self",
          title: "Self",
          about: `${what} in the function itself`,
          value: (row) => row.self,
          cell: ({ self }) => ({
            text: `${amount(this.metric, self)} · ${share(self, this.rootTotal)}`,
            title: exactAmount(this.metric, self),
          }),
        },
        {
          sort: "total",
          title: "Total",
          about: `${what} in it and what it calls; recursion counts once`,
          value: (row) => row.total,
          cell: ({ total }) => ({
            text: amount(this.metric, total),
            title: exactAmount(this.metric, total),
          }),
        },
        ...rest,
      ],
    };
  }

  private get metric(): Metric {
    const { table } = this.store;
    if (table === null) throw new Error("a row of no table");
    return metricOf(table.header);
  }

  private named({ name, file, line, kind }: FunctionRow): {
    name: string;
    place: string;
    file: string;
  } {
    return {
      name: display(name),
      place: file === "" ? kindText(kind) : `${baseName(display(file))}:${line}`,
      file: file === "" ? "" : display(file),
    };
  }

  private updateNote(rows: number): void {
    const { table, search } = this.store;
    const all = search === "" ? (table?.functions ?? 0) : (table?.matched ?? 0);
    const cut =
      all > rows
        ? `The first ${exact(rows)} of ${exact(all)} functions; search to see others.`
        : "";
    const none =
      table !== null && rows === 0 && search !== ""
        ? `No function's name matches “${display(search)}”. Escape clears the search.`
        : "";
    setText(this.note, none || cut);
    this.note.hidden = this.note.textContent === "";
  }
}
