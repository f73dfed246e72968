// SPDX-License-Identifier: MIT OR Apache-2.0
/** The slices of time of a MEMORY message as columns of a chart. */
import type { HeapPoint, MemoryFrame } from "./memory_frame.ts";

/** Seconds since the session began; what was live then; since the time before: most live, bytes a second. */
export interface Slices {
  seconds: number[];
  live: number[];
  high: number[];
  rate: number[];
}

/** Where a slice ends: where the next one starts, and the last one now. */
export function sliceEnd(points: readonly HeapPoint[], index: number, nowNs: number): number {
  const { startNs } = points[index] as HeapPoint;
  return Math.max(startNs, points[index + 1]?.startNs ?? nowNs);
}

/** The end of what the slices tell. */
export function endOf({ points, header }: MemoryFrame): number {
  const last = points[points.length - 1];
  return Math.max(header.durationNs, last?.startNs ?? 0);
}

/** The index of the slice that holds a time, -1 for none. */
export function sliceAt(points: readonly HeapPoint[], ns: number): number {
  let found = -1;
  for (let at = 0; at < points.length && (points[at] as HeapPoint).startNs <= ns; at++) found = at;
  return found;
}

/** The columns of all slices: one entry for the first one's start, then one for each end. */
export function slicesOf(frame: MemoryFrame): Slices {
  const { points } = frame;
  const slices: Slices = { seconds: [], live: [], high: [], rate: [] };
  const [first] = points;
  if (first === undefined) return slices;
  const before = Math.max(0, first.liveBytes - first.allocatedBytes + first.freedBytes);
  slices.seconds.push(first.startNs / 1e9);
  slices.live.push(before);
  slices.high.push(first.highBytes);
  slices.rate.push(rateOf(points, 0, endOf(frame)));
  points.forEach((point, index) => {
    slices.seconds.push(sliceEnd(points, index, endOf(frame)) / 1e9);
    slices.live.push(point.liveBytes);
    slices.high.push(point.highBytes);
    slices.rate.push(rateOf(points, index, endOf(frame)));
  });
  return slices;
}

/** Bytes allocated a second in a slice. */
export function rateOf(points: readonly HeapPoint[], index: number, nowNs: number): number {
  const { startNs, allocatedBytes } = points[index] as HeapPoint;
  const seconds = (sliceEnd(points, index, nowNs) - startNs) / 1e9;
  return seconds > 0 ? allocatedBytes / seconds : 0;
}
