// SPDX-License-Identifier: MIT OR Apache-2.0
/** Makes flamechart messages for tests, byte by byte as proto/thag/frames.h and core/thag_timeline.h say. */
import { Asked, Chart, FRAME_MAGIC, FRAME_VERSION, FrameType, Header, Lane, Note, Site } from "thag-proto";
import type { FlamechartFrame } from "thag-web/flamechart_frame.ts";
import { decodeFrame } from "thag-web/frames.ts";

/** A slice to be: ticks, of a merged one columns from tick 0. */
export type SliceSpec =
  | { from: number; ticks: number; site: number; flags?: number }
  | { column: number; columns: number; calls: number; cover: number; site: number };

export interface RowSpec {
  lane: number;
  row: number;
  shift: number;
  slices: SliceSpec[];
}

export interface ChartSpec {
  session?: number;
  startTicks?: bigint;
  nsPerTick?: number;
  /** Nanoseconds. */
  window: [number, number];
  all?: [number, number];
  wholeNs?: number;
  dropped?: number;
  flags?: number;
  lanes: { ring: number; kind?: number; tid: number; rows: number; name?: string; activity?: number[] }[];
  asked: [number, number, number, number][];
  sites: { site: number; name: string; flags?: number; file?: string; line?: number; function?: bigint }[];
  notes?: { site: number; kind: number; ring: number; at: number; value?: number; min?: number; max?: number; count?: number }[];
  rows: RowSpec[];
}

const ACTIVITY = 256;

function varint(out: number[], value: number): void {
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return void out.push(rest);
    out.push((rest % 128) + 128);
  }
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

/** The slices of a row; `base`: ticks of the window's begin, a whole column. */
function rowBytes({ shift, slices }: RowSpec, base: number): number[] {
  const out: number[] = [];
  const width = 2 ** shift;
  let at = base;
  let site = 0;
  for (const slice of slices) {
    const merged = "column" in slice;
    const flags = merged ? 0 : (slice.flags ?? 0);
    const distance = merged ? slice.column - Math.floor(at / width) : slice.from - at;
    const other = slice.site !== site;
    varint(out, zigzag(distance) * 8 + (flags ? 4 : 0) + (other ? 2 : 0) + (merged ? 1 : 0));
    if (flags) varint(out, flags);
    if (other) varint(out, slice.site);
    site = slice.site;
    if (merged) {
      varint(out, slice.columns);
      varint(out, slice.calls);
      out.push(slice.cover);
      at = (slice.column + slice.columns - 1) * width;
    } else {
      varint(out, slice.ticks);
      at = slice.from + slice.ticks;
    }
  }
  return out;
}

