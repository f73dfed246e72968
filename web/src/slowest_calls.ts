// SPDX-License-Identifier: MIT OR Apache-2.0
/** The longest calls of a function, as thagd tells them. */

/** Times are nanoseconds of the session. */
export interface SlowCall {
  start: number;
  duration: number;
  ring: number;
  tid: number;
}

export interface SlowestCalls {
  session: string;
  /** As a frame's functionId. */
  function: string;
  /** The longest first. */
  calls: SlowCall[];
}

const MOST = 100;

function whole(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
}

/** What a message says; what makes no sense in it counts as nothing. */
export function readSlowest(message: Record<string, unknown>): SlowestCalls {
  const { session, calls } = message;
  const known = Array.isArray(calls) ? calls.slice(0, MOST) : [];
  return {
    session: String(session),
    function: String(message["function"]),
    calls: known
      .filter((call) => typeof call === "object" && call !== null)
      .map((call: Record<string, unknown>) => ({
        start: whole(call["start"]),
        duration: whole(call["duration"]),
        ring: whole(call["ring"]),
        tid: whole(call["tid"]),
      })),
  };
}
