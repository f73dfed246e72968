// SPDX-License-Identifier: MIT OR Apache-2.0
/** The range of time that every view is of: between two moments, or from one on, as time goes by. */
import { time } from "./format.ts";
import { placeText } from "./flamechart_window.ts";
import type { View } from "./url.ts";

type Ranged = Pick<View, "rangeFrom" | "rangeTo">;

/** All of the run. */
export const NO_RANGE: Readonly<Ranged> = { rangeFrom: 0, rangeTo: 0 };

export function hasRange({ rangeFrom, rangeTo }: Ranged): boolean {
  return rangeFrom > 0 || rangeTo > 0;
}

/** Whether it goes on for as long as the program does. */
export function isOpenRange({ rangeFrom, rangeTo }: Ranged): boolean {
  return rangeFrom > 0 && rangeTo === 0;
}

/** The range with its end, which is `now` while it is open; null: all of the run. */
export function rangeOf(view: Ranged, now: number): { from: number; to: number } | null {
  if (!hasRange(view)) return null;
  const { rangeFrom: from, rangeTo } = view;
  return { from, to: rangeTo > 0 ? rangeTo : Math.max(from, now) };
}

/** A range in words, with as many digits as its length asks for; without an end: since when. */
export function rangeText(from: number, to: number): string {
  if (to === 0) return `since ${time(from)}`;
  const step = Math.max(1, 10 ** Math.floor(Math.log10(Math.max(1, to - from)) - 2));
  return `${placeText(from, step)} – ${placeText(to, step)}`;
}
