// SPDX-License-Identifier: MIT OR Apache-2.0
/** Keeps the store fed: asks thagd for what the view shows, and decides when news is shown. */
import { withToken } from "./address.ts";
import type { DurationsFrame } from "./durations_frame.ts";
import type { ChartRequest } from "./flamechart_asks.ts";
import type { FlamechartFrame } from "./flamechart_frame.ts";
import type { FlameFrame } from "./flame_frame.ts";
import type { FrameHeader } from "./message.ts";
import { metricOf } from "./metric.ts";
import type { MemoryFrame } from "./memory_frame.ts";
import type { TableFrame } from "./table_frame.ts";
import type { Detail } from "./detail.ts";
import { isRunning, type Kinds, type Session } from "./sessions.ts";
import { type Connection, Socket, type Watch } from "./socket.ts";
import { Searches } from "./searches.ts";
import { watchSieve } from "./sieve.ts";
import type { SlowestCalls } from "./slowest_calls.ts";
import type { SourceRequest } from "./source_lines.ts";
import type { Fault, Store } from "./store.ts";
import { TIME_SORTS } from "./url.ts";

export interface FeedActions {
  /** A new flamegraph of the same view came in. */
  live(): void;
  /** Another session is shown. */
  reset(): void;
  /** The node to ask frames of, and how wide they are. */
  detail(): Detail;
  /** Functions and their files. */
  modules(modules: Map<string, string>): void;
  header(header: FrameHeader): void;
  /** Calls over time. */
  chart(frame: FlamechartFrame): void;
}

const ASK_DELAY_MS = 30;
/** The slowest calls of a program that runs are asked for again so often. */
const SLOWEST_EVERY_MS = 3000;
const SLOWEST_COUNT = 20;
/** An error stays so long, whatever comes. */
const ERROR_MS = 5000;

export class Feed {
  private socket: Socket | null = null;
  private asked = "";
  /** What was asked for, paused or not: pausing alone asks for nothing new. */
  private seen = "";
  private askedPaused = false;
  private askTimer = 0;
  private erredAt = 0;
  /** The next frames answer a change of the view: they are shown even while paused or held. */
  private expectFlame = false;
  private expectTable = false;
  private expectMemory = false;
  private expectDurations = false;
  private waiting: FlameFrame | null = null;
  private readonly searches = new Searches();
  /** Sessions of the last list that came by this connection. */
  private told = new Set<string>();
  /** Of which the slowest calls were asked for last, and when. */
  private slowest = { asked: "", at: 0 };

  constructor(
    private readonly store: Store,
    private readonly actions: FeedActions,
  ) {}

  start(): void {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new Socket(withToken(`${scheme}//${location.host}/ws`), {
      onConnection: (connection) => this.onConnection(connection),
      onSessions: (sessions) => this.onSessions(sessions),
      onFlame: (kind, frame) => (kind === "flame" ? this.onFlame(frame) : this.onHalf(kind, frame)),
      onDurations: (frame) => this.onDurations(frame),
      onTable: (frame) => this.onTable(frame),
      onMemory: (frame) => this.onMemory(frame),
      onChart: (frame) => this.actions.chart(frame),
      onSlowest: (slowest) => this.onSlowest(slowest),
      onSource: (source) => {
        this.store.source = source;
        this.store.changed("source");
      },
      onError: (message) => this.onError(message),
      onFault: (fault) => this.onFault(fault),
    });
  }

  /** Follows the view: another session, zoom, search or size. */
  viewChanged(): void {
    this.store.fault = this.searches.fault(this.store.view.search);
    this.chooseSession();
    this.askSoon();
  }

  private askSoon(): void {
    if (this.askTimer === 0) this.askTimer = window.setTimeout(() => this.ask(), ASK_DELAY_MS);
  }

  /** Asks for the durations of another function. */
  wantDurations(id: string): void {
    if (this.store.wanted === id) return;
    this.store.wanted = id;
    this.askSoon();
    this.askSlowest();
  }

  /** Asks for calls over time. */
  askChart(request: ChartRequest): void {
    this.socket?.askChart(request);
  }

  /** Asks for the source of a function. */
  askSource(request: SourceRequest): void {
    this.socket?.askSource(request);
  }

