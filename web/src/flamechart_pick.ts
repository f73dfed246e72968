// SPDX-License-Identifier: MIT OR Apache-2.0
/** Finds slices in a flamechart's frames: by lane and row, by place, by their neighbours. */
import type { FlamechartFrame, Site } from "./flamechart_frame.ts";
import { laneKey } from "./flamechart_lanes.ts";
import { SliceFlag, type SliceRow } from "./flamechart_slices.ts";
import type { Direction } from "./neighbour.ts";

/** A slice, told apart from the frame it was found in. */
export interface SliceRef {
  /** Of its lane, see laneKey. */
  key: string;
  row: number;
  startNs: number;
  endNs: number;
  count: number;
  cover: number;
  /** enum SliceFlag */
  flags: number;
  site: Site;
}

export function isMerged({ flags }: SliceRef): boolean {
  return (flags & SliceFlag.MERGED) !== 0;
}

const UNKNOWN: Site = { name: "", file: "", line: 0, kind: "function", function: "" };

/** A frame whose rows are found by their lanes. */
export class FrameIndex {
  private readonly rows = new Map<string, SliceRow>();
  private readonly asked = new Map<string, { first: number; end: number }>();
  readonly from: number;
  readonly to: number;

  constructor(readonly frame: FlamechartFrame) {
    this.from = frame.fromNs;
    this.to = frame.toNs;
    for (const { ring, tasks, firstRow, rows } of frame.asked)
      this.asked.set(laneKey(ring, tasks), { first: firstRow, end: firstRow + rows });
    for (const row of frame.slices.rows) {
      const lane = frame.asked[row.lane];
      if (lane !== undefined) this.rows.set(`${laneKey(lane.ring, lane.tasks)}/${row.row}`, row);
    }
  }

  /** Whether slices of this row were asked for. */
  covers(key: string, row: number): boolean {
    const asked = this.asked.get(key);
    return asked !== undefined && row >= asked.first && row < asked.end;
  }

  row(key: string, row: number): SliceRow | undefined {
    return this.rows.get(`${key}/${row}`);
  }

  slice(key: string, row: number, at: number): SliceRef {
    const { slices, sites } = this.frame;
    return {
      key,
      row,
      startNs: slices.start[at] as number,
      endNs: slices.end[at] as number,
      count: slices.count[at] as number,
      cover: slices.cover[at] as number,
      flags: slices.flags[at] as number,
      site: sites.get(slices.site[at] as number) ?? UNKNOWN,
    };
  }

  /** The slice of a row at a time; narrow ones within `reachNs` of it. */
  at(key: string, row: number, ns: number, reachNs: number): SliceRef | null {
    const found = this.row(key, row);
    if (found === undefined) return null;
    const { start, end } = this.frame.slices;
    let nearest = -1;
    let least = Infinity;
    for (let at = found.first; at < found.first + found.count; at++) {
      const away = Math.max(0, (start[at] as number) - ns, ns - (end[at] as number));
      // of two that overlap, the one that began later lies above
      if (away <= least && away <= reachNs) [nearest, least] = [at, away];
    }
    return nearest < 0 ? null : this.slice(key, row, nearest);
  }

  /** The slice before or after one in its row. */
  private beside(slice: SliceRef, by: number): SliceRef | null {
    const found = this.row(slice.key, slice.row);
    if (found === undefined) return null;
    const { start } = this.frame.slices;
    let before = found.first - 1;
    while (before + 1 < found.first + found.count && (start[before + 1] as number) < slice.startNs) before++;
    const same = before + 1 < found.first + found.count && start[before + 1] === slice.startNs;
    const at = by < 0 ? before : before + (same ? 2 : 1);
    return at >= found.first && at < found.first + found.count
      ? this.slice(slice.key, slice.row, at)
      : null;
  }

  /** The slice nearest to a time in a row. */
  nearest(key: string, row: number, ns: number): SliceRef | null {
    return this.at(key, row, ns, Infinity);
  }

  /** The slice next to one; null: there is none in its lane. */
  neighbour(slice: SliceRef, direction: Direction): SliceRef | null {
    if (direction === "left" || direction === "right")
      return this.beside(slice, direction === "left" ? -1 : 1);
    const middle = (slice.startNs + slice.endNs) / 2;
    return this.nearest(slice.key, slice.row + (direction === "up" ? -1 : 1), middle);
  }

  /** The slice of a function that begins at a time, as nearly as clocks tell. */
  call(functionId: string, ring: number, startNs: number, slackNs: number): SliceRef | null {
    for (const key of [laneKey(ring, false), laneKey(ring, true)])
      for (const [name, row] of this.rows)
        if (name.startsWith(`${key}/`)) {
          const slice = this.nearest(key, row.row, startNs + slackNs);
          const away = slice === null ? Infinity : Math.abs(slice.startNs - startNs);
          if (slice !== null && slice.site.function === functionId && away <= slackNs) return slice;
        }
    return null;
  }
}
