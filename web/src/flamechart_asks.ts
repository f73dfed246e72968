// SPDX-License-Identifier: MIT OR Apache-2.0
/** What a flamechart asks thagd for: more than is seen, and one thing at a time. */
import type { AskedLane } from "./flamechart_frame.ts";
import type { Span } from "./flamechart_window.ts";

/** As in proto/thag/frames.h. */
export interface ChartRequest {
  session: string;
  from: number;
  to: number;
  last: number;
  columns: number;
  /** Left out: the first ones. */
  lanes?: [number, number, number, number][];
  paused: boolean;
}

/** What is to be seen. */
export interface Need {
  session: string;
  /** The window; null: all there is. */
  span: Span | null;
  /** Of a window that follows the newest events, how long it is; else 0. */
  last: number;
  /** Pixels of the window. */
  width: number;
  /** Null: not known yet. */
  lanes: AskedLane[] | null;
  paused: boolean;
}

/** Of the window, how much more to either side is asked for, and how little of that may be left. */
const MARGIN = 0.5;
const LEAST_MARGIN = 0.2;
const COLUMNS_MAX = 8192;
/** How much finer or coarser than it could be the picture may be. */
const RESOLUTION_SLACK = 1.02;

function columnsFor(width: number, times: number): number {
  return Math.max(1, Math.min(COLUMNS_MAX, Math.round(width * times)));
}

/** Whether an answer to `request` shows a window well enough; `newest`: where all there is ends. */
function suits(request: ChartRequest, { span, width }: Need, first: number, newest: number): boolean {
  if (span === null || request.to === 0) return span === null && request.to === 0 && request.last === 0;
  const length = span.to - span.from;
  const wanted = length / Math.max(1, width);
  const ratio = (request.to - request.from) / request.columns / wanted;
  if (ratio > RESOLUTION_SLACK || ratio < 1 / RESOLUTION_SLACK) return false;
  const left = request.from <= Math.max(first, span.from - LEAST_MARGIN * length);
  return left && request.to >= Math.min(newest, span.to + LEAST_MARGIN * length);
}

/** The request for what is to be seen: the one before if its answer shows that, too. */
export function planRequest(
  before: ChartRequest | null,
  need: Need,
  first: number,
  newest: number,
): ChartRequest {
  const { session, span, last, width, lanes, paused } = need;
  const rest = {
    session,
    ...(lanes === null ? {} : { lanes: lanes.map((lane) => tupleOf(lane)) }),
    paused,
  };
  if (last > 0) {
    const more = Math.round(last * (1 + MARGIN));
    return { from: 0, to: 0, last: more, columns: columnsFor(width, 1 + MARGIN), ...rest };
  }
  if (before !== null && before.session === session && suits(before, need, first, newest))
    return { from: before.from, to: before.to, last: 0, columns: before.columns, ...rest };
  if (span === null) return { from: 0, to: 0, last: 0, columns: columnsFor(width, 1), ...rest };
  const length = span.to - span.from;
  const from = Math.max(0, Math.floor(span.from - MARGIN * length));
  const to = Math.ceil(span.to + MARGIN * length);
  return { from, to, last: 0, columns: columnsFor(width, (to - from) / length), ...rest };
}

function tupleOf({ ring, tasks, firstRow, rows }: AskedLane): [number, number, number, number] {
  return [ring, tasks ? 1 : 0, firstRow, rows];
}

/** Sends requests: the newest one, once there is an answer to the one before. */
export class Asks {
  private wanted: ChartRequest | null = null;
  private sent = "";
  private waiting = false;
  private timer = 0;

  /** `patienceMs`: an answer that takes longer isn't waited for. */
  constructor(
    private readonly send: (request: ChartRequest) => void,
    private readonly patienceMs = 3000,
  ) {}

  get last(): ChartRequest | null {
    return this.wanted;
  }

  /** Whether there is no answer yet. */
  get isWaiting(): boolean {
    return this.waiting;
  }

  /** Null: nothing more. */
  want(request: ChartRequest | null): void {
    if (request === null && this.wanted === null) return;
    this.wanted = request;
    if (request === null) this.end();
    else this.sendNext();
  }

  /** Something came in, or an error did. */
  answered(): void {
    this.waiting = false;
    this.sendNext();
  }

  /** The connection is a new one. */
  again(): void {
    this.sent = "";
    this.answered();
  }

  private end(): void {
    if (this.sent !== "") this.send({ session: "", from: 0, to: 0, last: 0, columns: 1, paused: true });
    this.sent = "";
    this.waiting = false;
  }

  private sendNext(): void {
    if (this.waiting || this.wanted === null) return;
    const text = JSON.stringify(this.wanted);
    if (text === this.sent) return;
    this.sent = text;
    this.waiting = true;
    this.send(this.wanted);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.answered(), this.patienceMs) as unknown as number;
  }
}
