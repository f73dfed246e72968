// SPDX-License-Identifier: MIT OR Apache-2.0
/** The list of sessions as thagd sends it. */

export const STATES = ["live", "idle", "ended", "crashed", "lost", "recorded", "opening"] as const;
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
  /** It is of a recording that began while the program ran. */
  late: boolean;
  /** What thagd says of the above in words. */
  notes: string[];
  /** How often recording of memory was switched off. */
  pauses: number;
  /** Native stacks that found no room, or could not be walked. */
  lostTraces: number;
}

/** The file that a session goes to, or went or came from. */
export interface Recording {
  file: string;
  /** What stopped it, "" for nothing. */
  error: string;
  /** Whether what the program does now is in it. */
  on: boolean;
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
  /** Whether thagd keeps what happened when. */
  timeline: boolean;
  files: string[];
  message: string;
  /** What was to be recorded when it started. */
  modes: Kinds;
  /** What is recorded now, or was at last. */
  active: Kinds;
  /** What the user has asked for and the program hasn't heeded yet; null: nothing. */
  wished: Kinds | null;
  /** How much of its recording was read: 0 to 1. */
  read: number;
  /** Its user ends it, and its program hasn't heeded that yet. */
  ending: boolean;
  /** What went wrong in the program's use of thag, in words. */
  mistakes: string[];
  /** Null: it is in no file. */
  recording: Recording | null;
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
    late: fields["late"] === true,
    notes: list(fields["notes"]).map(text),
    pauses: number(fields["pauses"]),
    lostTraces: number(fields["lost_traces"]),
  };
}

function readRecording(value: unknown): Recording | null {
  if (typeof value !== "object" || value === null) return null;
  const fields = value as Fields;
  return { file: text(fields["file"]), error: text(fields["error"]), on: fields["on"] === true };
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
    timeline: fields["timeline"] !== false,
    files: list(fields["files"]).map(text),
    message: text(fields["message"]),
    modes: kinds(fields["modes"]) ?? "time",
    active: kinds(fields["active"]) ?? "time",
    wished: kinds(fields["wished"]),
    read: number(fields["expected"]) > 0 ? Math.min(1, number(fields["events"]) / number(fields["expected"])) : 1,
    ending: fields["ending"] === true,
    mistakes: list(fields["mistakes"]).map(text),
    recording: readRecording(fields["recording"]),
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

/** Whether what its program does now goes to a file. */
export function isRecorded(session: Session): boolean {
  return isRunning(session) && session.recording !== null && session.recording.on;
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

/** Whether its calls are still being read from a recording. */
export function isOpening({ state }: Session): boolean {
  return state === "opening";
}

/** Its state in words: "live", "recording off", "ending …", "ended", "crashed by SIGSEGV". */
export function stateText(session: Session): string {
  if (session.ending && isRunning(session)) return "ending …";
  if (isPaused(session)) return "recording off";
  if (isOpening(session)) return `opening, ${Math.floor(session.read * 100)}\u202f%`;
  if (session.signal === "") return session.state;
  const how = session.state === "recorded" ? "recorded, killed" : session.state;
  return `${how} by ${session.signal}`;
}

/** What its dot stands for. */
export function stateMark(session: Session): string {
  return isPaused(session) ? "paused" : session.state;
}
