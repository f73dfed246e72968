// SPDX-License-Identifier: MIT OR Apache-2.0
/** Draws the lanes of a flamechart on a canvas: slices a colour at a time, then names and lines. */
import { Paint, type Palette, type Theme } from "./color.ts";
import { FittedText } from "./fitted_text.ts";
import type { FlamechartFrame, Site } from "./flamechart_frame.ts";
import type { Block, LaneLayout } from "./flamechart_lanes.ts";
import { drawMemory } from "./flamechart_memory.ts";
import { drawNotes } from "./flamechart_notes.ts";
import { type FrameIndex, type SliceRef } from "./flamechart_pick.ts";
import { SliceFlag } from "./flamechart_slices.ts";
import type { Mark, Span } from "./flamechart_window.ts";
import { count } from "./format.ts";
import { FONT, FRAME_PX, GAP_PX, NARROWEST_TEXT_PX, ROW_PX, TEXT_INDENT_PX } from "./paint.ts";

/** Merged slices: how strong their colour is, from little covered to all of it. */
export const PALE = [0.25, 0.34, 0.43, 0.52] as const;
/** Names on them are written as on this. */
export const PALE_TEXT = Paint.SECTION;
const LEVELS = PALE.length + 1;
/** A merged slice says how many calls it stands for where there is room. */
const NARROWEST_COUNT_PX = 70;
/** Lines where a slice of a task begins or ends only for now. */
const WAIT_PX = 2;

/** Lines and text beside the slices. */
export interface LineColors {
  grid: string;
  /** What is not in the range chosen. */
  shade: string;
  edge: string;
  text: string;
  note: string;
  noteFill: string;
}

const LIGHT: LineColors = {
  grid: "oklch(0.93 0.004 250)",
  shade: "oklch(0.55 0.02 250 / 0.16)",
  edge: "oklch(0.5 0.2 290)",
  text: "#565b66",
  note: "oklch(0.5 0.13 60)",
  noteFill: "oklch(0.5 0.13 60 / 0.15)",
};

const DARK: LineColors = {
  grid: "oklch(0.27 0.012 260)",
  shade: "oklch(0.1 0.01 250 / 0.5)",
  edge: "oklch(0.78 0.13 295)",
  text: "#a5abb8",
  note: "oklch(0.84 0.12 80)",
  noteFill: "oklch(0.84 0.12 80 / 0.16)",
};

export function lineColors(theme: Theme): LineColors {
  return theme === "dark" ? DARK : LIGHT;
}

/** What is drawn. */
export interface ChartScene {
  /** The newest answer. */
  main: FrameIndex | null;
  /** One of more time and less detail, drawn where the newest has nothing. */
  wide: FrameIndex | null;
  layout: LaneLayout;
  span: Span;
  range: Span | null;
  marks: readonly Mark[];
  /** The paint of a function. */
  paintOf(site: Site | undefined): number;
  hover: SliceRef | null;
  chosen: SliceRef | null;
  top: number;
  width: number;
  height: number;
}

/** Slices in sight of one colour. */
class Batch {
  readonly left: number[] = [];
  readonly width: number[] = [];
  readonly top: number[] = [];
  readonly text: string[] = [];

  clear(): void {
    this.left.length = this.width.length = this.top.length = this.text.length = 0;
  }
}

export class FlamechartPainter {
  private readonly context: CanvasRenderingContext2D;
  private readonly names: FittedText;
  private readonly batches = Array.from({ length: Paint.COUNT * LEVELS }, () => new Batch());
  private readonly used = new Set<number>();
  private readonly waits: number[] = [];

  constructor(
    private readonly canvas: HTMLCanvasElement,
    public palette: Palette,
    public lines: LineColors,
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("this browser draws no canvas");
    this.context = context;
    this.names = new FittedText(context);
  }

  draw(scene: ChartScene): void {
    const ratio = fitCanvas(this.canvas, scene.width, scene.height);
    const { context } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.palette.background;
    context.fillRect(0, 0, scene.width, scene.height);
    this.drawGrid(scene);
    context.font = FONT;
    this.collect(scene);
    this.fillBatches(ratio);
    this.drawWaits();
    this.drawRange(scene);
    this.drawNames();
    for (const { block, top } of this.seen(scene)) this.drawBlockNotes(scene, block, top);
    this.outline(scene, scene.chosen, this.palette.selected);
    this.outline(scene, scene.hover, this.palette.hover);
  }

