// SPDX-License-Identifier: MIT OR Apache-2.0
/** What two sides, A before and B after, differ in: in numbers, in words and in strength of colour. */
import { THIN } from "./format.ts";
import { amount, exactAmount, type Metric } from "./metric.ts";

/**
 * What colours tell: the difference in the unit; in proportion to A; or in the unit once B is scaled
 * so that both totals are equal.
 */
export const DIFF_MODES = ["absolute", "relative", "normalised"] as const;
export type DiffMode = (typeof DIFF_MODES)[number];

/** A frame on one side, in what the metric counts; all 0 where it is not there. */
export interface Side {
  self: number;
  total: number;
  calls: number;
}

export interface Sides {
  before: Side;
  after: Side;
}

export type Presence = "both" | "added" | "removed" | "neither";

/** Colours are at their full strength at this part of the larger total … */
export const FULL_PART = 0.2;
/** … and a difference of less than this part of it has none; neither has one so small beside A. */
const LEAST_PART = 0.002;
const LEAST_CHANGE = 0.01;

function isThere({ total, calls }: Side): boolean {
  return total > 0 || calls > 0;
}

/** On which of the sides a frame is. */
export function presenceOf({ before, after }: Sides): Presence {
  if (isThere(before)) return isThere(after) ? "both" : "removed";
  return isThere(after) ? "added" : "neither";
}

/** Before a frame's name: a sign for those that see no colour. */
export function markOf(presence: Presence): string {
  if (presence === "added") return "+";
  return presence === "removed" ? "−" : "";
}

/** What B is multiplied by; `root`: of the whole profile. */
export function scaleOf(mode: DiffMode, root: Sides): number {
  const { before, after } = root;
  if (mode !== "normalised" || before.total === 0 || after.total === 0) return 1;
  return before.total / after.total;
}

/** What a whole frame's difference is measured by. */
export function wholeOf(mode: DiffMode, root: Sides): number {
  return Math.max(root.before.total, root.after.total * scaleOf(mode, root));
}

/** B without A; once B is scaled. */
export function difference(before: number, after: number, scale: number): number {
  return after * scale - before;
}

/** The same in proportion to A; infinite where A has nothing, null where neither has. */
export function change(before: number, after: number, scale: number): number | null {
  if (before > 0) return difference(before, after, scale) / before;
  return after > 0 ? Infinity : null;
}

/**
 * How strong a frame's colour is: 0 to 1 for more, 0 to -1 for less. In proportion to A twice as
 * much, and half as much, have all of it.
 */
export function strength(mode: DiffMode, before: number, after: number, root: Sides): number {
  const scale = scaleOf(mode, root);
  const whole = wholeOf(mode, root);
  const delta = difference(before, after, scale);
  const clamp = (value: number): number => Math.max(-1, Math.min(1, value));
  if (whole === 0 || delta === 0) return 0;
  if (mode === "relative") {
    const ratio = after === 0 ? -Infinity : Math.log2(after / before);
    return Math.abs(delta) < LEAST_CHANGE * before ? 0 : clamp(ratio);
  }
  const part = delta / whole;
  return Math.abs(part) < LEAST_PART ? 0 : clamp(part / FULL_PART);
}

/** A difference with its sign and unit: "+1.2 ms", "−30 KiB", "0 ns". */
export function signedAmount(metric: Metric, delta: number): string {
  if (delta === 0) return amount(metric, 0);
  return (delta > 0 ? "+" : "−") + amount(metric, Math.abs(delta));
}

export function exactSignedAmount(metric: Metric, delta: number): string {
  const rounded = Math.round(delta);
  return (rounded > 0 ? "+" : rounded < 0 ? "−" : "") + exactAmount(metric, Math.abs(rounded));
}

/** A change in percent: "+25.0 %", "−50.0 %", "new", "gone"; beyond tenfold as a factor. */
export function changeText(ratio: number | null): string {
  if (ratio === null) return "";
  if (ratio === Infinity) return "new";
  if (ratio === -1) return "gone";
  if (ratio >= 9) return `×${THIN}${(ratio + 1).toPrecision(3)}`;
  const percent = Math.abs(100 * ratio).toFixed(1);
  if (percent === "0.0") return `0${THIN}%`;
  return `${ratio > 0 ? "+" : "−"}${percent}${THIN}%`;
}
