// SPDX-License-Identifier: MIT OR Apache-2.0
/** Makes flamechart messages for tests, byte by byte as proto/thag/frames.h and core/thag_timeline.h say. */
import {
  Asked,
  Chart,
  FRAME_MAGIC,
  FRAME_VERSION,
  FrameType,
  Header,
  Lane,
  Moment,
  Note,
  Site,
} from "thag-proto";
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
  /** Start, live bytes at the end, most bytes. */
  moments?: [number, number, number][];
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

type TextPlace = [number, number];

/** Where in the message its parts begin. */
interface Places {
  lanes: number;
  asked: number;
  sites: number;
  notes: number;
  moments: number;
  activity: number;
  view: number;
  viewBytes: number;
  strings: number;
  stringsBytes: number;
}

function placesOf(spec: ChartSpec, viewBytes: number, stringsBytes: number): Places {
  const lanes = Header.SIZE + Chart.SIZE;
  const asked = lanes + spec.lanes.length * Lane.SIZE;
  const sites = asked + spec.asked.length * Asked.SIZE;
  const notes = sites + spec.sites.length * Site.SIZE;
  const moments = notes + (spec.notes ?? []).length * Note.SIZE;
  const activity = moments + (spec.moments ?? []).length * Moment.SIZE;
  const view = activity + spec.lanes.length * ACTIVITY;
  const strings = view + viewBytes + ((8 - (viewBytes % 8)) % 8);
  return { lanes, asked, sites, notes, moments, activity, view, viewBytes, strings, stringsBytes };
}

/** The message. Ticks of slices are counted from `startTicks`, which must be a whole column. */
export function chartBytes(spec: ChartSpec): ArrayBuffer {
  const startTicks = spec.startTicks ?? 0n;
  const nsPerTick = spec.nsPerTick ?? 1;
  const origin = Math.floor(spec.window[0] / nsPerTick);
  const end = Math.ceil(spec.window[1] / nsPerTick);
  const slices = viewBytes(spec.rows, startTicks + BigInt(origin), startTicks + BigInt(end), origin);
  const strings = new Strings();
  const laneNames = spec.lanes.map(({ name }) => strings.add(name ?? ""));
  const siteNames = spec.sites.map(({ name, file }): [TextPlace, TextPlace] => [
    strings.add(name),
    strings.add(file ?? ""),
  ]);
  const places = placesOf(spec, slices.length, strings.bytes);
  const view = new DataView(new ArrayBuffer(places.strings + strings.bytes));
  const bytes = new Uint8Array(view.buffer);
  bytes.set(slices, places.view);
  strings.copyTo(bytes, places.strings);
  putHead(view, spec, places);
  spec.lanes.forEach(({ activity }, at) =>
    bytes.set((activity ?? []).slice(0, ACTIVITY), places.activity + at * ACTIVITY),
  );
  putLanes(view, spec, places.lanes, laneNames);
  spec.asked.flat().forEach((word, at) => view.setUint32(places.asked + 4 * at, word, true));
  putSites(view, spec, places.sites, siteNames);
  putNotes(view, spec, places.notes);
  (spec.moments ?? []).forEach((words, at) => {
    const set = setter(view, places.moments + at * Moment.SIZE);
    [Moment.start_ns, Moment.live_bytes, Moment.high_bytes].forEach((field, word) =>
      set(field, BigInt(words[word] ?? 0)),
    );
  });
  return view.buffer as ArrayBuffer;
}

function putLanes(view: DataView, spec: ChartSpec, from: number, names: TextPlace[]): void {
  spec.lanes.forEach((lane, at) => {
    const set = setter(view, from + at * Lane.SIZE);
    set(Lane.ring, lane.ring);
    set(Lane.kind, lane.kind ?? 0);
    set(Lane.tid, lane.tid);
    set(Lane.rows, lane.rows);
    set(Lane.events, 1000n);
    setText(set, Lane.name_offset, Lane.name_bytes, names[at]);
  });
}

function putSites(view: DataView, spec: ChartSpec, from: number, names: [TextPlace, TextPlace][]): void {
  spec.sites.forEach((site, at) => {
    const set = setter(view, from + at * Site.SIZE);
    set(Site.site, site.site);
    set(Site.flags, site.flags ?? 0);
    set(Site.line, site.line ?? 0);
    set(Site.function, site.function ?? BigInt(site.site));
    setText(set, Site.name_offset, Site.name_bytes, names[at]?.[0]);
    setText(set, Site.file_offset, Site.file_bytes, names[at]?.[1]);
  });
}

function putNotes(view: DataView, spec: ChartSpec, from: number): void {
  (spec.notes ?? []).forEach((note, at) => {
    const set = setter(view, from + at * Note.SIZE);
    for (const field of [Note.first_ns, Note.last_ns]) set(field, BigInt(note.at));
    for (const field of [Note.first, Note.last]) set(field, BigInt(note.value ?? 0));
    set(Note.min, BigInt(note.min ?? note.value ?? 0));
    set(Note.max, BigInt(note.max ?? note.value ?? 0));
    set(Note.site, note.site);
    set(Note.kind, note.kind);
    set(Note.count, note.count ?? 1);
    set(Note.ring, note.ring);
  });
}

function setText(set: Setter, offset: number, bytes: number, place: TextPlace | undefined): void {
  set(offset, place?.[0] ?? 0);
  set(bytes, place?.[1] ?? 0);
}

function putHead(view: DataView, spec: ChartSpec, places: Places): void {
  const head = setter(view, 0);
  head(Header.magic, FRAME_MAGIC);
  view.setUint16(Header.version, FRAME_VERSION, true);
  view.setUint16(Header.type, FrameType.CHART, true);
  head(Header.total_bytes, view.byteLength);
  head(Header.count, spec.lanes.length);
  head(Header.strings_offset, places.strings);
  head(Header.strings_bytes, places.stringsBytes);
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
  set(Chart.moments, spec.moments?.length ?? 0);
  set(Chart.activity_columns, ACTIVITY);
  set(Chart.view_offset, places.view);
  set(Chart.view_bytes, places.viewBytes);
  set(Chart.flags, spec.flags ?? 0);
  set(Chart.asked, spec.asked.length);
}

export function decodeChart(buffer: ArrayBuffer): FlamechartFrame {
  const { kind, frame } = decodeFrame(buffer);
  if (kind !== "chart") throw new Error(`a ${kind} where a chart is meant to be`);
  return frame;
}
