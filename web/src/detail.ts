// SPDX-License-Identifier: MIT OR Apache-2.0
import type { FlameFrame } from "./flame_frame.ts";

/** Which node frames are asked of, and over how many pixels. */
export interface Detail {
  focus: string;
  width: number;
}

/**
 * What to ask for when `from` to `to` of a focus fill `width` pixels: the deepest node that holds
 * all of that, as wide as it would be. Widths go in powers of two, so that a profile that grows
 * does not change the question with each frame. The whole focus is asked for as itself: a callee
 * that fills it now may get company.
 */
export function detailFor(
  frame: FlameFrame | null,
  focus: string,
  from: number,
  to: number,
  width: number,
): Detail {
  if (to - from >= 1) return { focus, width };
  const node = frame?.find(focus) ?? -1;
  if (frame === null || node < 0) return { focus, width: widen(width, 1 / (to - from)) };
  const span = frame.total[node] as number;
  const left = (frame.start[node] as number) + from * span;
  const right = left + (to - from) * span;
  const holder = holderOf(frame, node, left, right);
  const id = holder === node ? focus : frame.id(holder);
  return { focus: id, width: widen(width, (frame.total[holder] as number) / (right - left)) };
}

function widen(width: number, factor: number): number {
  return factor > 1 ? width * 2 ** Math.ceil(Math.log2(factor) - 1e-9) : width;
}

/** The deepest node below `node` that spans from `left` to `right`. Parents come before children. */
function holderOf(frame: FlameFrame, node: number, left: number, right: number): number {
  let holder = node;
  for (let at = node + 1; at < frame.count; at++) {
    const start = frame.start[at] as number;
    const holds = start <= left && start + (frame.total[at] as number) >= right;
    if (frame.parent[at] === holder && holds && frame.total[at] !== 0) holder = at;
  }
  return holder;
}
