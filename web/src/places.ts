// SPDX-License-Identifier: MIT OR Apache-2.0
/** The table of leaks: the places in the source that allocate, and what they have not freed. */
import { byId, setText } from "./dom.ts";
import { bytes, exact, exactBytes, plural, share } from "./format.ts";
import { type Columns, Grid } from "./grid.ts";
import { heapColumns } from "./heap_columns.ts";
import type { HeapPlace } from "./memory_frame.ts";
import { leakName } from "./metric.ts";
import { baseName, display } from "./names.ts";
import type { Store } from "./store.ts";
import type { Sort, View } from "./url.ts";

const SORTS: readonly Sort[] = [
  "blocks",
  "peak",
  "allocated",
  "allocations",
  "temporary",
  "lifetime",
];

/** Whether anything was allocated there: some places only free. */
function allocates({ heap }: HeapPlace): boolean {
  return heap.allocations > 0 || heap.live > 0 || heap.leaked > 0 || heap.peakBytes > 0;
}

/** The places whose function matches `search`, or whose file holds it as it is, in any case. */
export function matchingPlaces(places: readonly HeapPlace[], search: string): readonly HeapPlace[] {
  const wanted = search.toLowerCase();
  if (wanted === "") return places;
  const holds = (text: string): boolean => text.toLowerCase().includes(wanted);
  return places.filter(({ matched, file, line }) => matched || holds(`${file}:${line}`));
}

export class PlacesView {
  private readonly title = byId("places-title");
  private readonly note = byId("places-note");
  private readonly grid: Grid<HeapPlace>;
  private wordShown = "";

  constructor(
    private readonly store: Store,
    show: (change: Partial<View>) => void,
    find: (place: HeapPlace) => void,
  ) {
    this.grid = new Grid(byId("places-scroll"), "Places that allocate", {
      sortBy: (sort, ascending) => show({ sort, ascending }),
      choose: find,
    });
    store.on(["memory", "view", "sessions"], () => this.update());
  }

  private update(): void {
    const { memory, session, view, layout, search } = this.store;
    if (layout !== "memory") return;
    const word = leakName(session);
    if (this.wordShown !== word) {
      this.wordShown = word;
      this.grid.setColumns(this.columns(word));
    }
    const all = (memory?.places ?? []).filter(allocates);
    const places = matchingPlaces(all, search);
    this.grid.show(places, view.sort, view.ascending, "leaked");
    this.updateTitle(word, places);
    const none =
      all.length > 0 && places.length === 0
        ? `No place matches “${display(search)}”. Escape clears the search.`
        : "";
    setText(this.note, none);
    this.note.hidden = none === "";
  }

  private updateTitle(word: string, places: readonly HeapPlace[]): void {
    const leaked = places.reduce((sum, { heap }) => sum + heap.leakedBytes, 0);
    const blocks = places.reduce((sum, { heap }) => sum + heap.leaked, 0);
    const text = `${bytes(leaked)} in ${plural(blocks, "block")} ${word.toLowerCase()}, by place`;
    setText(this.title, text);
    this.title.title = `${exactBytes(leaked)} in ${exact(blocks)} blocks`;
  }

  private columns(leaked: string): Columns<HeapPlace> {
    const wholeOf = (): number => this.store.memory?.all.leakedBytes ?? 0;
    return {
      named: ({ name, file, line }) => ({
        name: display(name),
        place: file === "" ? "" : `${baseName(display(file))}:${line}`,
        file: file === "" ? "" : `${display(file)}:${line}`,
      }),
      bar: ({ heap }) => (wholeOf() > 0 ? heap.leakedBytes / wholeOf() : 0),
      columns: [
        {
          sort: "name",
          title: "Place",
          about: "Function, file and line that allocated",
          value: ({ name }) => name,
          cell: ({ name }) => ({ text: name, title: "" }),
        },
        {
          sort: "leaked",
          title: leaked,
          about: "Bytes not freed, and their share of all",
          value: ({ heap }) => heap.leakedBytes,
          cell: ({ heap }) => ({
            text: `${bytes(heap.leakedBytes)} · ${share(heap.leakedBytes, wholeOf())}`,
            title: exactBytes(heap.leakedBytes),
          }),
        },
        ...heapColumns<HeapPlace>(SORTS, ({ heap }) => heap, leaked),
      ],
    };
  }
}
