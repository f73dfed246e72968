// SPDX-License-Identifier: MIT OR Apache-2.0
/** Where the lanes of a flamechart lie, one under the other. */
import type { AskedLane, FlamechartFrame, Lane } from "./flamechart_frame.ts";
import { ROW_PX } from "./paint.ts";

export const HEAD_PX = 22;
export const MARKS_PX = 19;
export const VALUES_PX = 38;
export const MEMORY_PX = 56;
const GAP_PX = 8;
/** Rows are asked for in steps, so that scrolling a little asks for nothing new. */
const ROWS_STEP = 16;
const ROWS_MAX = 4096;
const LANES_MAX = 4096;

/** The ring of notes that come from several of them. */
export const SHARED = -1;

/** A line of marks, or the line of a value, or of live memory. */
export interface NoteBand {
  kind: "marks" | "value" | "memory";
  top: number;
  height: number;
  /** The sites whose notes it has: of a value one, of memory none. */
  sites: readonly number[];
}

/** A lane with its notes; null: the process, with notes of several threads. */
export interface Block {
  lane: Lane | null;
  key: string;
  top: number;
  notes: NoteBand[];
  rowsTop: number;
  /** 0 while it is collapsed. */
  rows: number;
  bottom: number;
  collapsed: boolean;
}

export function laneKey(ring: number, tasks: boolean): string {
  return `${ring}${tasks ? "t" : ""}`;
}

/** Which thread each name of marks and values belongs to: what was seen on two is everybody's. */
export class NoteHomes {
  private readonly homes = new Map<number, { ring: number; isValue: boolean }>();
  /** There is memory, which is the process's. */
  hasMemory = false;

  /** Says whether that changes anything. */
  add({ notes, moments }: Pick<FlamechartFrame, "notes" | "moments">): boolean {
    let changed = !this.hasMemory && moments.length > 0;
    this.hasMemory ||= changed;
    for (const { site, ring, isValue } of notes) {
      const known = this.homes.get(site);
      if (known?.ring === ring || known?.ring === SHARED) continue;
      this.homes.set(site, { ring: known === undefined ? ring : SHARED, isValue });
      changed = true;
    }
    return changed;
  }

  of(ring: number, isValue: boolean): number[] {
    const found = [...this.homes].filter(([, home]) => home.ring === ring && home.isValue === isValue);
    return found.map(([site]) => site).sort((a, b) => a - b);
  }

  clear(): void {
    this.homes.clear();
    this.hasMemory = false;
  }
}

export class LaneLayout {
  readonly blocks: Block[] = [];
  readonly height: number;

  constructor(lanes: readonly Lane[], homes: NoteHomes, collapsed: ReadonlySet<string>) {
    let top = 0;
    const add = (lane: Lane | null): void => {
      const block = this.place(lane, top, homes, collapsed);
      if (block === null) return;
      this.blocks.push(block);
      top = block.bottom;
    };
    add(null);
    lanes.forEach(add);
    this.height = top;
  }

  private place(
    lane: Lane | null,
    top: number,
    homes: NoteHomes,
    collapsed: ReadonlySet<string>,
  ): Block | null {
    const key = lane === null ? "" : laneKey(lane.ring, lane.tasks);
    const notes = lane?.tasks === true ? [] : noteBands(homes, lane?.ring ?? SHARED, top + HEAD_PX);
    if (notes.length === 0 && (lane === null || lane.rows === 0)) return null;
    const isCollapsed = collapsed.has(key);
    const notesEnd = notes.reduce((_, band) => band.top + band.height, top + HEAD_PX);
    const rowsTop = isCollapsed ? top + HEAD_PX : notesEnd;
    const rows = isCollapsed || lane === null ? 0 : lane.rows;
    const bottom = rowsTop + rows * ROW_PX + GAP_PX;
    return { lane, key, top, notes: isCollapsed ? [] : notes, rowsTop, rows, bottom, collapsed: isCollapsed };
  }

  /** The lanes and rows between two heights, and some around, as they are asked for; of `ring` all. */
  asked(top: number, height: number, ring: number): AskedLane[] {
    const from = top - height / 2;
    const to = top + 1.5 * height;
    const seen = this.blocks
      .flatMap((block) =>
        block.lane?.ring === ring ? askedOf(block, 0, this.height) : askedOf(block, from, to),
      )
      .slice(0, LANES_MAX);
    let left = ROWS_MAX;
    return seen.filter(({ rows }) => (left -= rows) >= 0);
  }

  /** The block at a height, and its row: -1 for none. */
  at(y: number): { block: Block; row: number } | null {
    const block = this.blocks.find(({ top, bottom }) => y >= top && y < bottom);
    if (block === undefined) return null;
    const row = Math.floor((y - block.rowsTop) / ROW_PX);
    return { block, row: row >= 0 && row < block.rows ? row : -1 };
  }

  block(key: string): Block | undefined {
    return this.blocks.find((block) => block.key === key);
  }
}

function noteBands(homes: NoteHomes, ring: number, top: number): NoteBand[] {
  const marks = homes.of(ring, false);
  const bands: NoteBand[] = [];
  let at = top;
  const add = (kind: NoteBand["kind"], height: number, sites: readonly number[]): void => {
    bands.push({ kind, top: at, height, sites });
    at += height;
  };
  if (ring === SHARED && homes.hasMemory) add("memory", MEMORY_PX, []);
  if (marks.length > 0) add("marks", MARKS_PX, marks);
  for (const site of homes.of(ring, true)) add("value", VALUES_PX, [site]);
  return bands;
}

function askedOf({ lane, rows, rowsTop }: Block, from: number, to: number): AskedLane[] {
  if (lane === null || rows === 0 || rowsTop >= to || rowsTop + rows * ROW_PX <= from) return [];
  const step = ROWS_STEP * ROW_PX;
  const first = Math.max(0, Math.floor((from - rowsTop) / step) * ROWS_STEP);
  const end = Math.min(rows, Math.ceil((to - rowsTop) / step) * ROWS_STEP);
  return [{ ring: lane.ring, tasks: lane.tasks, firstRow: first, rows: end - first }];
}
