// SPDX-License-Identifier: MIT OR Apache-2.0
/** A binary message of proto/thag/frames.h: its bytes, its header, and what may be wrong with them. */
import { FRAME_MAGIC, FRAME_VERSION, FrameFlag, Header, NodeFlag } from "thag-proto";

/** A message that is not a frame, or not a whole one. */
export class FrameError extends Error {}

/** What a frame says of its session. Times in nanoseconds. */
export interface FrameHeader {
  type: number;
  count: number;
  sequence: number;
  flags: number;
  session: string;
  thread: number;
  /** enum thag_metric */
  metric: number;
  timeNs: number;
  events: number;
  lost: number;
  truncated: number;
  durationNs: number;
  costNs: number;
  treeNodes: number;
}

const utf8 = new TextDecoder();

/** A message as 32-bit words and bytes, with reads of the layouts' fields. */
export class Message {
  readonly words: Uint32Array;
  private readonly bytes: Uint8Array;
  private readonly texts = new Map<number, string>();
  readonly stringsOffset: number;
  readonly stringsBytes: number;

  constructor(buffer: ArrayBuffer) {
    if (buffer.byteLength < Header.SIZE) throw new FrameError("shorter than a header");
    this.words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
    this.bytes = new Uint8Array(buffer);
    this.stringsOffset = this.u32(Header.strings_offset);
    this.stringsBytes = this.u32(Header.strings_bytes);
  }

  u32(at: number): number {
    return this.words[at >>> 2] as number;
  }

  /** 64 bits as a number: exact up to 2^53, 104 days in nanoseconds. */
  u64(at: number): number {
    return (this.words[(at >>> 2) + 1] as number) * 4294967296 + (this.words[at >>> 2] as number);
  }

  /** 64 bits with a sign as a number, likewise. */
  i64(at: number): number {
    return ((this.words[(at >>> 2) + 1] as number) | 0) * 4294967296 + (this.words[at >>> 2] as number);
  }

  f64(at: number): number {
    return new DataView(this.bytes.buffer).getFloat64(at, true);
  }

  /** `count` bytes from `at` on, which must be there. */
  slice(at: number, count: number): Uint8Array {
    if (at + count > this.bytes.length) throw new FrameError("a part lies outside of it");
    return this.bytes.subarray(at, at + count);
  }

  u64Text(at: number): string {
    return ((BigInt(this.u32(at + 4)) << 32n) | BigInt(this.u32(at))).toString();
  }

  u64Hex(at: number): string {
    return hex(this.u32(at + 4)) + hex(this.u32(at));
  }

  /** The string of `bytes` bytes at `offset` of the string area. */
  text(offset: number, bytes: number): string {
    const key = bytes * 4294967296 + offset;
    let text = this.texts.get(key);
    if (text === undefined) {
      const start = this.stringsOffset + offset;
      text = utf8.decode(this.bytes.subarray(start, start + bytes));
      this.texts.set(key, text);
    }
    return text;
  }

  /** Refuses a string that does not lie in the string area. */
  checkText(offset: number, bytes: number): void {
    if (offset + bytes > this.stringsBytes) throw new FrameError("a string lies outside its area");
  }

  /** The string whose offset and length are at these places, once it is known to lie in its area. */
  checkedText(offsetAt: number, bytesAt: number): string {
    const offset = this.u32(offsetAt);
    const bytes = this.u32(bytesAt);
    this.checkText(offset, bytes);
    return this.text(offset, bytes);
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

/** Reads a header of this protocol; `size` is the message's. */
export function readHeader(message: Message, size: number): FrameHeader {
  if (message.u32(Header.magic) !== FRAME_MAGIC) throw new FrameError("not a frame");
  const versionAndType = message.u32(Header.version);
  if ((versionAndType & 0xffff) !== FRAME_VERSION) throw new FrameError("of another version");
  if (message.u32(Header.total_bytes) !== size)
    throw new FrameError("its length is not what it says");
  return {
    type: versionAndType >>> 16,
    count: message.u32(Header.count),
    sequence: message.u32(Header.sequence),
    flags: message.u32(Header.flags),
    session: message.u64Text(Header.session),
    thread: message.u32(Header.thread),
    metric: message.u32(Header.metric),
    timeNs: message.u64(Header.time_ns),
    events: message.u64(Header.events),
    lost: message.u64(Header.lost),
    truncated: message.u64(Header.truncated),
    durationNs: message.u64(Header.duration_ns),
    costNs: message.u32(Header.cost_ns_x256) / 256,
    treeNodes: message.u32(Header.tree_nodes),
  };
}

/** Refuses a message whose parts do not fit into it. */
export function checkParts(
  message: Message,
  header: FrameHeader,
  head: number,
  each: number,
  size: number,
): void {
  const end = Header.SIZE + head + header.count * each;
  if (end > size || end > message.stringsOffset) throw new FrameError("more entries than bytes");
  if (message.stringsOffset + message.stringsBytes > size)
    throw new FrameError("strings end after it");
}

/** What a frame or a row stands for. */
export type Kind = "function" | "section" | "task";

/** By the flags of a node or a row. */
export function kindOf(flags: number): Kind {
  if (flags & NodeFlag.TASK) return "task";
  return flags & NodeFlag.SECTION ? "section" : "function";
}

/** The kind in words, "" for a function. */
export function kindText(kind: Kind): string {
  return kind === "function" ? "" : kind;
}

export function isLive(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.LIVE) !== 0;
}

export function isCorrected(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.CORRECTED) !== 0;
}

/** Whether it shows native stacks, not profiled calls. */
export function isByTraces(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.TRACES) !== 0;
}

/** Whether a search took too long, so that not all names were searched. */
export function isSearchCut(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.SEARCH_CUT) !== 0;
}

/** Whether it is of a range of time. */
export function isRange(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.RANGE) !== 0;
}

/** Whether a range's edges are estimated, or some of it is missing. */
export function isEstimated(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.ESTIMATED) !== 0;
}

export function isCapped(header: FrameHeader): boolean {
  return (header.flags & FrameFlag.CAPPED) !== 0;
}
