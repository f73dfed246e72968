// SPDX-License-Identifier: MIT OR Apache-2.0
import { Heap } from "thag-proto";
import type { Message } from "./message.ts";

/** Memory of a frame, a function or a place; see struct thag_frame_heap. Bytes and nanoseconds. */
export interface HeapRecord {
  allocatedBytes: number;
  allocations: number;
  liveBytes: number;
  live: number;
  peakBytes: number;
  leakedBytes: number;
  leaked: number;
  temporaryBytes: number;
  temporary: number;
  reallocations: number;
  releasedBytes: number;
  released: number;
  highBytes: number;
  lifetimeP50Ns: number;
  lifetimeP99Ns: number;
  lifetimeMaxNs: number;
}

/** The record at `at`, which lies in the message. */
export function readHeap(message: Message, at: number): HeapRecord {
  return {
    allocatedBytes: message.u64(at + Heap.allocated_bytes),
    allocations: message.u64(at + Heap.allocations),
    liveBytes: message.u64(at + Heap.live_bytes),
    live: message.u64(at + Heap.live),
    peakBytes: message.u64(at + Heap.peak_bytes),
    leakedBytes: message.u64(at + Heap.leaked_bytes),
    leaked: message.u64(at + Heap.leaked),
    temporaryBytes: message.u64(at + Heap.temporary_bytes),
    temporary: message.u64(at + Heap.temporary),
    reallocations: message.u64(at + Heap.reallocations),
    releasedBytes: message.u64(at + Heap.released_bytes),
    released: message.u64(at + Heap.released),
    highBytes: message.u64(at + Heap.high_bytes),
    lifetimeP50Ns: message.u64(at + Heap.lifetime_p50_ns),
    lifetimeP99Ns: message.u64(at + Heap.lifetime_p99_ns),
    lifetimeMaxNs: message.u64(at + Heap.lifetime_max_ns),
  };
}
