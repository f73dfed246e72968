// SPDX-License-Identifier: MIT OR Apache-2.0
/** Frames of a difference: on which side they are, in numbers and in words. */
import { change, changeText, type DiffMode, difference, type Presence, presenceOf, scaleOf, signedAmount, type Sides } from "./diff.ts";
import type { FlameFrame } from "./flame_frame.ts";
import { amount, metricOf } from "./metric.ts";

const NOTHING: Sides = {
  before: { self: 0, total: 0, calls: 0 },
  after: { self: 0, total: 0, calls: 0 },
};

/** What a frame's colours tell: its widths are normalised, or they are not, whatever is chosen now. */
export function modeOf(frame: FlameFrame, chosen: DiffMode): DiffMode {
  if (frame.diff?.normalised === true) return "normalised";
  return chosen === "normalised" ? "absolute" : chosen;
}

/** On which of the sides a node is; the root is on both. */
export function presenceIn(frame: FlameFrame, node: number): Presence {
  const sides = node === 0 ? null : frame.sides(node);
  return sides === null ? "both" : presenceOf(sides);
}

/** Both sides of a node, and what B is multiplied by. */
export function comparisonOf(frame: FlameFrame, node: number, chosen: DiffMode): { sides: Sides; scale: number } {
  const root = frame.sides(0) ?? NOTHING;
  return { sides: frame.sides(node) ?? NOTHING, scale: scaleOf(modeOf(frame, chosen), root) };
}

/** A node's totals, and how they differ: in amounts and in percent. */
export function totalTexts(frame: FlameFrame, node: number, chosen: DiffMode): [string, string, string, string] {
  const { sides, scale } = comparisonOf(frame, node, chosen);
  const { before, after } = sides;
  const metric = metricOf(frame.header);
  return [
    amount(metric, before.total),
    amount(metric, after.total),
    signedAmount(metric, difference(before.total, after.total, scale)),
    changeText(change(before.total, after.total, scale)),
  ];
}

/** What side alone has a frame, in words; "" for both. */
export function presenceText(presence: Presence): string {
  if (presence === "added") return "new: only B has it";
  return presence === "removed" ? "gone: only A has it" : "";
}
