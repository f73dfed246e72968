// SPDX-License-Identifier: MIT OR Apache-2.0
/** Draws a flamegraph on a canvas: the rows in sight, a colour at a time. */
import { Paint, type Palette } from "./color.ts";
import { markOf } from "./diff.ts";
import { presenceIn } from "./diff_frame.ts";
import { FittedText } from "./fitted_text.ts";
import type { FlameFrame } from "./flame_frame.ts";
import { firstRightOf, type Glide, type Rows } from "./layout.ts";

export const ROW_PX = 19;
export const FRAME_PX = 18;
export const GAP_PX = 1;
export const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
export const TEXT_INDENT_PX = 5;
/** No name is worth reading in less. */
export const NARROWEST_TEXT_PX = 24;
/** For a sign before a name. */
const MARK_PX = 13;
const HATCH_PX = 6;
/** Frames narrower than this fall together with their neighbours. */
const NARROWEST_FRAME_PX = 0.35;

/** What is drawn. */
export interface Scene {
  frame: FlameFrame;
  rows: Rows;
  glide: Glide;
  /** A value of Paint, or a hue, for each node. */
  paints: Uint8Array;
  hover: number;
  selected: number;
  /** The first pixel of the rows that is seen, counted from the top. */
  top: number;
  width: number;
  height: number;
  /** Root at the bottom. */
  flipped: boolean;
}

/** Frames in sight, in the order they were found. */
class Batch {
  readonly nodes: number[] = [];
  readonly left: number[] = [];
  readonly width: number[] = [];
  readonly top: number[] = [];

  clear(): void {
    this.nodes.length = this.left.length = this.width.length = this.top.length = 0;
  }

  push(node: number, left: number, width: number, top: number): void {
    this.nodes.push(node);
    this.left.push(left);
    this.width.push(width);
    this.top.push(top);
  }
}

/** Where a row's top edge is, from the top of all rows. */
export function rowTop(row: number, rowCount: number, flipped: boolean): number {
  return (flipped ? rowCount - 1 - row : row) * ROW_PX;
}

