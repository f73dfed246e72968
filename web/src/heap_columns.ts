// SPDX-License-Identifier: MIT OR Apache-2.0
/** The columns of memory, in the tables of functions and of places. */
import { bytes, count, exact, exactBytes, exactTime, plural, share, time } from "./format.ts";
import type { Cell, Column } from "./grid.ts";
import type { HeapRecord } from "./heap.ts";
import type { Sort } from "./url.ts";

interface HeapColumn {
  sort: Sort;
  title: string;
  about: string;
  value: (heap: HeapRecord) => number;
  cell: (heap: HeapRecord) => Cell;
}

function bytesCell(value: number, blocks?: number): Cell {
  const title = blocks === undefined ? "" : ` in ${plural(blocks, "block")}`;
  return { text: bytes(value), title: exactBytes(value) + title };
}

function countCell(value: number): Cell {
  return { text: count(value), title: exact(value) };
}

const ALL: readonly HeapColumn[] = [
  {
    sort: "allocated",
    title: "Allocated",
    about: "Bytes allocated",
    value: (heap) => heap.allocatedBytes,
    cell: (heap) => bytesCell(heap.allocatedBytes),
  },
  {
    sort: "allocations",
    title: "Allocs",
    about: "How many allocations",
    value: (heap) => heap.allocations,
    cell: (heap) => countCell(heap.allocations),
  },
  {
    sort: "live",
    title: "Live",
    about: "Bytes that are live now, or at the end of the range",
    value: (heap) => heap.liveBytes,
    cell: (heap) => bytesCell(heap.liveBytes, heap.live),
  },
  {
    sort: "peak",
    title: "At peak",
    about: "Bytes that were live when the program had most",
    value: (heap) => heap.peakBytes,
    cell: (heap) => bytesCell(heap.peakBytes),
  },
  {
    sort: "leaked",
    title: "Leaked",
    about: "Bytes not freed",
    value: (heap) => heap.leakedBytes,
    cell: (heap) => bytesCell(heap.leakedBytes, heap.leaked),
  },
  {
    sort: "blocks",
    title: "Blocks",
    about: "How many blocks were not freed",
    value: (heap) => heap.leaked,
    cell: (heap) => countCell(heap.leaked),
  },
  {
    sort: "temporary",
    title: "Temp.",
    about: "Allocations freed before their thread's next one",
    value: (heap) => heap.temporary,
    cell: (heap) => ({
      text: heap.allocations > 0 ? share(heap.temporary, heap.allocations) : "–",
      title: `${exact(heap.temporary)} allocations, ${exactBytes(heap.temporaryBytes)}`,
    }),
  },
  {
    sort: "reallocations",
    title: "Reallocs",
    about: "How often a block's size was changed",
    value: (heap) => heap.reallocations,
    cell: (heap) => countCell(heap.reallocations),
  },
  {
    sort: "freed",
    title: "Freed here",
    about: "Bytes freed there, wherever they were allocated",
    value: (heap) => heap.releasedBytes,
    cell: (heap) => bytesCell(heap.releasedBytes, heap.released),
  },
  {
    sort: "lifetime",
    title: "Lifetime",
    about: "Half of the blocks that were freed lived at most this long",
    value: (heap) => heap.lifetimeP50Ns,
    cell: lifetimeCell,
  },
];

function lifetimeCell(heap: HeapRecord): Cell {
  if (heap.lifetimeMaxNs === 0) return { text: "–", title: "None of its blocks was freed" };
  const { lifetimeP50Ns, lifetimeP99Ns, lifetimeMaxNs } = heap;
  return {
    text: time(lifetimeP50Ns),
    title: `median ${exactTime(lifetimeP50Ns)}, p99 ${exactTime(lifetimeP99Ns)}, longest ${exactTime(lifetimeMaxNs)}`,
  };
}

const NONE: Cell = { text: "–", title: "" };

/** Columns for rows that have a record; `leaked`: what to call what is not freed. */
export function heapColumns<Row>(
  sorts: readonly Sort[],
  heapOf: (row: Row) => HeapRecord | null,
  leaked: string,
): Column<Row>[] {
  return sorts.map((sort) => {
    const { title, about, value, cell } = ALL.find((column) => column.sort === sort) as HeapColumn;
    const onHeap = <T>(row: Row, read: (heap: HeapRecord) => T, none: T): T => {
      const heap = heapOf(row);
      return heap === null ? none : read(heap);
    };
    return {
      sort,
      title: sort === "leaked" ? leaked : title,
      about,
      value: (row) => onHeap(row, value, 0),
      cell: (row) => onHeap(row, cell, NONE),
    };
  });
}
