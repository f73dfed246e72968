// SPDX-License-Identifier: MIT OR Apache-2.0
import { Bucket, Durations, Header } from "thag-proto";
import { type FrameHeader, FrameError, type Message } from "./message.ts";

/** Calls that took `low` nanoseconds or more, and less than `high`. */
export interface DurationBucket {
  low: number;
  high: number;
  calls: number;
}

/** How long the calls of a function took, over all its places. */
export interface DurationsFrame {
  header: FrameHeader;
  /** As a frame's functionId; all zero when there is no such function. */
  function: string;
  name: string;
  calls: number;
  totalNs: number;
  openNs: number;
  minNs: number;
  maxNs: number;
  p50Ns: number;
  p90Ns: number;
  p99Ns: number;
  buckets: DurationBucket[];
}

function readBucket(message: Message, at: number): DurationBucket {
  const low = message.u64(at + Bucket.low_ns);
  const high = message.u64(at + Bucket.high_ns);
  if (high < low) throw new FrameError("a bucket is the wrong way round");
  return { low, high, calls: message.u64(at + Bucket.calls) };
}

/** The durations in a checked message. */
export function readDurations(message: Message, header: FrameHeader): DurationsFrame {
  const head = Header.SIZE;
  const first = head + Durations.SIZE;
  return {
    header,
    function: message.u64Hex(head + Durations.function),
    name: message.checkedText(head + Durations.name_offset, head + Durations.name_bytes),
    calls: message.u64(head + Durations.calls),
    totalNs: message.u64(head + Durations.total_ns),
    openNs: message.u64(head + Durations.open_ns),
    minNs: message.u64(head + Durations.min_ns),
    maxNs: message.u64(head + Durations.max_ns),
    p50Ns: message.u64(head + Durations.p50_ns),
    p90Ns: message.u64(head + Durations.p90_ns),
    p99Ns: message.u64(head + Durations.p99_ns),
    buckets: Array.from({ length: header.count }, (_, at) =>
      readBucket(message, first + at * Bucket.SIZE),
    ),
  };
}
