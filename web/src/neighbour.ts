// SPDX-License-Identifier: MIT OR Apache-2.0
import { type FlameFrame, NO_PARENT } from "./flame_frame.ts";

export type Direction = "up" | "down" | "left" | "right";

/** The frame next to `node` on the screen; `node` itself when there is none. */
export function neighbour(
  frame: FlameFrame,
  node: number,
  direction: Direction,
  flipped: boolean,
): number {
  const parent = frame.parent[node] as number;
  if (direction === "left" || direction === "right") {
    const siblings = parent === NO_PARENT ? [node] : frame.children(parent);
    return siblings[siblings.indexOf(node) + (direction === "left" ? -1 : 1)] ?? node;
  }
  if ((direction === "up") !== flipped) return parent === NO_PARENT ? node : parent;
  const children = frame.children(node);
  return children.reduce(
    (widest, child) =>
      (frame.total[child] as number) > (frame.total[widest] as number) ? child : widest,
    children[0] ?? node,
  );
}