  private *seen({ layout, top, height }: ChartScene): Generator<{ block: Block; top: number }> {
    for (const block of layout.blocks)
      if (block.bottom > top && block.top < top + height) yield { block, top: block.top - top };
  }

  private drawGrid({ marks, span, width, height }: ChartScene): void {
    const { context } = this;
    context.fillStyle = this.lines.grid;
    for (const { ns } of marks) {
      const x = Math.round(((ns - span.from) / (span.to - span.from)) * width);
      context.fillRect(x, 0, 1, height);
    }
  }

  private collect(scene: ChartScene): void {
    for (const index of this.used) (this.batches[index] as Batch).clear();
    this.used.clear();
    this.waits.length = 0;
    for (const { block } of this.seen(scene)) this.collectBlock(scene, block);
  }

  private collectBlock(scene: ChartScene, block: Block): void {
    const first = Math.max(0, Math.floor((scene.top - block.rowsTop) / ROW_PX));
    const last = Math.min(
      block.rows - 1,
      Math.floor((scene.top + scene.height - block.rowsTop) / ROW_PX),
    );
    for (let row = first; row <= last; row++) {
      const y = block.rowsTop + row * ROW_PX - scene.top;
      const main = scene.main?.covers(block.key, row) ? scene.main : null;
      if (main !== null) this.collectRow(scene, main, block.key, row, y, main.from, main.to);
      if (scene.wide === null || scene.wide === main) continue;
      const { wide } = scene;
      if (main === null) this.collectRow(scene, wide, block.key, row, y, wide.from, wide.to);
      else {
        this.collectRow(scene, wide, block.key, row, y, wide.from, main.from);
        this.collectRow(scene, wide, block.key, row, y, main.to, wide.to);
      }
    }
  }

  /** The slices of a row between two times. */
  private collectRow(
    scene: ChartScene,
    index: FrameIndex,
    key: string,
    row: number,
    y: number,
    fromNs: number,
    toNs: number,
  ): void {
    const found = index.row(key, row);
    const from = Math.max(fromNs, scene.span.from);
    const to = Math.min(toNs, scene.span.to);
    if (found === undefined || from >= to) return;
    const scale = scene.width / (scene.span.to - scene.span.from);
    const { start, end } = index.frame.slices;
    for (let at = found.first; at < found.first + found.count; at++) {
      if ((end[at] as number) < from || (start[at] as number) > to) continue;
      const left = (Math.max(from, start[at] as number) - scene.span.from) * scale;
      const right = (Math.min(to, end[at] as number) - scene.span.from) * scale;
      this.push(scene, index.frame, at, left, right, y);
    }
  }

  private push(
    scene: ChartScene,
    frame: FlamechartFrame,
    at: number,
    left: number,
    right: number,
    y: number,
  ): void {
    const { slices, sites } = frame;
    const flags = slices.flags[at] as number;
    const site = sites.get(slices.site[at] as number);
    const merged = (flags & SliceFlag.MERGED) !== 0;
    const level = merged ? 1 + Math.min(PALE.length - 1, (slices.cover[at] as number) >> 6) : 0;
    const index = scene.paintOf(site) * LEVELS + level;
    const batch = this.batches[index] as Batch;
    this.used.add(index);
    batch.left.push(left);
    batch.width.push(right - left);
    batch.top.push(y);
    batch.text.push(this.textOf(site, merged ? (slices.count[at] as number) : 0, right - left));
    if (flags & SliceFlag.WAITED) this.waits.push(left, y);
    if (flags & SliceFlag.WAITS) this.waits.push(right - WAIT_PX - GAP_PX, y);
  }

  private textOf(site: Site | undefined, merged: number, width: number): string {
    if (width < NARROWEST_TEXT_PX) return "";
    const room = Math.floor(width - 2 * TEXT_INDENT_PX);
    const name = site?.name ?? "";
    if (merged === 0) return this.names.fit(name, room);
    if (width < NARROWEST_COUNT_PX) return "";
    const times = ` × ${count(merged)}`;
    const text = this.names.fit(name, Math.floor(room - this.names.measure(times)));
    return text === "" ? "" : text + times;
  }

