// SPDX-License-Identifier: MIT OR Apache-2.0
/** What the session shown is compared with. */
import { hasRange, rangeText } from "./range.ts";
import { type MetricId, metricsOf } from "./metric.ts";
import { display } from "./names.ts";
import type { Session } from "./sessions.ts";
import type { View } from "./url.ts";

/** A session, and the part of it in nanoseconds since it began; both 0: all of it. */
export interface Base {
  id: string;
  from: number;
  to: number;
}

/** The sessions, but the one shown, that have a metric, the newest first. */
export function comparable(session: Session, sessions: readonly Session[], metric: MetricId): Session[] {
  return sessions.filter((other) => other.id !== session.id && metricsOf(other).includes(metric));
}

/**
 * As the view says; or the last run of the same program before it; or of a range the whole run. Null
 * when there is nothing to compare with.
 */
export function chosenBase(
  view: View,
  session: Session | null,
  sessions: readonly Session[],
  metric: MetricId,
): Base | null {
  if (session === null) return null;
  if (view.base !== "") return { id: view.base, from: view.baseFrom, to: view.baseTo };
  const at = sessions.findIndex(({ id }) => id === session.id);
  const earlier = comparable(session, sessions.slice(at + 1), metric);
  const before = earlier.find(({ program }) => program === session.program);
  if (before !== undefined) return { id: before.id, from: 0, to: 0 };
  return hasRange(view) ? { id: session.id, from: 0, to: 0 } : null;
}

/** A session and its range in words; `from` alone: from then on. */
export function baseText(session: Session, from: number, to: number): string {
  const name = `${display(session.program)} ${session.pid}`;
  return from > 0 || to > 0 ? `${name}, ${rangeText(from, to)}` : name;
}
