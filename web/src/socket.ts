// SPDX-License-Identifier: MIT OR Apache-2.0
/** The connection to thagd: asks for what the view needs, comes back by itself when it is lost. */
import type { DurationsFrame } from "./durations_frame.ts";
import type { ChartRequest } from "./flamechart_asks.ts";
import type { FlamechartFrame } from "./flamechart_frame.ts";
import type { FlameFrame } from "./flame_frame.ts";
import { decodeFrame, type FlameKind } from "./frames.ts";
import type { MemoryFrame } from "./memory_frame.ts";
import { FrameError } from "./message.ts";
import { readSlowest, type SlowestCalls } from "./slowest_calls.ts";
import { readSource, type Source, type SourceRequest } from "./source_lines.ts";
import type { Fault } from "./store.ts";
import type { SieveWatch } from "./sieve.ts";
import type { TableFrame } from "./table_frame.ts";
import { type Kinds, readSessions, type Session } from "./sessions.ts";

export type Connection = "connecting" | "open" | "gone";

/** What thagd is asked to send; see proto/thag/frames.h. */
export interface Watch extends SieveWatch {
  session: string;
  thread: number;
  focus: string;
  width: number;
  search: string;
  sort: string;
  raw: boolean;
  /** Of siblings: "name" or "heavy". */
  order: string;
  paused: boolean;
  metric: string;
  /** The range, nanoseconds of the session, and of memory call paths. */
  by?: string;
  from?: number;
  to?: number;
  /** A function: its callers and callees in place of the flamegraph. */
  sandwich?: string;
  /** A session to compare with, and which nanoseconds of it. */
  base?: string;
  base_from?: number;
  base_to?: number;
  normalise?: boolean;
  /** A function whose durations are to come, too. */
  durations?: string;
}

export interface Listener {
  onConnection(connection: Connection): void;
  onSessions(sessions: Session[]): void;
  onFlame(kind: FlameKind, frame: FlameFrame): void;
  onDurations(frame: DurationsFrame): void;
  onTable(frame: TableFrame): void;
  onMemory(frame: MemoryFrame): void;
  onChart(frame: FlamechartFrame): void;
  onSlowest(slowest: SlowestCalls): void;
  onSource(source: Source): void;
  onError(message: string): void;
  onFault(fault: Fault): void;
}

function readFault({ field, text, message, at }: Record<string, unknown>): Fault {
  return { field: String(field), text: String(text), message: String(message), at: Number(at) };
}

/** Which calls of a function are asked for; see proto/thag/frames.h. */
export interface SlowestRequest {
  session: string;
  function: string;
  from: number;
  to: number;
  count: number;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 2000;

export class Socket {
  private socket: WebSocket | null = null;
  private retryMs = FIRST_RETRY_MS;
  private watch: Watch | null = null;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {
    this.connect();
  }

  /** Asks for these frames, now and after each reconnection. */
  ask(watch: Watch): void {
    this.watch = watch;
    this.send();
  }

  /** Has a program record something else; the list of sessions tells what comes of it. */
  record(session: string, kinds: Kinds): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const request = kinds === "none" ? { op: "disable" } : { op: "enable", kinds };
    this.socket.send(JSON.stringify({ ...request, session }));
  }

  /** Has thagd drop a session that ended; the list of sessions tells that it is gone. */
  forget(session: string): void {
    this.sendNow({ op: "forget", session });
  }

  /** Has thagd end a session whose program goes on; the list of sessions tells how far that is. */
  end(session: string): void {
    this.sendNow({ op: "end", session });
  }

  /** Has thagd record a program that runs to a file, from now on or no longer; the list tells. */
  tape(session: string, on: boolean): void {
    this.sendNow({ op: on ? "record" : "unrecord", session });
  }

  /** Asks for calls over time; not again by itself. */
  askChart(request: ChartRequest): void {
    this.sendNow({ op: "chart", ...request });
  }

  /** Asks for the longest calls of a function, once. */
  askSlowest(request: SlowestRequest): void {
    this.sendNow({ op: "slowest", ...request });
  }

  /** Asks for the source of a function, once. */
  askSource(request: SourceRequest): void {
    this.sendNow({ op: "source", ...request });
  }

  private sendNow(request: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(request));
  }

  private send(): void {
    if (this.watch !== null && this.socket?.readyState === WebSocket.OPEN)
      this.socket.send(JSON.stringify({ op: "watch", ...this.watch }));
  }

  private connect(): void {
    const socket = new WebSocket(this.url, "thag-1");
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.retryMs = FIRST_RETRY_MS;
      this.listener.onConnection("open");
      this.send();
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.receive(data);
    socket.onclose = () => this.retry();
    this.socket = socket;
  }

  private retry(): void {
    this.listener.onConnection("gone");
    setTimeout(() => this.connect(), this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, LAST_RETRY_MS);
  }

  private receive(data: string | ArrayBuffer): void {
    try {
      if (typeof data === "string") this.receiveText(data);
      else this.receiveFrame(data);
    } catch (error) {
      if (!(error instanceof FrameError) && !(error instanceof SyntaxError)) throw error;
      this.listener.onError(
        `thagd sent something this page does not understand (${error.message}). Reload the page.`,
      );
    }
  }

  private receiveText(text: string): void {
    const message = JSON.parse(text) as Record<string, unknown>;
    if (message["op"] === "sessions") this.listener.onSessions(readSessions(message["sessions"]));
    else if (message["op"] === "slowest") this.listener.onSlowest(readSlowest(message));
    else if (message["op"] === "source") this.listener.onSource(readSource(message));
    else if (message["op"] !== "error") return;
    else if (message["field"] === undefined) this.listener.onError(String(message["message"]));
    else this.listener.onFault(readFault(message));
  }

  private receiveFrame(data: ArrayBuffer): void {
    const { kind, frame } = decodeFrame(data);
    if (kind === "table") this.listener.onTable(frame);
    else if (kind === "durations") this.listener.onDurations(frame);
    else if (kind === "memory") this.listener.onMemory(frame);
    else if (kind === "chart") this.listener.onChart(frame);
    else this.listener.onFlame(kind, frame);
  }
}
