// SPDX-License-Identifier: MIT OR Apache-2.0
/** What a flamegraph's widths can show; see enum thag_metric of proto/thag/frames.h. */
import { bytes, count, exact, exactBytes, exactTime, time } from "./format.ts";
import type { FrameHeader } from "./message.ts";
import { hasMemory, hasTime, isRunning, type Session } from "./sessions.ts";
import type { View } from "./url.ts";

/** In the order of the enum. */
export const METRIC_IDS = [
  "time",
  "allocated",
  "allocations",
  "live",
  "peak",
  "leaked",
  "temporary",
  "freed",
] as const;
export type MetricId = (typeof METRIC_IDS)[number];

type Unit = "time" | "bytes" | "count";

export interface Metric {
  id: MetricId;
  unit: Unit;
  /** In the switch. */
  name: string;
  /** What the numbers are, for the line at the bottom. */
  about: string;
}

const METRICS: Readonly<{ [id in MetricId]: Omit<Metric, "id"> }> = {
  time: { unit: "time", name: "Time", about: "wall time" },
  allocated: {
    unit: "bytes",
    name: "Allocated bytes",
    about: "bytes allocated, where that was done",
  },
  allocations: {
    unit: "count",
    name: "Allocations",
    about: "number of allocations, where they were made",
  },
  live: { unit: "bytes", name: "Live now", about: "bytes live, where they were allocated" },
  peak: {
    unit: "bytes",
    name: "Live at the peak",
    about: "bytes live when most were, where they were allocated",
  },
  leaked: {
    unit: "bytes",
    name: "Leaked",
    about: "bytes never freed, where they were allocated",
  },
  temporary: {
    unit: "count",
    name: "Temporary",
    about: "number of allocations freed before their thread's next one",
  },
  freed: { unit: "bytes", name: "Freed, by whom", about: "bytes freed, where that was done" },
};

export function metric(id: MetricId): Metric {
  return { id, ...METRICS[id] };
}

/** What a frame counts; what this page doesn't know counts as time. */
export function metricOf(header: FrameHeader): Metric {
  return metric(METRIC_IDS[header.metric] ?? "time");
}

/** What a metric is called: a block isn't leaked as long as the program may still free it. */
export function metricName(id: MetricId, running: boolean): string {
  return id === "leaked" && running ? "Not freed so far" : METRICS[id].name;
}

/** A number of a metric with its unit. */
export function amount({ unit }: Metric, value: number): string {
  if (unit === "time") return time(value);
  return unit === "bytes" ? bytes(value) : count(value);
}

/** The same to the last digit. */
export function exactAmount({ unit }: Metric, value: number): string {
  if (unit === "time") return exactTime(value);
  return unit === "bytes" ? exactBytes(value) : exact(value);
}

/** The metrics that a session has. */
export function metricsOf(session: Session | null): MetricId[] {
  if (session === null || !hasMemory(session)) return ["time"];
  return METRIC_IDS.filter((id) => id !== "time" || hasTime(session));
}

/** The metric that a view shows of a session: what it names, or the first thing there is. */
export function chosenMetric(view: View, session: Session | null): MetricId {
  const known = metricsOf(session);
  const usable = view.layout === "memory" ? known.filter((id) => id !== "time") : known;
  const wanted = usable.find((id) => id === view.metric);
  return wanted ?? usable[0] ?? "time";
}

/** What to call blocks of a session that are not freed. */
export function leakName(session: Session | null): string {
  return metricName("leaked", session !== null && isRunning(session));
}
