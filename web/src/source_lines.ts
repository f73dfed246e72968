// SPDX-License-Identifier: MIT OR Apache-2.0
/** The source of a function, as thagd tells it, and what is known of its lines. */
import type { FunctionRow } from "./table_frame.ts";

/** Which lines are asked for; see proto/thag/frames.h. */
export interface SourceRequest {
  session: string;
  /** As a frame's functionId. */
  function: string;
  place: number;
  /** From 1; 0: where the function is. */
  first: number;
  count: number;
  metric: string;
  by?: string;
  from: number;
  to: number;
}

/** A function or section that begins at a line; `shared`: others of its name begin elsewhere. */
export interface SourceStart {
  line: number;
  function: string;
  shared: boolean;
}

/** What native stacks that go through a line did; `own`: of `value`, what places at it did. */
export interface LineMemory {
  line: number;
  value: number;
  own: number;
  allocatedBytes: number;
  allocations: number;
  liveBytes: number;
  live: number;
}

export interface Source {
  session: string;
  function: string;
  place: number;
  /** Where it is; `begins`: that is its first line, else a call is there. */
  places: { file: string; line: number; begins: boolean }[];
  path: string;
  beside: boolean;
  changed: boolean;
  first: number;
  /** Of the whole file. */
  lineCount: number;
  lines: string[];
  starts: SourceStart[];
  /** Null where the metric isn't of native stacks. */
  memory: LineMemory[] | null;
  /** Why there are no lines; "" when there are. */
  error: string;
}

/** The most lines of one answer: THAG_SOURCE_LINES_MAX. */
export const MOST_LINES = 1000;
const MOST_PLACES = 16;

type Fields = Record<string, unknown>;

function whole(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
}

function objects(value: unknown, most: number): Fields[] {
  const list: unknown[] = Array.isArray(value) ? value.slice(0, most) : [];
  return list.filter((entry): entry is Fields => typeof entry === "object" && entry !== null);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function readLine(entry: Fields): LineMemory {
  return {
    line: whole(entry["line"]),
    value: whole(entry["value"]),
    own: whole(entry["own"]),
    allocatedBytes: whole(entry["allocated_bytes"]),
    allocations: whole(entry["allocations"]),
    liveBytes: whole(entry["live_bytes"]),
    live: whole(entry["live"]),
  };
}

/** What a message says; what makes no sense in it counts as nothing. */
export function readSource(message: Fields): Source {
  const { lines, memory } = message;
  return {
    session: text(message["session"]),
    function: text(message["function"]),
    place: whole(message["place"]),
    places: objects(message["places"], MOST_PLACES).map((place) => ({
      file: text(place["file"]),
      line: whole(place["line"]),
      begins: place["begins"] === true,
    })),
    path: text(message["path"]),
    beside: message["beside"] === true,
    changed: message["changed"] === true,
    first: whole(message["first"]),
    lineCount: whole(message["line_count"]),
    lines: Array.isArray(lines) ? lines.slice(0, MOST_LINES).map(text) : [],
    starts: objects(message["starts"], MOST_LINES).map((start) => ({
      line: whole(start["line"]),
      function: text(start["function"]),
      shared: start["shared"] === true,
    })),
    memory: Array.isArray(memory) ? objects(memory, MOST_LINES).map(readLine) : null,
    error: text(message["error"]),
  };
}

/** What is known of a line, in what the metric counts, and beside it. */
export interface LineCost {
  total: number;
  self: number;
  /** Of the function that begins there; null at a line that stacks go through. */
  calls: number | null;
  /** Null with times. */
  memory: Pick<LineMemory, "allocatedBytes" | "allocations" | "liveBytes" | "live"> | null;
  /** The function that begins there; "" at a line that stacks go through. */
  name: string;
  /** The numbers are of all functions of that name. */
  shared: boolean;
  /** Other functions begin at the same line. */
  crowded: boolean;
}

function costOfRow(row: FunctionRow, shared: boolean): LineCost {
  return { total: row.total, self: row.self, calls: row.calls, memory: row.heap, name: row.name, shared, crowded: false };
}

function costOfMemory(memory: LineMemory): LineCost {
  return { total: memory.value, self: memory.own, calls: null, memory, name: "", shared: false, crowded: false };
}

/** Others are in stacks that did something else, such as to free what was allocated. */
function allocates({ value, allocations, live }: LineMemory): boolean {
  return value > 0 || allocations > 0 || live > 0;
}

/**
 * The lines whose cost is known: those that native stacks go through, or those where functions
 * begin. Of several that begin at one line, as instances of a template do, the one asked for
 * counts, else that with most.
 */
export function costsOf(source: Source, rows: readonly FunctionRow[]): Map<number, LineCost> {
  if (source.memory !== null)
    return new Map(source.memory.filter(allocates).map((memory) => [memory.line, costOfMemory(memory)]));
  const costs = new Map<number, LineCost>();
  const byId = new Map(rows.map((row) => [row.id, row]));
  const asked = byId.get(source.function);
  for (const { line, function: id, shared } of source.starts) {
    const row = byId.get(id);
    const known = costs.get(line);
    if (row === undefined) continue;
    const kept = known !== undefined && (known.name === asked?.name || (row !== asked && known.total >= row.total));
    const cost = kept ? known : costOfRow(row, shared);
    costs.set(line, { ...cost, crowded: known !== undefined });
  }
  return costs;
}
