// SPDX-License-Identifier: MIT OR Apache-2.0
import { type Box, isWithin } from "./box.ts";

/** What a search found, among boxes that are shown. */
export interface Found {
  count: number;
  /** Of what is zoomed to, what matching boxes are wide together; one within another counts once. */
  part: number;
}

/** The expression, or what is wrong with it. */
export function compile(pattern: string, exactCase: boolean): RegExp | string {
  try {
    return new RegExp(pattern, exactCase ? "u" : "iu");
  } catch (error) {
    return String((error as Error).message).replace(/^Invalid regular expression: /, "");
  }
}

/** Marks the boxes whose name matches; the root is no function. */
export function mark(boxes: readonly Box[], expression: RegExp | null): void {
  for (const { group, name, depth } of boxes)
    group.classList.toggle("match", expression !== null && depth > 0 && expression.test(name));
}

export function findMarked(boxes: readonly Box[], focus: Box): Found {
  let count = 0;
  let sum = 0;
  let outer: Box | null = null;
  for (const box of boxes) {
    if (!box.shown || !box.group.classList.contains("match")) continue;
    count++;
    if (outer !== null && isWithin(box, outer)) continue;
    outer = box;
    sum += Math.min(box.width, focus.width);
  }
  return { count, part: focus.width > 0 ? sum / focus.width : 0 };
}
