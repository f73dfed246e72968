// SPDX-License-Identifier: MIT OR Apache-2.0
import { Header, Memory, Place, Point, MemoryFlag, NodeFlag, Size } from "thag-proto";
import { type HeapRecord, readHeap } from "./heap.ts";
import { FrameError, type FrameHeader, type Message } from "./message.ts";

/** A slice of time. */
export interface HeapPoint {
  startNs: number;
  /** At its end. */
  liveBytes: number;
  /** The most in it. */
  highBytes: number;
  allocatedBytes: number;
  allocations: number;
  freedBytes: number;
  frees: number;
}

/** A class of sizes; `high` is Infinity where there is no bound. */
export interface SizeClass {
  low: number;
  high: number;
  count: number;
  bytes: number;
}

/** A place in the source, or a function where that isn't known, that allocates. */
export interface HeapPlace {
  heap: HeapRecord;
  /** The frame that has most of what the metric counts. */
  node: string;
  name: string;
  file: string;
  line: number;
  /** Its name is searched for. */
  matched: boolean;
}

/** The memory of a process over all; see struct thag_frame_memory. */
export interface MemoryFrame {
  header: FrameHeader;
  all: HeapRecord;
  peakAtNs: number;
  unmatchedFrees: number;
  skipped: number;
  skippedBytes: number;
  lost: number;
  untracked: number;
  sizeThreshold: number;
  sampleBytes: number;
  mappedBytes: number;
  mappedPeakBytes: number;
  /** The range in force, both 0: all. */
  fromNs: number;
  toNs: number;
  displaced: number;
  /** There are native stacks. */
  detailed: boolean;
  /** The program has a malloc of its own. */
  ownMalloc: boolean;
  points: HeapPoint[];
  sizes: SizeClass[];
  places: HeapPlace[];
}

const UNBOUNDED = 2 ** 64;

function readPoint(message: Message, at: number): HeapPoint {
  return {
    startNs: message.u64(at + Point.start_ns),
    liveBytes: message.u64(at + Point.live_bytes),
    highBytes: message.u64(at + Point.high_bytes),
    allocatedBytes: message.u64(at + Point.allocated_bytes),
    allocations: message.u64(at + Point.allocations),
    freedBytes: message.u64(at + Point.freed_bytes),
    frees: message.u64(at + Point.frees),
  };
}

function readSize(message: Message, at: number): SizeClass {
  const high = message.u64(at + Size.high);
  return {
    low: message.u64(at + Size.low),
    high: high >= UNBOUNDED ? Infinity : high,
    count: message.u64(at + Size.count),
    bytes: message.u64(at + Size.bytes),
  };
}

function readPlace(message: Message, at: number): HeapPlace {
  return {
    heap: readHeap(message, at + Place.heap),
    node: message.u64Hex(at + Place.node),
    name: message.checkedText(at + Place.name_offset, at + Place.name_bytes),
    file: message.checkedText(at + Place.file_offset, at + Place.file_bytes),
    line: message.u32(at + Place.line),
    matched: (message.u32(at + Place.flags) & NodeFlag.MATCHED) !== 0,
  };
}

/** `count` entries of `size` bytes, one after another. */
function readAll<T>(
  message: Message,
  at: number,
  count: number,
  size: number,
  read: (message: Message, at: number) => T,
): T[] {
  return Array.from({ length: count }, (_, index) => read(message, at + index * size));
}

/** The memory in a message whose head lies in it. */
export function readMemory(message: Message, header: FrameHeader): MemoryFrame {
  const head = Header.SIZE;
  const pointCount = message.u32(head + Memory.points);
  const sizeCount = message.u32(head + Memory.sizes);
  const points = head + Memory.SIZE;
  const sizes = points + pointCount * Point.SIZE;
  const places = sizes + sizeCount * Size.SIZE;
  if (places + header.count * Place.SIZE > message.stringsOffset)
    throw new FrameError("more entries than bytes");
  const flags = message.u32(head + Memory.flags);
  return {
    header,
    all: readHeap(message, head + Memory.all),
    peakAtNs: message.u64(head + Memory.peak_at_ns),
    unmatchedFrees: message.u64(head + Memory.unmatched_frees),
    skipped: message.u64(head + Memory.skipped),
    skippedBytes: message.u64(head + Memory.skipped_bytes),
    lost: message.u64(head + Memory.lost),
    untracked: message.u64(head + Memory.untracked),
    sizeThreshold: message.u64(head + Memory.size_threshold),
    sampleBytes: message.u64(head + Memory.sample_bytes),
    mappedBytes: message.u64(head + Memory.mapped_bytes),
    mappedPeakBytes: message.u64(head + Memory.mapped_peak_bytes),
    fromNs: message.u64(head + Memory.from_ns),
    toNs: message.u64(head + Memory.to_ns),
    displaced: message.u64(head + Memory.displaced),
    detailed: (flags & MemoryFlag.DETAIL) !== 0,
    ownMalloc: (flags & MemoryFlag.OWN_MALLOC) !== 0,
    points: readAll(message, points, pointCount, Point.SIZE, readPoint),
    sizes: readAll(message, sizes, sizeCount, Size.SIZE, readSize),
    places: readAll(message, places, header.count, Place.SIZE, readPlace),
  };
}
