// SPDX-License-Identifier: MIT OR Apache-2.0
/** The chart of live memory over time: what was live, the most in each slice, the allocation rate. */
import uPlot from "uplot";
import { bytes, time } from "./format.ts";
import type { Slices } from "./slices.ts";

/** The time and the height of the peak: seconds, bytes. */
export interface Peak {
  seconds: number;
  bytes: number;
}

const AXIS_PX = 68;
/** Narrower charts have no axis for the rate. */
const NARROW_PX = 620;
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
/** Steps between the marks of an axis of bytes: 1, 2, 4 … to 2^52. */
const BYTE_STEPS = Array.from({ length: 53 }, (_, log2) => 2 ** log2);

/** A colour of the style sheet, as it is now. */
function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function byteAxis(scale: string, side: uPlot.Axis.Side, text: (value: number) => string): uPlot.Axis {
  const right = side === 1;
  return {
    scale,
    side,
    size: (self) => (right && self.width < NARROW_PX ? 0 : AXIS_PX),
    incrs: BYTE_STEPS,
    space: 26,
    font: FONT,
    gap: 4,
    stroke: () => color("--soft"),
    grid: { show: !right, stroke: () => color("--line"), width: 1 },
    ticks: { show: false },
    values: (self, marks) => marks.map((mark) => (right && self.width < NARROW_PX ? "" : text(mark))),
  };
}

const TIME_AXIS: uPlot.Axis = {
  size: 20,
  space: 70,
  font: FONT,
  gap: 2,
  stroke: () => color("--soft"),
  grid: { show: false },
  ticks: { stroke: () => color("--line"), size: 4, width: 1 },
  values: (_, marks) => marks.map((mark) => time(mark * 1e9)),
};

/** From 0 to a little over the most. */
function fromZero(_: uPlot, __: number | null, most: number | null): uPlot.Range.MinMax {
  return [0, Math.max(1, (most ?? 0) * 1.08)];
}

/** Each value holds since the one before it. */
const stepped = uPlot.paths.stepped?.({ align: -1 }) ?? null;

function series(stroke: string, fill: string, width: number, scale: string): uPlot.Series {
  return {
    scale,
    stroke: () => color(stroke),
    width,
    points: { show: false },
    ...(fill === "" ? {} : { fill: () => color(fill) }),
  };
}

export class Chart {
  readonly plot: uPlot;
  private peak: Peak | null = null;
  private end = 0;

  /** `point`: the pointer is at a time, null for none. */
  constructor(
    private readonly place: HTMLElement,
    point: (seconds: number | null) => void,
  ) {
    this.plot = new uPlot(this.options(point), [[], [], [], []], place);
    new ResizeObserver(() => this.resize()).observe(place);
  }

  /** The plotting area. */
  get area(): HTMLElement {
    return this.plot.over;
  }

  private options(point: (seconds: number | null) => void): uPlot.Options {
    const steps = stepped === null ? {} : { paths: stepped };
    return {
      width: Math.max(1, this.place.clientWidth),
      height: Math.max(1, this.place.clientHeight),
      pxAlign: 1,
      padding: [6, (self) => (self.width < NARROW_PX ? 28 : 8), 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { show: false } },
      scales: {
        x: { time: false, range: () => [0, Math.max(this.end, 1e-9)] },
        live: { range: fromZero },
        rate: { range: fromZero },
      },
      axes: [
        TIME_AXIS,
        byteAxis("live", 3, bytes),
        byteAxis("rate", 1, (value) => `${bytes(value)}/s`),
      ],
      series: [
        {},
        { ...series("--chart-rate", "", 1, "rate"), ...steps },
        { ...series("--chart-high", "", 1, "live"), ...steps },
        series("--chart-live", "--chart-fill", 2, "live"),
      ],
      hooks: {
        draw: [() => this.drawPeak()],
        setCursor: [
          ({ cursor, posToVal }) => {
            const left = cursor.left ?? -1;
            point(left < 0 ? null : posToVal(left, "x"));
          },
        ],
      },
    };
  }

  /** Shows slices of a time that goes to `end`, in seconds. */
  show({ seconds, live, high, rate }: Slices, peak: Peak | null, end: number): void {
    this.peak = peak;
    this.end = end;
    this.plot.setData([seconds, rate, high, live]);
  }

  /** Draws with the colours of the style sheet, which changed. */
  recolor(): void {
    this.plot.redraw(false, true);
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.place;
    if (clientWidth > 0 && clientHeight > 0)
      this.plot.setSize({ width: clientWidth, height: clientHeight });
  }

  /** A line and a dot where most was live. */
  private drawPeak(): void {
    const { peak, plot } = this;
    if (peak === null || peak.bytes === 0) return;
    const { ctx, bbox } = plot;
    const ratio = uPlot.pxRatio;
    const x = plot.valToPos(peak.seconds, "x", true);
    const y = plot.valToPos(peak.bytes, "live", true);
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = color("--warn");
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(x, y, 3.5 * ratio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.restore();
  }
}
