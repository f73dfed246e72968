// SPDX-License-Identifier: MIT OR Apache-2.0
/** Draws the axis of time above the lanes, and the activity of all lanes over all time. */
import type { FlamechartFrame, Lane } from "./flamechart_frame.ts";
import { fitCanvas, type LineColors } from "./flamechart_paint.ts";
import type { Axis, Span } from "./flamechart_window.ts";

export const AXIS_PX = 22;
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const BOLD = FONT.replace("11px", "600 11px");
const INDENT_PX = 4;
const LEAST_ROW_PX = 4;

export interface AxisScene {
  axis: Axis;
  span: Span;
  range: Span | null;
  /** The time under the pointer, null for none. */
  cursor: number | null;
  cursorText: string;
  width: number;
  colors: LineColors;
  background: string;
  text: string;
}

export function drawAxis(canvas: HTMLCanvasElement, scene: AxisScene): void {
  const context = canvas.getContext("2d", { alpha: false });
  if (context === null) return;
  const { axis, span, width, colors } = scene;
  const ratio = fitCanvas(canvas, width, AXIS_PX);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = scene.background;
  context.fillRect(0, 0, width, AXIS_PX);
  context.textBaseline = "middle";
  const x = (ns: number): number => ((ns - span.from) / (span.to - span.from)) * width;
  if (scene.range !== null) drawRange(context, scene, x);
  const baseEnd = drawBase(context, scene);
  for (const { ns, text, whole } of axis.marks) {
    const at = Math.round(x(ns));
    context.font = whole ? BOLD : FONT;
    context.fillStyle = colors.grid;
    context.fillRect(at, 0, 1, AXIS_PX);
    const end = at + INDENT_PX + context.measureText(text).width;
    if (at + INDENT_PX < baseEnd || end > width) continue;
    context.fillStyle = whole ? scene.text : colors.text;
    context.fillText(text, at + INDENT_PX, AXIS_PX / 2 + 0.5);
  }
  if (scene.cursor !== null) drawCursor(context, scene, x(scene.cursor));
}

/** What the marks are counted from, at the left unless a mark says it there; returns its end. */
function drawBase(context: CanvasRenderingContext2D, { axis, text }: AxisScene): number {
  if (axis.base === "") return 0;
  context.font = BOLD;
  context.fillStyle = text;
  context.fillText(axis.base, INDENT_PX, AXIS_PX / 2 + 0.5);
  return context.measureText(axis.base).width + 3 * INDENT_PX;
}

function drawRange(
  context: CanvasRenderingContext2D,
  { range, colors, width }: AxisScene,
  x: (ns: number) => number,
): void {
  if (range === null) return;
  const from = Math.max(0, x(range.from));
  const to = Math.min(width, x(range.to));
  context.fillStyle = colors.edge;
  if (to > from) context.fillRect(from, AXIS_PX - 3, to - from, 3);
}

function drawCursor(context: CanvasRenderingContext2D, scene: AxisScene, at: number): void {
  context.font = BOLD;
  const width = context.measureText(scene.cursorText).width + 2 * INDENT_PX;
  const left = Math.max(0, Math.min(scene.width - width, at - width / 2));
  context.fillStyle = scene.text;
  context.fillRect(left, 2, width, AXIS_PX - 5);
  context.fillStyle = scene.background;
  context.fillText(scene.cursorText, left + INDENT_PX, AXIS_PX / 2);
}

/** How busy lanes were, a line each, or several in one where there are many. */
export function drawActivity(
  canvas: HTMLCanvasElement,
  { lanes }: FlamechartFrame,
  size: { width: number; height: number },
  colors: { background: string; fill: string },
): void {
  const context = canvas.getContext("2d", { alpha: false });
  if (context === null) return;
  const ratio = fitCanvas(canvas, size.width, size.height);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = colors.background;
  context.fillRect(0, 0, size.width, size.height);
  context.fillStyle = colors.fill;
  const rows = activityRows(lanes, Math.floor(size.height / LEAST_ROW_PX));
  const high = size.height / Math.max(1, rows.length);
  rows.forEach((row, at) => {
    const wide = size.width / row.length;
    row.forEach((busy, column) => {
      if (busy === 0) return;
      const tall = Math.max(1, (high - 1) * busy);
      const left = Math.floor(column * wide);
      context.fillRect(left, (at + 1) * high - tall, Math.ceil((column + 1) * wide) - left, tall);
    });
  });
}

/** At most `most` rows of shares from 0 to 1; of lanes in one row the busiest counts. */
export function activityRows(lanes: readonly Lane[], most: number): number[][] {
  const own = lanes.filter(({ tasks, activity }) => !tasks && activity.length > 0);
  const together = Math.max(1, Math.ceil(own.length / Math.max(1, most)));
  const rows: number[][] = [];
  own.forEach(({ activity }, at) => {
    const row = (rows[Math.floor(at / together)] ??= Array.from(activity, () => 0));
    activity.forEach((busy, column) => {
      row[column] = Math.max(row[column] ?? 0, busy / 255);
    });
  });
  return rows;
}
