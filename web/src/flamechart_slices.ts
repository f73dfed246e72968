// SPDX-License-Identifier: MIT OR Apache-2.0
/** Decodes slices of calls as core/thag_timeline.h writes them. None of it is trusted. */
import { FrameError } from "./message.ts";

/** enum thag_slice_flags of core/thag_slices.h. */
export enum SliceFlag {
  MERGED = 1,
  BEFORE = 2,
  AFTER = 4,
  SECTION = 8,
  TRUNCATED = 16,
  UNWOUND = 32,
  WAITED = 64,
  WAITS = 128,
}

const HEAD_BYTES = 32;
const ROW_BYTES = 20;
/** A slice has a number for its distance, and at least one more. */
const LEAST_SLICE_BYTES = 2;
/** Columns beyond this are wider than any time that is counted exactly. */
const SHIFT_MAX = 52;

/** A row that has slices, and where they are in those of the whole answer. */
export interface SliceRow {
  /** Index in the lanes that were asked for. */
  lane: number;
  row: number;
  first: number;
  count: number;
}

/** Slices, in the order of their rows; times are nanoseconds of the session. */
export interface Slices {
  rows: SliceRow[];
  start: Float64Array;
  end: Float64Array;
  site: Uint32Array;
  /** Calls in it. */
  count: Uint32Array;
  /** enum SliceFlag */
  flags: Uint16Array;
  /** 255ths of it in which something was open. */
  cover: Uint8Array;
}

/** Where ticks are in time. */
export interface Clock {
  startTicks: bigint;
  nsPerTick: number;
}

/** Bytes that are read from left to right, never beyond their end. */
class Reader {
  private readonly view: DataView;
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  u32(): number {
    this.need(4);
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  u64(): bigint {
    this.need(8);
    this.at += 8;
    return this.view.getBigUint64(this.at - 8, true);
  }

  byte(): number {
    this.need(1);
    return this.bytes[this.at++] as number;
  }

  /** The next `count` bytes as a reader of their own. */
  part(count: number): Reader {
    this.need(count);
    this.at += count;
    return new Reader(this.bytes.subarray(this.at - count, this.at));
  }

  /** A number of 7 bits a byte; one that isn't exact makes no sense here. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new FrameError("a number is too large");
      if (byte < 0x80) return value;
      if (scale > 2 ** 56) throw new FrameError("a number is too long");
    }
  }

  private need(count: number): void {
    if (count > this.left) throw new FrameError("slices end too early");
  }
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Reads the slices of one row; positions are ticks since the window's begin. */
class RowReader {
  private at = 0;
  private site = 0;
  private readonly width: number;
  /** Ticks from the begin of the column that the window begins in. */
  private readonly offset: number;

  constructor(
    private readonly from: Reader,
    private readonly out: Slices,
    shift: number,
    origin: bigint,
  ) {
    if (shift > SHIFT_MAX) throw new FrameError("a column is too wide");
    this.width = 2 ** shift;
    this.offset = Number(origin & ((1n << BigInt(shift)) - 1n));
  }

  private column(at: number): number {
    return Math.floor((at + this.offset) / this.width);
  }

  read(index: number): void {
    const { from, out } = this;
    const head = from.varint();
    const distance = unzigzag(Math.floor(head / 8));
    const merged = (head & 1) !== 0;
    out.flags[index] = (head & 4 ? from.varint() & 0xfffe : 0) | (merged ? SliceFlag.MERGED : 0);
    if (head & 2) this.site = from.varint();
    out.site[index] = this.site;
    if (merged) this.readMerged(index, distance);
    else {
      out.start[index] = this.at + distance;
      this.at = out.end[index] = this.at + distance + from.varint();
      out.count[index] = 1;
      out.cover[index] = 255;
    }
    if (!Number.isSafeInteger(this.at)) throw new FrameError("a slice lies nowhere");
  }

  private readMerged(index: number, distance: number): void {
    const { from, out, width, offset } = this;
    const column = this.column(this.at) + distance;
    const columns = from.varint();
    if (columns === 0) throw new FrameError("a slice of no column");
    out.start[index] = column * width - offset;
    out.end[index] = (column + columns) * width - offset;
    out.count[index] = Math.min(0xffffffff, from.varint());
    out.cover[index] = from.byte();
    this.at = (column + columns - 1) * width - offset;
  }
}

function emptySlices(count: number): Slices {
  return {
    rows: [],
    start: new Float64Array(count),
    end: new Float64Array(count),
    site: new Uint32Array(count),
    count: new Uint32Array(count),
    flags: new Uint16Array(count),
    cover: new Uint8Array(count),
  };
}

interface RowHead extends SliceRow {
  shift: number;
  from: Reader;
}

/** The heads of all rows: how many slices there are is known before memory is made for them. */
function readHeads(reader: Reader, rows: number, lanes: number): RowHead[] {
  if (rows * ROW_BYTES > reader.left) throw new FrameError("more rows than bytes");
  const heads: RowHead[] = [];
  let first = 0;
  for (let at = 0; at < rows; at++) {
    const [lane, row, shift, count, bytes] = [0, 1, 2, 3, 4].map(() => reader.u32()) as [
      number,
      number,
      number,
      number,
      number,
    ];
    if (lane >= lanes) throw new FrameError("a row of a lane that was not asked for");
    if (count * LEAST_SLICE_BYTES > bytes) throw new FrameError("more slices than bytes");
    heads.push({ lane, row, shift, first, count, from: reader.part(bytes) });
    first += count;
  }
  return heads;
}

/** The slices in `bytes`; `lanes`: how many were asked for. Throws FrameError. */
export function readSlices(bytes: Uint8Array, clock: Clock, lanes: number): Slices {
  if (bytes.length === 0) return emptySlices(0);
  if (bytes.length < HEAD_BYTES) throw new FrameError("slices without a head");
  const reader = new Reader(bytes);
  const from = reader.u64();
  reader.u64(); // to: the frame says the same in nanoseconds
  reader.u32(); // shift: each row has its own
  reader.u32(); // flags: as in the frame
  const rows = reader.u32();
  reader.u32();
  const heads = readHeads(reader, rows, lanes);
  const slices = emptySlices(heads.reduce((sum, { count }) => sum + count, 0));
  for (const { lane, row, shift, first, count, from: part } of heads) {
    const into = new RowReader(part, slices, shift, from);
    for (let at = first; at < first + count; at++) into.read(at);
    slices.rows.push({ lane, row, first, count });
  }
  toNs(slices, Number(from - clock.startTicks), clock.nsPerTick);
  return slices;
}

function toNs({ start, end }: Slices, ticks: number, nsPerTick: number): void {
  for (let at = 0; at < start.length; at++) {
    start[at] = (ticks + (start[at] as number)) * nsPerTick;
    end[at] = (ticks + (end[at] as number)) * nsPerTick;
  }
}
