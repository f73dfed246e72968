// SPDX-License-Identifier: MIT OR Apache-2.0
/** What the page knows, in one place; the parts of the page read it and are told of changes. */
import { type Base, chosenBase } from "./base.ts";
import type { DurationsFrame } from "./durations_frame.ts";
import type { FlamechartFrame } from "./flamechart_frame.ts";
import type { FlameFrame } from "./flame_frame.ts";
import type { SlowestCalls } from "./slowest_calls.ts";
import type { Source } from "./source_lines.ts";
import type { TableFrame } from "./table_frame.ts";
import type { MemoryFrame } from "./memory_frame.ts";
import { chosenMetric, type MetricId } from "./metric.ts";
import { hasMemory, type Session } from "./sessions.ts";
import type { Connection } from "./socket.ts";
import { DEFAULT_VIEW, type Layout, type View } from "./url.ts";

/** A text of the view that thagd cannot make sense of. */
export interface Fault {
  field: string;
  text: string;
  message: string;
  /** The byte of the text that is at fault. */
  at: number;
}

/** What changed. */
export type Topic =
  | "view"
  | "sessions"
  | "flame"
  | "table"
  | "chart"
  | "slowest"
  | "source"
  | "durations" | "memory" | "connection" | "pointed";

/** A node, and the flamegraph that has it. */
export interface Found {
  frame: FlameFrame;
  node: number;
}

export class Store {
  view: View = { ...DEFAULT_VIEW };
  /** The newest first. */
  sessions: Session[] = [];
  /** Whether thagd has told its sessions yet. */
  listed = false;
  /** The session shown, as last heard of; kept when thagd goes, not when it forgets it. */
  session: Session | null = null;
  /** The session shown when it was forgotten by its user's wish, or for want of room. */
  gone: Session | null = null;
  flame: FlameFrame | null = null;
  /** The two halves of the sandwich, while it is shown. */
  callers: FlameFrame | null = null;
  callees: FlameFrame | null = null;
  table: TableFrame | null = null;
  /** What the flamechart shows of, while it is shown. */
  chart: FlamechartFrame | null = null;
  /** The longest calls of the function that was asked for last. */
  slowest: SlowestCalls | null = null;
  /** Of the function whose source was asked for last. */
  source: Source | null = null;
  /** Of the function that was asked for last. */
  durations: DurationsFrame | null = null;
  /** The id of the function whose durations are wanted, "" for none. */
  wanted = "";
  /** Kept while a metric of time is shown. */
  memory: MemoryFrame | null = null;
  connection: Connection = "connecting";
  error = "";
  /** What is wrong with the text searched for, null when nothing is. */
  fault: Fault | null = null;
  /** What the frames are searched for: the text of the view, or the last one that made sense. */
  search = "";
  paused = false;
  /** Frames wait because the pointer is over the flamegraph. */
  held = false;
  /** The frame under the pointer, or chosen with the keys: its id, null for none. */
  pointed: string | null = null;
  private readonly listeners: [Topic, () => void][] = [];

  /** The flamegraph that is shown: of a sandwich, the callees. */
  get frame(): FlameFrame | null {
    if (this.layout === "sandwich") return this.callees;
    return this.layout === "diff" && this.flame?.diff === null ? null : this.flame;
  }

  /** The flamegraph that has a node, and which that is: of a sandwich, either half may. */
  find(id: string): Found | null {
    for (const frame of this.layout === "sandwich" ? [this.callees, this.callers] : [this.frame]) {
      const node = frame?.find(id) ?? -1;
      if (frame !== null && node >= 0) return { frame, node };
    }
    return null;
  }

  /** The metric shown. */
  get metric(): MetricId {
    return chosenMetric(this.view, this.session);
  }

  /** The thread shown, 0 for all: memory is of the whole process, and two processes share none. */
  get thread(): number {
    const alone = this.layout !== "diff" || this.base === null || this.base.id === this.session?.id;
    return this.metric === "time" && alone ? this.view.thread : 0;
  }

  /** What the session is compared with; null: nothing, or not now. */
  get base(): Base | null {
    if (this.layout !== "diff") return null;
    return chosenBase(this.view, this.session, this.sessions, this.metric);
  }

  /** The same while thagd still has it. */
  get knownBase(): Base | null {
    const { base } = this;
    return base !== null && this.sessions.some(({ id }) => id === base.id) ? base : null;
  }

  /** The layout shown: there is no memory in a session without. */
  get layout(): Layout {
    const { session, view } = this;
    const without = session !== null && !hasMemory(session);
    if (view.layout === "sandwich" && view.function === "") return "split";
    return without && view.layout === "memory" ? "split" : view.layout;
  }

  /** Calls `listener` whenever one of `topics` changed. */
  on(topics: readonly Topic[], listener: () => void): void {
    for (const topic of topics) this.listeners.push([topic, listener]);
  }

  changed(topic: Topic): void {
    for (const [of, listener] of this.listeners) if (of === topic) listener();
  }
}