export class Painter {
  private readonly context: CanvasRenderingContext2D;
  private readonly batches = Array.from({ length: Paint.COUNT }, () => new Batch());
  private readonly names: FittedText;
  private hatched: { color: string; fill: CanvasPattern | string } | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    public palette: Palette,
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("this browser draws no canvas");
    this.context = context;
    this.names = new FittedText(context);
  }

  /** Makes the canvas `width` by `height` CSS pixels, sharp on this screen. */
  resize(width: number, height: number): void {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
  }

  draw(scene: Scene): void {
    const { context, palette } = this;
    const ratio = this.ratio(scene);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = palette.background;
    context.fillRect(0, 0, scene.width, scene.height);
    this.collect(scene);
    this.batches.forEach((batch, paint) => this.fill(batch, paint, ratio));
    this.drawPresence(scene.frame);
    this.drawOpen(scene.frame);
    this.drawNames(scene.frame);
    this.outline(scene, scene.selected, palette.selected);
    this.outline(scene, scene.hover, palette.hover);
  }

  /** Pixels of the screen to one of CSS; the canvas follows when the window goes to another screen. */
  private ratio({ width, height }: Scene): number {
    const pixels = Math.max(1, Math.round(width * (window.devicePixelRatio || 1)));
    if (this.canvas.width !== pixels) this.resize(width, height);
    return this.canvas.width / Math.max(1, width);
  }

  private collect(scene: Scene): void {
    for (const batch of this.batches) batch.clear();
    const { rows, top, height, flipped } = scene;
    const first = Math.max(0, Math.floor(top / ROW_PX));
    const last = Math.min(rows.count - 1, Math.floor((top + height) / ROW_PX));
    for (let line = first; line <= last; line++)
      this.collectRow(scene, flipped ? rows.count - 1 - line : line, line * ROW_PX - top);
  }

  private collectRow({ rows, glide, width, paints }: Scene, row: number, top: number): void {
    const nodes = rows.row(row);
    const { left, right } = glide;
    let drawnTo = -1;
    for (let at = glide.moving ? 0 : firstRightOf(nodes, right, 0); at < nodes.length; at++) {
      const node = nodes[at] as number;
      const from = left[node] as number;
      const to = right[node] as number;
      if (from >= width) {
        if (glide.moving) continue;
        break;
      }
      if (to <= 0 || (to - from < NARROWEST_FRAME_PX && to < drawnTo)) continue;
      const seenFrom = Math.max(0, from);
      const seenTo = Math.min(width, to);
      drawnTo = Math.max(seenTo, seenFrom + 1);
      this.batches[paints[node] as number]?.push(node, seenFrom, seenTo - seenFrom, top);
    }
  }

  private fill(batch: Batch, paint: number, ratio: number): void {
    const { context } = this;
    context.fillStyle = this.palette.fill[paint] as string;
    for (let at = 0; at < batch.nodes.length; at++) {
      const left = Math.round((batch.left[at] as number) * ratio) / ratio;
      const width = batch.width[at] as number;
      const right = Math.round(((batch.left[at] as number) + width) * ratio) / ratio;
      const gap = width > 3 * GAP_PX ? GAP_PX : 0;
      context.fillRect(
        left,
        batch.top[at] as number,
        Math.max(1 / ratio, right - left - gap),
        FRAME_PX,
      );
    }
  }

  /** Calls that run now have a line below them. */
  private drawOpen(frame: FlameFrame): void {
    const { context } = this;
    context.fillStyle = this.palette.open;
    for (const batch of this.batches)
      for (let at = 0; at < batch.nodes.length; at++)
        if (frame.isOpen(batch.nodes[at] as number) && (batch.width[at] as number) >= 2)
          context.fillRect(
            batch.left[at] as number,
            (batch.top[at] as number) + FRAME_PX - 2,
            (batch.width[at] as number) - GAP_PX,
            2,
          );
  }

  /** What only one side has: new frames have an edge above, those that are gone are hatched. */
  private drawPresence(frame: FlameFrame): void {
    if (frame.diff === null) return;
    const { context } = this;
    const { hover } = this.palette;
    const hatch = this.hatch(hover);
    for (const batch of this.batches)
      for (let at = 0; at < batch.nodes.length; at++) {
        const presence = presenceIn(frame, batch.nodes[at] as number);
        if (presence !== "added" && presence !== "removed") continue;
        context.fillStyle = presence === "added" ? hover : hatch;
        const width = Math.max(1, (batch.width[at] as number) - GAP_PX);
        const height = presence === "added" ? 2 : FRAME_PX;
        context.fillRect(batch.left[at] as number, batch.top[at] as number, width, height);
      }
  }

  /** Thin lines from corner to corner. */
  private hatch(color: string): CanvasPattern | string {
    if (this.hatched?.color !== color) this.hatched = { color, fill: this.makeHatch(color) };
    return this.hatched.fill;
  }

  private makeHatch(color: string): CanvasPattern | string {
    const tile = document.createElement("canvas");
    tile.width = tile.height = HATCH_PX;
    const context = tile.getContext("2d");
    if (context === null) return color;
    context.strokeStyle = color;
    context.globalAlpha = 0.3;
    context.beginPath();
    for (const from of [-HATCH_PX, 0, HATCH_PX]) {
      context.moveTo(from - 1, HATCH_PX + 1);
      context.lineTo(from + HATCH_PX + 1, -1);
    }
    context.stroke();
    return this.context.createPattern(tile, "repeat") ?? color;
  }

  private drawNames(frame: FlameFrame): void {
    const { context } = this;
    context.font = FONT;
    context.textBaseline = "middle";
    context.direction = "ltr";
    this.batches.forEach((batch, paint) => {
      context.fillStyle = this.palette.text[paint] as string;
      for (let at = 0; at < batch.nodes.length; at++) {
        const width = batch.width[at] as number;
        if (width < NARROWEST_TEXT_PX) continue;
        const node = batch.nodes[at] as number;
        const mark = frame.diff === null ? "" : markOf(presenceIn(frame, node));
        const room = width - 2 * TEXT_INDENT_PX - (mark === "" ? 0 : MARK_PX);
        const text = this.names.fit(frame.name(node), Math.floor(room));
        if (text !== "" || mark !== "")
          context.fillText(
            `${mark} ${text}`.trim(),
            (batch.left[at] as number) + TEXT_INDENT_PX,
            (batch.top[at] as number) + FRAME_PX / 2 + 0.5,
          );
      }
    });
  }

  private outline(scene: Scene, node: number, color: string): void {
    if (node < 0 || node >= scene.frame.count) return;
    const left = Math.max(0, scene.glide.left[node] as number);
    const right = Math.min(scene.width, scene.glide.right[node] as number);
    const top =
      rowTop(scene.frame.depth[node] as number, scene.rows.count, scene.flipped) - scene.top;
    this.context.strokeStyle = color;
    this.context.lineWidth = 1.5;
    if (right > left)
      this.context.strokeRect(
        left + 0.75,
        top + 0.75,
        Math.max(1, right - left - GAP_PX - 1.5),
        FRAME_PX - 1.5,
      );
  }
}