  private fillBatches(ratio: number): void {
    const { context } = this;
    for (const index of this.used) {
      const { left, width, top } = this.batches[index] as Batch;
      const level = index % LEVELS;
      context.globalAlpha = level === 0 ? 1 : (PALE[level - 1] as number);
      context.fillStyle = this.palette.fill[Math.floor(index / LEVELS)] as string;
      for (let at = 0; at < left.length; at++) {
        const x = Math.round((left[at] as number) * ratio) / ratio;
        const to = Math.round(((left[at] as number) + (width[at] as number)) * ratio) / ratio;
        const gap = level === 0 && (width[at] as number) > 3 * GAP_PX ? GAP_PX : 0;
        context.fillRect(x, top[at] as number, Math.max(1 / ratio, to - x - gap), FRAME_PX);
      }
    }
    context.globalAlpha = 1;
  }

  private drawWaits(): void {
    this.context.fillStyle = this.palette.open;
    for (let at = 0; at < this.waits.length; at += 2)
      this.context.fillRect(this.waits[at] as number, this.waits[at + 1] as number, WAIT_PX, FRAME_PX);
  }

  private drawNames(): void {
    const { context } = this;
    context.textBaseline = "middle";
    context.direction = "ltr";
    for (const index of this.used) {
      const { left, top, text } = this.batches[index] as Batch;
      const paint = index % LEVELS === 0 ? Math.floor(index / LEVELS) : PALE_TEXT;
      context.fillStyle = this.palette.text[paint] as string;
      for (let at = 0; at < left.length; at++)
        if (text[at] !== "")
          context.fillText(
            text[at] as string,
            (left[at] as number) + TEXT_INDENT_PX,
            (top[at] as number) + FRAME_PX / 2 + 0.5,
          );
    }
  }

  private drawBlockNotes(scene: ChartScene, block: Block, top: number): void {
    const index = scene.main ?? scene.wide;
    if (index === null) return;
    const place = { ...scene, colors: this.lines, background: this.palette.background };
    for (const band of block.notes)
      if (band.kind === "memory") drawMemory(this.context, index.frame, top - block.top + band.top, band.height, place);
      else drawNotes(this.context, index.frame, band, top - block.top + band.top, place);
  }

  private drawRange({ range, span, width, height }: ChartScene): void {
    if (range === null) return;
    const { context } = this;
    const x = (ns: number): number =>
      Math.max(-2, Math.min(width + 2, ((ns - span.from) / (span.to - span.from)) * width));
    context.fillStyle = this.lines.shade;
    context.fillRect(0, 0, x(range.from), height);
    context.fillRect(x(range.to), 0, width - x(range.to), height);
    context.fillStyle = this.lines.edge;
    context.fillRect(x(range.from) - 0.5, 0, 1, height);
    context.fillRect(x(range.to) - 0.5, 0, 1, height);
  }

  private outline(scene: ChartScene, slice: SliceRef | null, color: string): void {
    const block = slice === null ? undefined : scene.layout.block(slice.key);
    if (slice === null || block === undefined || slice.row >= block.rows) return;
    const scale = scene.width / (scene.span.to - scene.span.from);
    const left = Math.max(-4, (slice.startNs - scene.span.from) * scale);
    const right = Math.min(scene.width + 4, (slice.endNs - scene.span.from) * scale);
    if (right < 0 || left > scene.width) return;
    this.context.strokeStyle = color;
    this.context.lineWidth = 1.5;
    const top = block.rowsTop + slice.row * ROW_PX - scene.top;
    const width = Math.max(1.5, right - left - GAP_PX - 1.5);
    this.context.strokeRect(left + 0.75, top + 0.75, width, FRAME_PX - 1.5);
  }
}

/** Makes a canvas `width` by `height` CSS pixels, sharp on its screen: the pixels of that to one. */
export function fitCanvas(canvas: HTMLCanvasElement, width: number, height: number): number {
  const ratio = window.devicePixelRatio || 1;
  const pixels = Math.max(1, Math.round(width * ratio));
  const lines = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== pixels) canvas.width = pixels;
  if (canvas.height !== lines) canvas.height = lines;
  return pixels / Math.max(1, width);
}