/** What thag_view_write writes; `base`: ticks of the window's begin. */
export function viewBytes(rows: readonly RowSpec[], base: bigint, to: bigint, origin: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(32));
  head.setBigUint64(0, base, true);
  head.setBigUint64(8, to, true);
  head.setUint32(24, rows.length, true);
  const parts = [new Uint8Array(head.buffer)];
  for (const row of rows) {
    const bytes = rowBytes(row, origin);
    const words = new Uint32Array([row.lane, row.row, row.shift, row.slices.length, bytes.length]);
    parts.push(new Uint8Array(words.buffer), Uint8Array.from(bytes));
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

class Strings {
  private readonly parts: Uint8Array[] = [];
  bytes = 0;

  add(text: string): [number, number] {
    const part = new TextEncoder().encode(text);
    this.parts.push(part);
    this.bytes += part.length;
    return [this.bytes - part.length, part.length];
  }

  copyTo(target: Uint8Array, at: number): void {
    for (const part of this.parts) {
      target.set(part, at);
      at += part.length;
    }
  }
}

type Setter = (field: number, value: number | bigint) => void;

/** Sets 32 or 64 bits by the type of what is set. */
function setter(view: DataView, base: number): Setter {
  return (field, value) => {
    if (typeof value === "bigint") view.setBigUint64(base + field, BigInt.asUintN(64, value), true);
    else view.setUint32(base + field, value, true);
  };
}

/** The message. Ticks of slices are counted from `startTicks`, which must be a whole column. */
export function chartBytes(spec: ChartSpec): ArrayBuffer {
  const { lanes, asked, sites, rows } = spec;
  const notes = spec.notes ?? [];
  const startTicks = spec.startTicks ?? 0n;
  const nsPerTick = spec.nsPerTick ?? 1;
  const [from, to] = spec.window;
  const origin = Math.floor(from / nsPerTick);
  const slices = viewBytes(
    rows,
    startTicks + BigInt(origin),
    startTicks + BigInt(Math.ceil(to / nsPerTick)),
    origin,
  );
  const strings = new Strings();
  const lanesAt = Header.SIZE + Chart.SIZE;
  const askedAt = lanesAt + lanes.length * Lane.SIZE;
  const sitesAt = askedAt + asked.length * Asked.SIZE;
  const notesAt = sitesAt + sites.length * Site.SIZE;
  const activityAt = notesAt + notes.length * Note.SIZE;
  const viewAt = activityAt + lanes.length * ACTIVITY;
  const stringsAt = viewAt + slices.length + ((8 - (slices.length % 8)) % 8);
  const names = [
    ...lanes.map(({ name }) => [strings.add(name ?? "")]),
    ...sites.map(({ name, file }) => [strings.add(name), strings.add(file ?? "")]),
  ];
  const view = new DataView(new ArrayBuffer(stringsAt + strings.bytes));
  const bytes = new Uint8Array(view.buffer);
  bytes.set(slices, viewAt);
  strings.copyTo(bytes, stringsAt);
  putHead(view, spec, { viewAt, viewBytes: slices.length, stringsAt, strings: strings.bytes });
  lanes.forEach((lane, index) => {
    const set = setter(view, lanesAt + index * Lane.SIZE);
    set(Lane.ring, lane.ring);
    set(Lane.kind, lane.kind ?? 0);
    set(Lane.tid, lane.tid);
    set(Lane.rows, lane.rows);
    set(Lane.events, 1000n);
    setText(set, Lane.name_offset, Lane.name_bytes, names[index]?.[0]);
    bytes.set((lane.activity ?? []).slice(0, ACTIVITY), activityAt + index * ACTIVITY);
  });
  asked.forEach((words, index) =>
    words.forEach((word, at) => view.setUint32(askedAt + index * Asked.SIZE + 4 * at, word, true)),
  );
  sites.forEach((site, index) => {
    const set = setter(view, sitesAt + index * Site.SIZE);
    set(Site.site, site.site);
    set(Site.flags, site.flags ?? 0);
    set(Site.line, site.line ?? 0);
    set(Site.function, site.function ?? BigInt(site.site));
    const [name, file] = names[lanes.length + index] as [[number, number], [number, number]];
    setText(set, Site.name_offset, Site.name_bytes, name);
    setText(set, Site.file_offset, Site.file_bytes, file);
  });
  notes.forEach((note, index) => {
    const set = setter(view, notesAt + index * Note.SIZE);
    set(Note.first_ns, BigInt(note.at));
    set(Note.last_ns, BigInt(note.at));
    for (const field of [Note.first, Note.last]) set(field, BigInt(note.value ?? 0));
    set(Note.min, BigInt(note.min ?? note.value ?? 0));
    set(Note.max, BigInt(note.max ?? note.value ?? 0));
    set(Note.site, note.site);
    set(Note.kind, note.kind);
    set(Note.count, note.count ?? 1);
    set(Note.ring, note.ring);
  });
  return view.buffer as ArrayBuffer;
}

function setText(set: Setter, offset: number, bytes: number, place: [number, number] | undefined): void {
  set(offset, place?.[0] ?? 0);
  set(bytes, place?.[1] ?? 0);
}

interface Places {
  viewAt: number;
  viewBytes: number;
  stringsAt: number;
  strings: number;
}

function putHead(view: DataView, spec: ChartSpec, places: Places): void {
  const head = setter(view, 0);
  head(Header.magic, FRAME_MAGIC);
  view.setUint16(Header.version, FRAME_VERSION, true);
  view.setUint16(Header.type, FrameType.CHART, true);
  head(Header.total_bytes, view.byteLength);
  head(Header.count, spec.lanes.length);
  head(Header.strings_offset, places.stringsAt);
  head(Header.strings_bytes, places.strings);
  head(Header.session, BigInt(spec.session ?? 1));
  const set = setter(view, Header.SIZE);
  const [from, to] = spec.window;
  const [first, last] = spec.all ?? spec.window;
  set(Chart.from_ns, BigInt(from));
  set(Chart.to_ns, BigInt(to));
  set(Chart.first_ns, BigInt(first));
  set(Chart.last_ns, BigInt(last));
  set(Chart.whole_ns, BigInt(spec.wholeNs ?? 0));
  set(Chart.start_ticks, spec.startTicks ?? 0n);
  view.setFloat64(Header.SIZE + Chart.ns_per_tick, spec.nsPerTick ?? 1, true);
  set(Chart.dropped_events, BigInt(spec.dropped ?? 0));
  set(Chart.lanes, spec.lanes.length);
  set(Chart.sites, spec.sites.length);
  set(Chart.notes, spec.notes?.length ?? 0);
  set(Chart.activity_columns, ACTIVITY);
  set(Chart.view_offset, places.viewAt);
  set(Chart.view_bytes, places.viewBytes);
  set(Chart.flags, spec.flags ?? 0);
  set(Chart.asked, spec.asked.length);
}

export function decodeChart(buffer: ArrayBuffer): FlamechartFrame {
  const { kind, frame } = decodeFrame(buffer);
  if (kind !== "chart") throw new Error(`a ${kind} where a chart is meant to be`);
  return frame;
}
