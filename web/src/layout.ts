// SPDX-License-Identifier: MIT OR Apache-2.0
/** Where the frames of a flamegraph lie, in CSS pixels, and how they get there. */
import type { FlameFrame } from "./flame_frame.ts";
import { IdTable } from "./ids.ts";

/** The nodes of a frame by row, each row from left to right. */
export class Rows {
  /** Nodes, row after row. */
  readonly nodes: Uint32Array;
  /** Where each row starts in `nodes`; one more entry than rows. */
  readonly starts: Uint32Array;

  constructor(frame: FlameFrame) {
    let depth = 0;
    for (let node = 0; node < frame.count; node++)
      depth = Math.max(depth, (frame.depth[node] as number) + 1);
    this.starts = new Uint32Array(depth + 1);
    this.nodes = new Uint32Array(frame.count);
    for (let node = 0; node < frame.count; node++)
      (this.starts[(frame.depth[node] as number) + 1] as number)++;
    for (let row = 0; row < depth; row++)
      (this.starts[row + 1] as number) += this.starts[row] as number;
    const next = this.starts.slice();
    for (let node = 0; node < frame.count; node++)
      this.nodes[(next[frame.depth[node] as number] as number)++] = node;
    this.sort(frame);
  }

  get count(): number {
    return this.starts.length - 1;
  }

  row(row: number): Uint32Array {
    return this.nodes.subarray(this.starts[row], this.starts[row + 1]);
  }

  /** Frames come from left to right within a row; a row that did not is put right. */
  private sort(frame: FlameFrame): void {
    const { start } = frame;
    for (let row = 0; row < this.count; row++) {
      const nodes = this.row(row);
      let sorted = true;
      for (let at = 1; at < nodes.length; at++)
        sorted &&=
          (start[nodes[at] as number] as number) >= (start[nodes[at - 1] as number] as number);
      if (!sorted) nodes.sort((a, b) => (start[a] as number) - (start[b] as number));
    }
  }
}

/** What part of the profile is seen: `from` to `to` of the focus, over `width` pixels. */
export interface Viewport {
  focus: number;
  from: number;
  to: number;
  width: number;
}

/**
 * The nodes' left and right edges: gliding from where they were shown to where they belong. A
 * frame that was not there before grows out of its parent.
 */
export class Glide {
  readonly left: Float64Array;
  readonly right: Float64Array;
  private readonly leftFrom: Float64Array;
  private readonly rightFrom: Float64Array;
  private readonly leftTo: Float64Array;
  private readonly rightTo: Float64Array;
  private done = false;

  constructor(
    readonly frame: FlameFrame,
    viewport: Viewport,
  ) {
    const { count } = frame;
    this.left = new Float64Array(count);
    this.right = new Float64Array(count);
    this.leftFrom = new Float64Array(count);
    this.rightFrom = new Float64Array(count);
    this.leftTo = new Float64Array(count);
    this.rightTo = new Float64Array(count);
    this.place(viewport);
  }

  private place({ focus, from, to, width }: Viewport): void {
    const { start, total } = this.frame;
    const origin = start[focus] ?? 0;
    const span = total[focus] ?? 0;
    const scale = span > 0 ? width / (span * (to - from)) : 0;
    const shift = (from * width) / (to - from);
    for (let node = 0; node < this.left.length; node++) {
      const left = ((start[node] as number) - origin) * scale - shift;
      this.left[node] = this.leftTo[node] = left;
      this.right[node] = this.rightTo[node] = left + (total[node] as number) * scale;
    }
    if (span === 0) this.right[focus] = this.rightTo[focus] = width;
    this.done = true;
  }

  /** Starts from where `before` shows the nodes now; `grow`: new ones start with no width. */
  startFrom(before: Glide, known: IdTable, grow: boolean): void {
    const { parent, idLow, idHigh } = this.frame;
    for (let node = 0; node < this.left.length; node++) {
      const old = known.find(idLow[node] as number, idHigh[node] as number);
      if (old >= 0) {
        this.leftFrom[node] = before.left[old] as number;
        this.rightFrom[node] = before.right[old] as number;
      } else this.startInParent(node, parent[node] as number, grow);
    }
    this.left.set(this.leftFrom);
    this.right.set(this.rightFrom);
    this.done = false;
  }

  private startInParent(node: number, parent: number, grow: boolean): void {
    const leftTo = this.leftTo[node] as number;
    const rightTo = this.rightTo[node] as number;
    const parentTo = this.leftTo[parent] ?? leftTo;
    const parentFrom = this.leftFrom[parent] ?? leftTo;
    const widthTo = (this.rightTo[parent] ?? rightTo) - parentTo;
    const scale = widthTo > 0 ? ((this.rightFrom[parent] ?? rightTo) - parentFrom) / widthTo : 0;
    this.leftFrom[node] = parentFrom + (leftTo - parentTo) * scale;
    this.rightFrom[node] = grow
      ? (this.leftFrom[node] as number)
      : parentFrom + (rightTo - parentTo) * scale;
  }

  /** Moves to `progress`, 0 to 1, of the way. */
  step(progress: number): void {
    if (this.done) return;
    const eased = 1 - (1 - progress) ** 3;
    for (let node = 0; node < this.left.length; node++) {
      const left = this.leftFrom[node] as number;
      const right = this.rightFrom[node] as number;
      this.left[node] = left + ((this.leftTo[node] as number) - left) * eased;
      this.right[node] = right + ((this.rightTo[node] as number) - right) * eased;
    }
    this.done = progress >= 1;
  }

  get moving(): boolean {
    return !this.done;
  }
}

/** The first place in `row` whose node ends right of `x`. */
export function firstRightOf(row: Uint32Array, right: Float64Array, x: number): number {
  let low = 0;
  let high = row.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((right[row[middle] as number] as number) > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The node of `row` at `x`, -1 when there is none; narrow ones can be hit a pixel beside them. */
export function nodeAt(row: Uint32Array, glide: Glide, x: number): number {
  for (const reach of [0, 1]) {
    const node = row[firstRightOf(row, glide.right, x - reach)];
    if (node !== undefined && (glide.left[node] as number) <= x + reach) return node;
  }
  return -1;
}

const SMALLEST_WINDOW = 1e-5;

/** A window of 0 to 1 scaled by `factor` around `at`, a place in the window from 0 to 1. */
export function zoomWindow(from: number, to: number, factor: number, at: number): [number, number] {
  const span = Math.min(1, Math.max(SMALLEST_WINDOW, (to - from) * factor));
  const fixed = from + (to - from) * at;
  return panWindow(fixed - span * at, fixed + span * (1 - at), 0);
}

/** A window moved by `by` of its width, as far as the edges allow. */
export function panWindow(from: number, to: number, by: number): [number, number] {
  const span = Math.min(1, to - from);
  const left = Math.min(1 - span, Math.max(0, from + by * span));
  return [left, left + span];
}
