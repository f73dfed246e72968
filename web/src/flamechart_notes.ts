// SPDX-License-Identifier: MIT OR Apache-2.0
/** Draws marks as flags and values as lines, above the lanes of a flamechart. */
import type { FlamechartFrame, Note } from "./flamechart_frame.ts";
import type { NoteBand } from "./flamechart_lanes.ts";
import type { LineColors } from "./flamechart_paint.ts";
import type { Span } from "./flamechart_window.ts";
import { count } from "./format.ts";
import { display } from "./names.ts";

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const FLAG_PX = 6;
const LABEL_PX = 3;

export interface NotePlace {
  span: Span;
  width: number;
  colors: LineColors;
  background: string;
}

/** The notes of a band. */
export function notesOf({ notes }: FlamechartFrame, { sites, kind }: NoteBand): Note[] {
  return notes.filter((note) => note.isValue === (kind === "value") && sites.includes(note.site));
}

function nameOf(frame: FlamechartFrame, site: number): string {
  return display(frame.sites.get(site)?.name ?? "");
}

/** The name of a value and its newest number, or of a mark and how often it was set. */
export function noteText(frame: FlamechartFrame, note: Note): string {
  const name = nameOf(frame, note.site);
  if (!note.isValue) return note.count > 1 ? `${name} × ${count(note.count)}` : name;
  const bounds = note.min < note.max ? ` (${number(note.min)} to ${number(note.max)})` : "";
  return `${name} = ${number(note.last)}${bounds}`;
}

/** A value, which may be negative. */
function number(value: number): string {
  return value < 0 ? `−${count(-value)}` : count(value);
}

/** The note nearest to a time, of those within `reachNs`. */
export function noteAt(notes: readonly Note[], ns: number, reachNs: number): Note | null {
  let nearest: Note | null = null;
  let least = reachNs;
  for (const note of notes) {
    const away = Math.max(0, note.firstNs - ns, ns - note.lastNs);
    if (away <= least) [nearest, least] = [note, away];
  }
  return nearest;
}

/** The last note of a value up to a time: it holds until the next. */
export function valueAt(notes: readonly Note[], ns: number): Note | null {
  let found: Note | null = null;
  for (const note of notes) if (note.firstNs <= ns) found = note;
  return found;
}

export function drawNotes(
  context: CanvasRenderingContext2D,
  frame: FlamechartFrame,
  band: NoteBand,
  top: number,
  place: NotePlace,
): void {
  const notes = notesOf(frame, band);
  if (band.kind === "value") drawValue(context, frame, band, notes, top, place);
  else drawMarks(context, frame, notes, top, band.height, place);
}

export function xOf(ns: number, { span, width }: NotePlace): number {
  return ((ns - span.from) / (span.to - span.from)) * width;
}

/** Flags in the order of time; a name where the one before leaves room. */
function drawMarks(
  context: CanvasRenderingContext2D,
  frame: FlamechartFrame,
  notes: Note[],
  top: number,
  height: number,
  place: NotePlace,
): void {
  context.font = FONT;
  context.textBaseline = "middle";
  const marks = notes
    .filter(({ firstNs, lastNs }) => lastNs >= place.span.from && firstNs <= place.span.to)
    .sort((a, b) => a.firstNs - b.firstNs);
  let room = -Infinity;
  marks.forEach((mark, at) => {
    const x = Math.round(xOf(mark.firstNs, place));
    const text = noteText(frame, mark);
    const next = marks[at + 1];
    const end = x + FLAG_PX + LABEL_PX + context.measureText(text).width + LABEL_PX;
    context.fillStyle = place.colors.note;
    context.fillRect(x, top + 1, 1, height - 2);
    context.beginPath();
    context.moveTo(x, top + 2);
    context.lineTo(x + FLAG_PX, top + 5);
    context.lineTo(x, top + 8);
    context.fill();
    if (x >= room && (next === undefined || xOf(next.firstNs, place) > end)) {
      context.fillStyle = place.colors.text;
      context.fillText(text, x + FLAG_PX + LABEL_PX, top + height / 2 + 0.5);
      room = end;
    }
  });
}

/** A line in steps from the least to the most of what there is, its bounds at its left. */
function drawValue(
  context: CanvasRenderingContext2D,
  frame: FlamechartFrame,
  { height, sites }: NoteBand,
  notes: readonly Note[],
  top: number,
  place: NotePlace,
): void {
  const least = notes.reduce((least, { min }) => Math.min(least, min), Infinity);
  const most = notes.reduce((most, { max }) => Math.max(most, max), -Infinity);
  const low = Math.min(0, least);
  const high = Math.max(0, most, low + 1);
  const y = (value: number): number =>
    top + 3 + (1 - (value - low) / (high - low)) * (height - 8);
  if (notes.length > 0) strokeValue(context, notes, y, y(0), place);
  const name = nameOf(frame, sites[0] ?? 0);
  label(context, notes.length === 0 ? name : `${name}  ${number(least)} … ${number(most)}`, top, place);
}

function strokeValue(
  context: CanvasRenderingContext2D,
  notes: readonly Note[],
  y: (value: number) => number,
  zero: number,
  place: NotePlace,
): void {
  const line = new Path2D();
  const bounds = new Path2D();
  notes.forEach((note, at) => {
    const x = xOf(note.firstNs, place);
    if (at === 0) line.moveTo(x, y(note.first));
    else line.lineTo(x, y(note.first));
    const end = xOf(notes[at + 1]?.firstNs ?? place.span.to, place);
    line.lineTo(x, y(note.last));
    line.lineTo(Math.max(x, end), y(note.last));
    if (note.min < note.max) bounds.rect(x - 0.5, y(note.max), 1, y(note.min) - y(note.max));
  });
  context.strokeStyle = context.fillStyle = place.colors.note;
  context.lineWidth = 1.25;
  context.stroke(line);
  context.fill(bounds);
  const area = new Path2D(line);
  const first = notes[0] as Note;
  area.lineTo(Math.max(xOf(first.firstNs, place), place.width), zero);
  area.lineTo(xOf(first.firstNs, place), zero);
  context.fillStyle = place.colors.noteFill;
  context.fill(area);
}

/** Text at the left of a band, over what is drawn there. */
export function label(
  context: CanvasRenderingContext2D,
  text: string,
  top: number,
  { colors, background }: NotePlace,
): void {
  context.font = FONT;
  context.textBaseline = "middle";
  const width = context.measureText(text).width;
  context.globalAlpha = 0.8;
  context.fillStyle = background;
  context.fillRect(4, top + 3, width + 8, 14);
  context.globalAlpha = 1;
  context.fillStyle = colors.text;
  context.fillText(text, 8, top + 10.5);
}