  /** Asks for the longest calls of the function wanted, if they may be others by now. */
  private askSlowest(): void {
    const { session, view, wanted, metric, paused } = this.store;
    if (session === null || wanted === "" || metric !== "time") return;
    const range = { from: view.rangeFrom, to: view.rangeTo };
    const request = { session: session.id, function: wanted, ...range, count: SLOWEST_COUNT };
    const asked = JSON.stringify(request);
    const now = performance.now();
    const old = isRunning(session) && !paused && now - this.slowest.at >= SLOWEST_EVERY_MS;
    if (asked === this.slowest.asked && !old) return;
    this.slowest = { asked, at: now };
    this.socket?.askSlowest(request);
  }

  private onSlowest(slowest: SlowestCalls): void {
    this.store.slowest = slowest;
    this.store.changed("slowest");
  }

  /** Keeps what is shown while the pointer is over it. */
  hold(held: boolean): void {
    this.store.held = held;
    if (!held && this.waiting !== null && !this.store.paused) this.showFlame(this.waiting);
    this.store.changed("connection");
  }

  /** Has the program of the session shown record something else. */
  record(kinds: Kinds): void {
    const { session } = this.store;
    if (session !== null) this.socket?.record(session.id, kinds);
  }

  /** Has thagd drop a session that ended. */
  forgetSession(id: string): void {
    this.socket?.forget(id);
  }

  /** Has thagd end a session whose program runs, and goes on. */
  endSession(id: string): void {
    this.socket?.end(id);
  }

  /** Has thagd record a program that runs to a file, from now on, or end that. */
  tape(id: string, on: boolean): void {
    this.socket?.tape(id, on);
  }

  private watch(): Watch | null {
    const { session, view, paused } = this.store;
    if (session === null) return null;
    const { raw } = view;
    const order = view.heavy ? "heavy" : "name";
    const search = (this.store.search = this.searches.ask(view.search));
    const sort = TIME_SORTS.find((known) => known === view.sort) ?? "self";
    const common = { session: session.id, ...this.actions.detail(), search, sort, raw, order, paused, ...watchSieve(view) };
    const { metric, thread, layout } = this.store;
    if (layout === "sandwich") Object.assign(common, { sandwich: view.function });
    Object.assign(common, this.baseWatch());
    const range = { from: view.rangeFrom, to: view.rangeTo };
    if (metric === "time")
      return { ...common, thread, metric, durations: this.store.wanted, ...range };
    const by = view.by === "" ? {} : { by: view.by };
    return { ...common, thread, metric, ...by, ...range };
  }

  private baseWatch(): Partial<Watch> {
    const base = this.store.knownBase;
    if (base === null) return {};
    const normalise = this.store.view.mode === "normalised";
    return { base: base.id, base_from: base.from, base_to: base.to, normalise };
  }

  /** Whether a flamegraph is of the sides that are compared. */
  private isComparison({ diff }: FlameFrame): boolean {
    const base = this.store.knownBase;
    if (base === null || diff === null) return base === null && diff === null;
    const normalised = this.store.view.mode === "normalised";
    const same = diff.base === base.id && diff.baseFrom === base.from && diff.baseTo === base.to;
    return same && diff.normalised === normalised;
  }

  private ask(): void {
    this.askTimer = 0;
    const watch = this.watch();
    const text = JSON.stringify(watch);
    if (watch === null || text === this.asked) return;
    const seen = JSON.stringify({ ...watch, paused: false, durations: "" });
    // what is pointed at changes nothing but the durations
    const expect = seen !== this.seen || watch.paused !== this.askedPaused;
    if (expect) this.expectFlame = this.expectTable = this.expectMemory = seen !== this.seen || !watch.paused;
    this.expectDurations = true;
    this.askedPaused = watch.paused;
    this.asked = text;
    this.seen = seen;
    if (expect) this.waiting = null;
    this.socket?.ask(watch);
  }

  private onConnection(connection: Connection): void {
    this.store.connection = connection;
    this.told.clear();
    if (connection === "open") {
      this.store.error = "";
      this.expectFlame = this.expectTable = this.expectMemory = true;
      this.slowest.asked = "";
    }
    this.store.changed("connection");
  }

