// SPDX-License-Identifier: MIT OR Apache-2.0
/** Figures of measured values. */

/** Of sorted numbers the one below which so much of them lies. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Prints a line of them. */
export function show(what: string, values: readonly number[], unit: string, digits = 1): void {
  const sorted = [...values].sort((a, b) => a - b);
  const of = (share: number): string => quantile(sorted, share).toFixed(digits);
  const most = (sorted.at(-1) ?? NaN).toFixed(digits);
  console.log(`  ${what}: p50 ${of(0.5)} ${unit}, p95 ${of(0.95)}, p99 ${of(0.99)}, most ${most} (${sorted.length})`);
}
