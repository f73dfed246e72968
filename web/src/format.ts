// SPDX-License-Identifier: MIT OR Apache-2.0
/** Numbers as people read them: thin spaces between thousands, three significant digits, a unit. */

/** U+202F, the narrow no-break space: between thousands, and between a number and its unit. */
export const THIN = "\u202f";

const TIME_UNITS: readonly (readonly [number, string])[] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
];

/** A whole number in groups of three digits. */
export function exact(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** At most three significant digits, without an exponent. */
function significant(value: number): string {
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toFixed(digits);
}

/** A duration: "456 ns", "1.23 ms", "2 min 05 s", "3 h 07 min". */
export function time(ns: number): string {
  if (ns >= 3.6e12) return clock(ns / 6e10, "h", "min");
  if (ns >= 1e11) return clock(ns / 1e9, "min", "s");
  for (const [scale, unit] of TIME_UNITS)
    if (ns >= scale * 0.9995) return `${significant(ns / scale)}${THIN}${unit}`;
  return `${Number.isInteger(ns) || ns >= 99.95 ? Math.round(ns) : significant(ns)}${THIN}ns`;
}

function clock(value: number, large: string, small: string): string {
  const whole = Math.floor(value);
  const rest = (whole % 60).toString().padStart(2, "0");
  return `${exact(Math.floor(whole / 60))}${THIN}${large} ${rest}${THIN}${small}`;
}

/** A duration to the nanosecond. */
export function exactTime(ns: number): string {
  return `${exact(ns)}${THIN}ns`;
}

/** A count: exact below 10 000, then "12.3 k", "4.56 M", "7.89 G". */
export function count(value: number): string {
  if (value < 9999.5) return exact(value);
  for (const [scale, unit] of [
    [1e9, "G"],
    [1e6, "M"],
  ] as const)
    if (value >= scale * 0.9995) return `${significant(value / scale)}${THIN}${unit}`;
  return `${significant(value / 1e3)}${THIN}k`;
}

const BYTE_UNITS: readonly (readonly [number, string])[] = [
  [2 ** 40, "TiB"],
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
];

/** A size in memory: "456 B", "1.23 KiB", "12.4 MiB". */
export function bytes(value: number): string {
  for (const [scale, unit] of BYTE_UNITS)
    if (value >= scale * 0.9995) return `${significant(value / scale)}${THIN}${unit}`;
  return `${exact(value)}${THIN}B`;
}

/** A size to the byte. */
export function exactBytes(value: number): string {
  return `${exact(value)}${THIN}B`;
}

/** `part` of `whole` in percent. */
export function share(part: number, whole: number): string {
  const percent = whole > 0 ? (100 * part) / whole : 0;
  if (percent > 0 && percent < 0.095) return `<${THIN}0.1${THIN}%`;
  return `${percent.toFixed(percent < 99.95 ? 1 : 0)}${THIN}%`;
}

/** `noun` in the number that fits `value`: "1 call", "12.3 k calls". */
export function plural(value: number, noun: string, many = `${noun}s`): string {
  return `${count(value)}${THIN}${value === 1 ? noun : many}`;
}

/** A point in time as the clock on the wall shows it: "14:03:59", with the day unless it is today. */
export function moment(date: Date, now: Date): string {
  const two = (value: number): string => value.toString().padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const hour = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return date.toDateString() === now.toDateString() ? hour : `${day} ${hour}`;
}
