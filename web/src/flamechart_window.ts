// SPDX-License-Identifier: MIT OR Apache-2.0
/** The window of time that a flamechart shows, and the marks of its axis. */
import { time } from "./format.ts";

/** From when to when, nanoseconds of the session. */
export interface Span {
  from: number;
  to: number;
}

/** No window is shorter: a call takes longer to record. */
export const SHORTEST_NS = 40;

/** A window of about `ns` moved so that it lies within `bounds`; as long as these if it is longer. */
function within(from: number, ns: number, bounds: Span): Span {
  const all = Math.max(SHORTEST_NS, bounds.to - bounds.from);
  const length = Math.min(all, Math.max(SHORTEST_NS, ns));
  const left = Math.max(bounds.from, Math.min(from, bounds.from + all - length));
  return { from: left, to: left + length };
}

/** `span` scaled by `factor` around `at`, a place in it from 0 to 1. */
export function zoomSpan({ from, to }: Span, factor: number, at: number, bounds: Span): Span {
  const all = Math.max(SHORTEST_NS, bounds.to - bounds.from);
  const length = Math.min(all, Math.max(SHORTEST_NS, (to - from) * factor));
  return within(from + (to - from - length) * at, length, bounds);
}

/** `span` moved by `by` of its length. */
export function panSpan({ from, to }: Span, by: number, bounds: Span): Span {
  return within(from + by * (to - from), to - from, bounds);
}

/** `span` with room to either side, or moved into `bounds`. */
export function spanAround(span: Span, room: number, bounds: Span): Span {
  const length = span.to - span.from;
  const wide = Math.max(SHORTEST_NS, length * (1 + 2 * room));
  return within((span.from + span.to - wide) / 2, wide, bounds);
}

/** The least move that brings `wanted` into a window as long as `span`. */
export function spanWith(span: Span, wanted: Span, bounds: Span): Span {
  const length = span.to - span.from;
  if (wanted.from >= span.from && wanted.to <= span.to) return span;
  if (wanted.to - wanted.from >= length) return spanAround(wanted, 0.1, bounds);
  const from = wanted.from < span.from ? wanted.from - 0.1 * length : wanted.to - 0.9 * length;
  return within(from, length, bounds);
}

/** Whole nanoseconds, as the address has them. */
export function wholeSpan({ from, to }: Span): Span {
  const left = Math.max(0, Math.floor(from));
  return { from: left, to: Math.max(left + 1, Math.ceil(to)) };
}

/** A mark of the axis. */
export interface Mark {
  ns: number;
  text: string;
  /** Named in full; others are counted from the one before. */
  whole: boolean;
}

export interface Axis {
  marks: Mark[];
  /** What marks that are not whole are counted from, "" when they are all whole. */
  base: string;
}

const UNITS: readonly (readonly [number, string])[] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];
/** From so many steps after the begin on, marks are counted from one near to them. */
const MOST_STEPS = 1e5;
const THIN = "\u202f";

/** 1, 2 or 5 times a power of ten, at least `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((times) => times * power >= least * 0.999) ?? 10;
  return Math.max(1, step * power);
}

/** A time in full, with as many digits as the unit of `step` asks for. */
export function placeText(ns: number, step: number): string {
  const digits = Math.max(0, Math.min(9, -Math.floor(Math.log10(step / 1e9) + 1e-9)));
  return `${grouped((ns / 1e9).toFixed(digits))}${THIN}s`;
}

/** Digits behind the point in groups of three. */
function grouped(text: string): string {
  const [whole, rest = ""] = text.split(".");
  return `${whole}${rest === "" ? "" : `.${rest.replace(/(\d{3})(?=\d)/g, `$1${THIN}`)}`}`;
}

/**
 * Marks for a window `width` pixels wide. Where times have more digits than are read at a glance,
 * only some marks have them all; the others are counted from the last thousand of their unit.
 */
export function axisOf(span: Span, width: number, spacePx: number): Axis {
  const length = span.to - span.from;
  const step = roundStep((length * spacePx) / Math.max(1, width));
  const [unit, name] = UNITS.find(([scale]) => step >= scale) ?? [1, "ns"];
  const thousand = unit * 1000;
  const counted = span.to >= thousand && span.to / step > MOST_STEPS;
  const [largest, largestName] = UNITS.find(([scale]) => span.to >= scale) ?? [1, "ns"];
  const marks: Mark[] = [];
  for (let at = Math.ceil(span.from / step); at * step <= span.to; at++) {
    const ns = at * step;
    const rest = Math.round(ns % thousand);
    const whole = !counted || rest === 0;
    const text = counted
      ? `+${rest / unit}${THIN}${name}`
      : plainText(ns, step, largest, largestName);
    marks.push({ ns, text: whole && counted ? placeText(ns, thousand) : text, whole });
  }
  const base = Math.floor(span.from / thousand) * thousand;
  return { marks, base: counted ? placeText(base, thousand) : "" };
}

function plainText(ns: number, step: number, unit: number, name: string): string {
  if (ns === 0) return "0";
  if (step >= 1e9 && ns >= 1e11) return time(ns);
  const digits = Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9));
  return `${grouped((ns / unit).toFixed(digits))}${THIN}${name}`;
}
