// SPDX-License-Identifier: MIT OR Apache-2.0
/** Decodes the frame of a flamechart: threads side by side on one clock. */
import {
  Asked,
  Chart,
  Header,
  Lane as LaneLayout,
  Moment as MomentLayout,
  Note as NoteLayout,
  Site as SiteLayout,
} from "thag-proto";
import { readSlices, type Slices } from "./flamechart_slices.ts";
import { FrameError, type FrameHeader, type Kind, kindOf, type Message } from "./message.ts";

/** A thread's own frames, or those of its tasks. */
export interface Lane {
  ring: number;
  tasks: boolean;
  tid: number;
  rows: number;
  firstNs: number;
  lastNs: number;
  events: number;
  /** What the program calls the thread, "" for nothing. */
  name: string;
  /** How busy it was in each part of all the time there is, 0 to 255. */
  activity: Uint8Array;
}

/** Which rows of a lane slices are of. */
export interface AskedLane {
  ring: number;
  tasks: boolean;
  firstRow: number;
  rows: number;
}

/** What slices and notes are of. */
export interface Site {
  name: string;
  file: string;
  line: number;
  kind: Kind;
  /** As a frame's functionId. */
  function: string;
}

/** Marks or values of a name: one, or all of a column. */
export interface Note {
  firstNs: number;
  lastNs: number;
  first: number;
  last: number;
  min: number;
  max: number;
  site: number;
  isValue: boolean;
  count: number;
  ring: number;
}

/** Live memory in a slice of time, which ends where the next one starts. */
export interface Moment {
  startNs: number;
  /** At its end. */
  liveBytes: number;
  /** The most in it. */
  highBytes: number;
}

/** Calls over time. All times are nanoseconds of the session. */
export interface FlamechartFrame {
  header: FrameHeader;
  fromNs: number;
  toNs: number;
  firstNs: number;
  lastNs: number;
  wholeNs: number;
  droppedEvents: number;
  /** enum thag_view_flags: 1 coarse, 2 holes */
  flags: number;
  lanes: Lane[];
  asked: AskedLane[];
  sites: Map<number, Site>;
  notes: Note[];
  /** In the window, and a little before it; none where no memory was recorded. */
  moments: Moment[];
  slices: Slices;
}

const KINDS = 2;
/** How many columns of activity make sense; a frame has 256. */
const ACTIVITY_MAX = 8192;

interface Counts {
  lanes: number;
  asked: number;
  sites: number;
  notes: number;
  moments: number;
  columns: number;
}

/** Where the parts begin, once it is known that they lie in the message. */
interface Parts {
  lanes: number;
  asked: number;
  sites: number;
  notes: number;
  moments: number;
  activity: number;
}

function placeParts(message: Message, counts: Counts): Parts {
  const lanes = Header.SIZE + Chart.SIZE;
  const asked = lanes + counts.lanes * LaneLayout.SIZE;
  const sites = asked + counts.asked * Asked.SIZE;
  const notes = sites + counts.sites * SiteLayout.SIZE;
  const moments = notes + counts.notes * NoteLayout.SIZE;
  const activity = moments + counts.moments * MomentLayout.SIZE;
  const end = activity + counts.lanes * counts.columns;
  if (counts.columns > ACTIVITY_MAX || end > message.stringsOffset)
    throw new FrameError("more entries than bytes");
  return { lanes, asked, sites, notes, moments, activity };
}

function readKind(message: Message, at: number): boolean {
  const kind = message.u32(at);
  if (kind >= KINDS) throw new FrameError("a lane of an unknown kind");
  return kind === 1;
}

function readLane(message: Message, at: number, activity: Uint8Array): Lane {
  return {
    ring: message.u32(at + LaneLayout.ring),
    tasks: readKind(message, at + LaneLayout.kind),
    tid: message.u32(at + LaneLayout.tid),
    rows: message.u32(at + LaneLayout.rows),
    firstNs: message.u64(at + LaneLayout.first_ns),
    lastNs: message.u64(at + LaneLayout.last_ns),
    events: message.u64(at + LaneLayout.events),
    name: message.checkedText(at + LaneLayout.name_offset, at + LaneLayout.name_bytes),
    activity,
  };
}

