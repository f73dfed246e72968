// SPDX-License-Identifier: MIT OR Apache-2.0
/** Draws live memory over time, above the lanes of a flamechart. */
import type { FlamechartFrame, Moment } from "./flamechart_frame.ts";
import { label, type NotePlace, xOf } from "./flamechart_notes.ts";
import { bytes } from "./format.ts";

const TOP_PX = 3;
const BOTTOM_PX = 5;

/** Where a moment ends: where the next one starts, the last one where all does. */
function endOf({ moments, lastNs }: FlamechartFrame, index: number): number {
  const { startNs } = moments[index] as Moment;
  return Math.max(startNs, moments[index + 1]?.startNs ?? lastNs);
}

/** What was live then. */
export function momentText(frame: FlamechartFrame, ns: number): string {
  let index = -1;
  while (ns >= (frame.moments[index + 1]?.startNs ?? Infinity)) index++;
  const moment = frame.moments[index];
  if (moment === undefined) return "";
  const { liveBytes, highBytes } = moment;
  const most = highBytes > liveBytes ? `, at most ${bytes(highBytes)} just then` : "";
  return `${bytes(liveBytes)} live${most}`;
}

/** A line through what was live at the moments' ends; the most in each is an edge above it. */
export function drawMemory(
  context: CanvasRenderingContext2D,
  frame: FlamechartFrame,
  top: number,
  height: number,
  place: NotePlace,
): void {
  const { moments } = frame;
  const most = moments.reduce((most, { highBytes, liveBytes }) => Math.max(most, highBytes, liveBytes), 0);
  const bottom = top + height - BOTTOM_PX;
  const y = (live: number): number => bottom - (live / Math.max(1, most)) * (height - TOP_PX - BOTTOM_PX);
  const line = new Path2D();
  const high = new Path2D();
  moments.forEach(({ startNs, liveBytes, highBytes }, at) => {
    const from = xOf(startNs, place);
    const to = xOf(endOf(frame, at), place);
    if (at === 0) line.moveTo(from, y(startNs <= frame.firstNs ? 0 : liveBytes));
    line.lineTo(to, y(liveBytes));
    if (highBytes > liveBytes) high.rect(from, y(highBytes), Math.max(1, to - from), 1);
  });
  fillBelow(context, frame, line, bottom, place);
  context.strokeStyle = context.fillStyle = place.colors.note;
  context.lineWidth = 1.25;
  context.stroke(line);
  context.globalAlpha = 0.5;
  context.fill(high);
  context.globalAlpha = 1;
  label(context, `Live memory  0 … ${bytes(most)}`, top, place);
}

function fillBelow(
  context: CanvasRenderingContext2D,
  frame: FlamechartFrame,
  line: Path2D,
  bottom: number,
  place: NotePlace,
): void {
  const { moments } = frame;
  if (moments.length === 0) return;
  const area = new Path2D(line);
  area.lineTo(xOf(endOf(frame, moments.length - 1), place), bottom);
  area.lineTo(xOf((moments[0] as Moment).startNs, place), bottom);
  context.fillStyle = place.colors.noteFill;
  context.fill(area);
}
