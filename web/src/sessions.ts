// SPDX-License-Identifier: MIT OR Apache-2.0
/** The list of sessions as thagd sends it. */

export const STATES = ["live", "idle", "ended", "crashed", "lost", "recorded"] as const;
export type State = (typeof STATES)[number];

/** What a program records. */
export const KINDS = ["none", "time", "memory", "both"] as const;
export type Kinds = (typeof KINDS)[number];

export interface Thread {
  tid: number;
  calls: number;
  ended: boolean;
  /** What the program calls it, "" for nothing. */
  name: string;
}

/** What the list tells of a session's memory. */
export interface MemoryFacts {
  allocations: number;
  /** Of the session's lost events, those of memory. */
  lost: number;
  /** thagd was restarted since: blocks of before are unknown to it. */
  adopted: boolean;
  /** What thagd says of the above in words. */
  notes: string[];
  /** How often recording of memory was switched off. */
  pauses: number;
  /** Native stacks that found no room, or could not be walked. */
  lostTraces: number;
}

/** One profiled run of a program. */
export interface Session {
  id: string;
  program: string;
  pid: number;
  state: State;
  signal: string;
  start: Date;
  durationNs: number;
  events: number;
  lost: number;
  truncated: number;
  threads: Thread[];
  argv: string[];
  files: string[];
  message: string;
  /** What was to be recorded when it started. */
  modes: Kinds;
  /** What is recorded now, or was at last. */
  active: Kinds;
  /** What the user has asked for and the program hasn't heeded yet; null: nothing. */
  wished: Kinds | null;
  /** What went wrong in the program's use of thag, in words. */
  mistakes: string[];
  /** Null: none was recorded. */
  memory: MemoryFacts | null;
}

type Fields = Record<string, unknown>;

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function kinds(value: unknown): Kinds | null {
  return KINDS.find((name) => name === value) ?? null;
}

function readThread(value: unknown): Thread {
  const fields = value as Fields;
  return {
    tid: number(fields["tid"]),
    calls: number(fields["calls"]),
    ended: fields["ended"] === true,
    name: text(fields["name"]),
  };
}

function readMemoryFacts(value: unknown): MemoryFacts | null {
  if (typeof value !== "object" || value === null) return null;
  const fields = value as Fields;
  return {
    allocations: number(fields["allocations"]),
    lost: number(fields["lost"]),
    adopted: fields["adopted"] === true,
    notes: list(fields["notes"]).map(text),
    pauses: number(fields["pauses"]),
    lostTraces: number(fields["lost_traces"]),
  };
}

function readSession(value: unknown): Session {
  const fields = value as Fields;
  return {
    id: text(fields["id"]),
    program: text(fields["program"]),
    pid: number(fields["pid"]),
    state: STATES.find((state) => state === fields["state"]) ?? "ended",
    signal: text(fields["signal"]),
    start: new Date(text(fields["start"])),
    durationNs: number(fields["duration_ns"]),
    events: number(fields["events"]),
    lost: number(fields["lost"]),
    truncated: number(fields["truncated"]),
    threads: list(fields["threads"]).map(readThread),
    argv: list(fields["argv"]).map(text),
    files: list(fields["files"]).map(text),
    message: text(fields["message"]),
    modes: kinds(fields["modes"]) ?? "time",
    active: kinds(fields["active"]) ?? "time",
    wished: kinds(fields["wished"]),
    mistakes: list(fields["mistakes"]).map(text),
    memory: readMemoryFacts(fields["memory"]),
  };
}

/** The sessions of a message, the newest first. */
export function readSessions(value: unknown): Session[] {
  const sessions = list(value).filter((entry) => typeof entry === "object" && entry !== null);
  return sessions
    .map(readSession)
    .sort((a, b) => newness(b) - newness(a) || Number(b.id) - Number(a.id));
}

function newness(session: Session): number {
  const started = session.start.getTime();
  return Number.isNaN(started) ? 0 : started;
}

/** Whether its program still runs, as far as thagd knows. */
export function isRunning({ state }: Session): boolean {
  return state === "live" || state === "idle";
}

/** Whether its program runs with recording switched off. */
export function isPaused(session: Session): boolean {
  return isRunning(session) && session.active === "none";
}

/** Whether there are times of it, or will be. */
export function hasTime(session: Session): boolean {
  const { modes, active } = session;
  const timed = [modes, active].some((kinds) => kinds === "time" || kinds === "both");
  return timed || !hasMemory(session);
}

/** Whether there is memory of it, or will be. */
export function hasMemory({ modes, active, memory }: Session): boolean {
  const meant = [modes, active].some((kinds) => kinds === "memory" || kinds === "both");
  return meant || (memory !== null && memory.allocations > 0);
}

/** Its state in words: "live", "recording off", "ended", "crashed by SIGSEGV". */
export function stateText(session: Session): string {
  if (isPaused(session)) return "recording off";
  if (session.signal === "") return session.state;
  const how = session.state === "recorded" ? "recorded, killed" : session.state;
  return `${how} by ${session.signal}`;
}

/** What its dot stands for. */
export function stateMark(session: Session): string {
  return isPaused(session) ? "paused" : session.state;
}