  /** A thagd that was restarted knows fewer sessions: what it had told before is still shown. */
  private onSessions(sessions: Session[]): void {
    const { session } = this.store;
    const ids = new Set(sessions.map(({ id }) => id));
    if (session !== null && this.told.has(session.id) && !ids.has(session.id)) {
      this.store.gone = session;
      this.forget();
    }
    this.told = ids;
    this.store.sessions = sessions;
    this.store.listed = true;
    this.viewChanged();
    this.store.changed("sessions");
  }

  /** The session that the view names, or the newest; kept when it is not in the list any more. */
  private chooseSession(): void {
    const { sessions, session, view, paused } = this.store;
    const id = view.session === "" && paused ? (session?.id ?? "") : view.session;
    const wanted = id === "" ? sessions[0] : sessions.find((entry) => entry.id === id);
    const other = wanted?.id ?? id;
    if (session !== null && other !== "" && other !== session.id) this.forget();
    if (wanted !== undefined) this.store.session = wanted;
  }

  private forget(): void {
    this.store.session = null;
    this.store.flame = null;
    this.store.callers = this.store.callees = null;
    this.store.table = null;
    this.store.durations = null;
    this.store.slowest = null;
    this.store.memory = null;
    this.waiting = null;
    this.actions.reset();
    this.store.changed("flame");
    this.store.changed("table");
    this.store.changed("memory");
  }

  /** Whether a frame is of what the page shows now. */
  private isWanted(header: FrameHeader): boolean {
    const { session, thread, metric } = this.store;
    return (
      header.session === session?.id &&
      header.thread === thread &&
      metricOf(header).id === metric
    );
  }

  private onFlame(frame: FlameFrame): void {
    if (!this.isWanted(frame.header) || this.store.layout === "sandwich") return;
    if (!this.isComparison(frame)) return;
    this.actions.header(frame.header);
    const { paused, held } = this.store;
    if (this.expectFlame || !(paused || held)) this.showFlame(frame);
    else if (held && !paused) this.waiting = frame;
  }

  /** Halves of a sandwich come together, the callers first. */
  private onHalf(half: "callers" | "callees", frame: FlameFrame): void {
    const { store } = this;
    if (!this.isWanted(frame.header) || store.layout !== "sandwich") return;
    this.actions.header(frame.header);
    if (!this.expectFlame && (store.paused || store.held)) return;
    store[half] = frame;
    if (half === "callers") return;
    this.expectFlame = false;
    this.actions.live();
    store.changed("flame");
    this.forgetError();
    if (store.view.to - store.view.from < 1) this.askSoon();
  }

  private showFlame(frame: FlameFrame): void {
    this.expectFlame = false;
    this.waiting = null;
    this.store.flame = frame;
    this.actions.live();
    this.store.changed("flame");
    this.forgetError();
    if (this.store.view.to - this.store.view.from < 1) this.askSoon();
  }

  private onDurations(frame: DurationsFrame): void {
    if (!this.isWanted(frame.header) || (this.store.paused && !this.expectDurations)) return;
    this.expectDurations = false;
    this.store.durations = frame;
    this.store.changed("durations");
    this.askSlowest();
  }

  private onTable(frame: TableFrame): void {
    if (!this.isWanted(frame.header) || (this.store.paused && !this.expectTable)) return;
    this.expectTable = false;
    this.store.table = frame;
    this.actions.modules(
      new Map(frame.rows.filter(({ file }) => file !== "").map(({ name, file }) => [name, file])),
    );
    this.store.changed("table");
  }

  private onMemory(frame: MemoryFrame): void {
    if (!this.isWanted(frame.header) || (this.store.paused && !this.expectMemory)) return;
    this.expectMemory = false;
    this.store.memory = frame;
    this.store.changed("memory");
  }

  /** The view stays as it is, and the frames are of the last text that made sense. */
  private onFault(fault: Fault): void {
    if (fault.field !== "search") return this.onError(`${fault.field}: ${fault.message}`);
    this.searches.refuse(fault);
    this.store.fault = this.searches.fault(this.store.view.search);
    this.askSoon();
    this.store.changed("view");
  }

  /** Once there was time to read it: a picture that comes right behind it is no answer to it. */
  private forgetError(): void {
    if (this.store.error !== "" && performance.now() - this.erredAt > ERROR_MS) this.onError("");
  }

  private onError(message: string): void {
    this.store.error = message;
    this.erredAt = performance.now();
    this.store.changed("connection");
  }
}
