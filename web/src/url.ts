// SPDX-License-Identifier: MIT OR Apache-2.0
/** What is looked at, and its form in the address: everything after `#`, so that it can be shared and reloaded. */

import { COLOR_BY, type ColorBy } from "./color.ts";
import { DIFF_MODES, type DiffMode } from "./diff.ts";
import { METRIC_IDS, type MetricId } from "./metric.ts";
import { hasRange, NO_RANGE } from "./range.ts";
import { NO_SIEVE, parseSieve, putSieve, type Sieve } from "./sieve.ts";

export const LAYOUTS = ["split", "flame", "functions", "memory", "sandwich", "chart", "diff"] as const;
export type Layout = (typeof LAYOUTS)[number];

/** The columns of tables: those of times first, which thagd can sort by as well. */
export const TIME_SORTS = ["name", "self", "total", "calls", "mean", "p50", "p99", "max"] as const;
export const SORTS = [
  ...TIME_SORTS,
  "allocated",
  "allocations",
  "live",
  "peak",
  "leaked",
  "blocks",
  "temporary",
  "reallocations",
  "freed",
  "lifetime",
] as const;
export type Sort = (typeof SORTS)[number];

/** Call paths of memory: profiled calls, native stacks, or "": stacks if there are any. */
export const TREES = ["", "calls", "traces"] as const;
export type Tree = (typeof TREES)[number];

/** What the page shows. */
export interface View extends Sieve {
  /** The session's id, "" for the newest one, whichever it is. */
  session: string;
  /** Kernel thread id, 0: all merged. */
  thread: number;
  /** Node id in 16 hex digits, "" for the root. */
  focus: string;
  /** The part of the focus that is seen, 0 to 1. */
  from: number;
  to: number;
  /** The function, 16 hex digits, of the sandwich; "" for none. */
  function: string;
  /** The function, likewise, whose source is open; "" for none. */
  source: string;
  search: string;
  /** What the widths show, "" for what there is first. */
  metric: MetricId | "";
  by: Tree;
  /** Nanoseconds of the session that is shown of it; both 0: all; the end alone 0: from then on. */
  rangeFrom: number;
  rangeTo: number;
  /** The flamechart's window, nanoseconds of the session; both 0: the newest, or all. */
  spanFrom: number;
  spanTo: number;
  /** How much of the newest the flamechart shows: nanoseconds, 0 for as much as usual, -1 for all. */
  last: number;
  /** The session that the one shown is compared with, "" for the run before it … */
  base: string;
  /** … and which nanoseconds of it; both 0: all. */
  baseFrom: number;
  baseTo: number;
  /** What the colours of a difference tell. */
  mode: DiffMode;
  layout: Layout;
  sort: Sort;
  ascending: boolean;
  raw: boolean;
  /** Root at the bottom. */
  flipped: boolean;
  /** Siblings with most first, not by name. */
  heavy: boolean;
  /** What colours stand for. */
  colorBy: ColorBy;
}

export const DEFAULT_VIEW: Readonly<View> = {
  session: "",
  thread: 0,
  focus: "",
  from: 0,
  to: 1,
  function: "",
  source: "",
  search: "",
  metric: "",
  by: "",
  ...NO_RANGE,
  spanFrom: 0,
  spanTo: 0,
  last: 0,
  base: "",
  baseFrom: 0,
  baseTo: 0,
  mode: "absolute",
  layout: "split",
  sort: "self",
  ascending: false,
  raw: false,
  flipped: false,
  heavy: false,
  colorBy: "module",
  ...NO_SIEVE,
};

function oneOf<T extends string, D extends string>(
  values: readonly T[],
  text: string | null,
  otherwise: D,
): T | D {
  return values.find((value) => value === text) ?? otherwise;
}

function parseWindow(text: string | null): Pick<View, "from" | "to"> {
  const [from, to] = (text ?? "").split("-").map(Number);
  const valid = from !== undefined && to !== undefined && from >= 0 && to <= 1 && to - from > 1e-9;
  return valid ? { from, to } : { from: 0, to: 1 };
}

/** The longest range is that of the numbers that are exact: 104 days. Without an end it goes on. */
function parseRange(fields: URLSearchParams): Pick<View, "rangeFrom" | "rangeTo"> {
  const from = Number(fields.get("from") ?? "0");
  const to = Number(fields.get("to") ?? "0");
  if (!fields.has("to") && Number.isSafeInteger(from) && from > 0) return { rangeFrom: from, rangeTo: 0 };
  const valid = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && to > from;
  return valid ? { rangeFrom: from, rangeTo: to } : { rangeFrom: 0, rangeTo: 0 };
}