function readAsked(message: Message, at: number): AskedLane {
  return {
    ring: message.u32(at + Asked.ring),
    tasks: readKind(message, at + Asked.kind),
    firstRow: message.u32(at + Asked.first_row),
    rows: message.u32(at + Asked.rows),
  };
}

function readSite(message: Message, at: number): Site {
  return {
    name: message.checkedText(at + SiteLayout.name_offset, at + SiteLayout.name_bytes),
    file: message.checkedText(at + SiteLayout.file_offset, at + SiteLayout.file_bytes),
    line: message.u32(at + SiteLayout.line),
    kind: kindOf(message.u32(at + SiteLayout.flags)),
    function: message.u64Hex(at + SiteLayout.function),
  };
}

function readNote(message: Message, at: number): Note {
  const value = (field: number): number => message.i64(at + field);
  return {
    firstNs: message.u64(at + NoteLayout.first_ns),
    lastNs: message.u64(at + NoteLayout.last_ns),
    first: value(NoteLayout.first),
    last: value(NoteLayout.last),
    min: value(NoteLayout.min),
    max: value(NoteLayout.max),
    site: message.u32(at + NoteLayout.site),
    isValue: message.u32(at + NoteLayout.kind) === 1,
    count: message.u32(at + NoteLayout.count),
    ring: message.u32(at + NoteLayout.ring),
  };
}

function readMoment(message: Message, at: number): Moment {
  return {
    startNs: message.u64(at + MomentLayout.start_ns),
    liveBytes: message.u64(at + MomentLayout.live_bytes),
    highBytes: message.u64(at + MomentLayout.high_bytes),
  };
}

function list<T>(count: number, read: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => read(index));
}

function readLanes(message: Message, counts: Counts, parts: Parts): Lane[] {
  const activityOf = (at: number): Uint8Array =>
    message.slice(parts.activity + at * counts.columns, counts.columns);
  return list(counts.lanes, (at) =>
    readLane(message, parts.lanes + at * LaneLayout.SIZE, activityOf(at)),
  );
}

function readSlicesOf(message: Message, asked: number): Slices {
  const head = Header.SIZE;
  const nsPerTick = message.f64(head + Chart.ns_per_tick);
  if (!(nsPerTick > 0 && nsPerTick < 1e9)) throw new FrameError("its clock makes no sense");
  const startTicks = BigInt(message.u64Text(head + Chart.start_ticks));
  const bytes = message.slice(
    message.u32(head + Chart.view_offset),
    message.u32(head + Chart.view_bytes),
  );
  return readSlices(bytes, { startTicks, nsPerTick }, asked);
}

/** The flamechart in a message whose strings are checked. Throws FrameError. */
export function readFlamechart(message: Message, header: FrameHeader): FlamechartFrame {
  const head = Header.SIZE;
  const counts = {
    lanes: message.u32(head + Chart.lanes),
    asked: message.u32(head + Chart.asked),
    sites: message.u32(head + Chart.sites),
    notes: message.u32(head + Chart.notes),
    moments: message.u32(head + Chart.moments),
    columns: message.u32(head + Chart.activity_columns),
  };
  const parts = placeParts(message, counts);
  const siteAt = (at: number): number => parts.sites + at * SiteLayout.SIZE;
  const sites = list(counts.sites, (at): [number, Site] => [
    message.u32(siteAt(at) + SiteLayout.site),
    readSite(message, siteAt(at)),
  ]);
  return {
    header,
    fromNs: message.u64(head + Chart.from_ns),
    toNs: message.u64(head + Chart.to_ns),
    firstNs: message.u64(head + Chart.first_ns),
    lastNs: message.u64(head + Chart.last_ns),
    wholeNs: message.u64(head + Chart.whole_ns),
    droppedEvents: message.u64(head + Chart.dropped_events),
    flags: message.u32(head + Chart.flags),
    lanes: readLanes(message, counts, parts),
    asked: list(counts.asked, (at) => readAsked(message, parts.asked + at * Asked.SIZE)),
    sites: new Map(sites),
    notes: list(counts.notes, (at) => readNote(message, parts.notes + at * NoteLayout.SIZE)),
    moments: list(counts.moments, (at) => readMoment(message, parts.moments + at * MomentLayout.SIZE)),
    slices: readSlicesOf(message, counts.asked),
  };
}
