// SPDX-License-Identifier: MIT OR Apache-2.0
import type { Box } from "./box.ts";

/** The box that an arrow key leads to; null: there is none; undefined: it is no such key. */
export function neighbour(
  boxes: readonly Box[],
  box: Box,
  key: string,
  rootOnTop: boolean,
): Box | null | undefined {
  switch (key) {
    case "ArrowLeft":
      return besideOf(boxes, box, -1);
    case "ArrowRight":
      return besideOf(boxes, box, 1);
    case "ArrowUp":
      return rootOnTop ? box.parent : widestIn(boxes, box);
    case "ArrowDown":
      return rootOnTop ? widestIn(boxes, box) : box.parent;
    default:
      return undefined;
  }
}

/** The next one of its row. */
function besideOf(boxes: readonly Box[], box: Box, step: number): Box | null {
  for (let at = box.index + step; at >= 0 && at < boxes.length; at += step) {
    const other = boxes[at] as Box;
    if (other.shown && other.depth === box.depth) return other;
  }
  return null;
}

/** What takes most of it. */
function widestIn(boxes: readonly Box[], box: Box): Box | null {
  let widest: Box | null = null;
  for (let at = box.index + 1; at < box.end; at++) {
    const other = boxes[at] as Box;
    if (other.parent === box && other.shown && other.width > (widest?.width ?? 0)) widest = other;
  }
  return widest;
}