/** The flamechart's window: "FROM-TO" in nanoseconds, or how much of the newest. */
function parseSpan(fields: URLSearchParams): Pick<View, "spanFrom" | "spanTo" | "last"> {
  const [from, to] = (/^\d+-\d+$/.exec(fields.get("at") ?? "")?.[0] ?? "").split("-").map(Number);
  const last = fields.get("last") === "all" ? -1 : Number(fields.get("last") ?? "0");
  const valid = Number.isSafeInteger(from) && Number.isSafeInteger(to) && Number(to) > Number(from);
  return {
    spanFrom: valid ? Number(from) : 0,
    spanTo: valid ? Number(to) : 0,
    last: Number.isSafeInteger(last) && last >= -1 ? last : 0,
  };
}

/** What is compared with: "SESSION", or "SESSION,FROM,TO" in nanoseconds. */
export function parseBase(text: string): Pick<View, "base" | "baseFrom" | "baseTo"> {
  const [, base, from, to] = /^(\d{1,19})(?:,(\d+),(\d+))?$/.exec(text) ?? [];
  const [start, end] = [Number(from ?? "0"), Number(to ?? "0")];
  const valid = Number.isSafeInteger(start) && Number.isSafeInteger(end) && end > start;
  return { base: base ?? "", baseFrom: valid ? start : 0, baseTo: valid ? end : 0 };
}

export function formatBase(id: string, from: number, to: number): string {
  return to > 0 ? `${id},${from},${to}` : id;
}

/** The view an address names; what is missing or wrong gets its default. */
export function parseView(hash: string): View {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const thread = Number(fields.get("thread"));
  const focus = fields.get("focus") ?? "";
  const session = fields.get("session") ?? "";
  const id = fields.get("function") ?? "";
  const source = fields.get("source") ?? "";
  return {
    session: /^\d{1,20}$/.test(session) ? session : "",
    thread: Number.isInteger(thread) && thread > 0 ? thread : 0,
    focus: /^[0-9a-f]{16}$/.test(focus) ? focus : "",
    ...parseWindow(fields.get("window")),
    function: /^[0-9a-f]{16}$/.test(id) ? id : "",
    source: /^[0-9a-f]{16}$/.test(source) ? source : "",
    search: fields.get("search") ?? "",
    metric: oneOf(METRIC_IDS, fields.get("metric"), DEFAULT_VIEW.metric),
    by: oneOf(TREES, fields.get("by"), DEFAULT_VIEW.by),
    ...parseRange(fields),
    ...parseSpan(fields),
    ...parseBase(fields.get("base") ?? ""),
    mode: oneOf(DIFF_MODES, fields.get("mode"), DEFAULT_VIEW.mode),
    layout: oneOf(LAYOUTS, fields.get("view"), DEFAULT_VIEW.layout),
    sort: oneOf(SORTS, fields.get("sort"), DEFAULT_VIEW.sort),
    ascending: fields.get("order") === "ascending",
    raw: fields.get("times") === "raw",
    flipped: fields.get("root") === "bottom",
    heavy: fields.get("siblings") === "heavy",
    colorBy: oneOf(COLOR_BY, fields.get("colours"), DEFAULT_VIEW.colorBy),
    ...parseSieve(fields),
  };
}

/** The address of a view, "" or from `#` on; defaults are left out. */
export function formatView(view: View): string {
  const fields = new URLSearchParams();
  const put = (key: string, value: string, given: boolean): void => {
    if (given) fields.set(key, value);
  };
  put("session", view.session, view.session !== "");
  put("thread", String(view.thread), view.thread !== 0);
  put("focus", view.focus, view.focus !== "");
  put("window", `${view.from.toFixed(6)}-${view.to.toFixed(6)}`, view.from > 0 || view.to < 1);
  put("function", view.function, view.function !== "");
  put("source", view.source, view.source !== "");
  put("search", view.search, view.search !== "");
  put("metric", view.metric, view.metric !== "");
  put("by", view.by, view.by !== "");
  put("from", String(view.rangeFrom), hasRange(view));
  put("to", String(view.rangeTo), view.rangeTo > 0);
  put("at", `${view.spanFrom}-${view.spanTo}`, view.spanTo > 0);
  put("last", view.last < 0 ? "all" : String(view.last), view.last !== 0);
  put("base", formatBase(view.base, view.baseFrom, view.baseTo), view.base !== "");
  put("mode", view.mode, view.mode !== DEFAULT_VIEW.mode);
  put("view", view.layout, view.layout !== DEFAULT_VIEW.layout);
  put("sort", view.sort, view.sort !== DEFAULT_VIEW.sort);
  put("order", "ascending", view.ascending);
  put("times", "raw", view.raw);
  put("root", "bottom", view.flipped);
  put("siblings", "heavy", view.heavy);
  put("colours", view.colorBy, view.colorBy !== DEFAULT_VIEW.colorBy);
  putSieve(view, fields);
  const text = fields.toString();
  return text === "" ? "" : `#${text}`;
}
