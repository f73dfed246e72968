// SPDX-License-Identifier: MIT OR Apache-2.0
/** What time it is in the session shown, between what thagd tells of it. */
import { isRunning, type Session } from "./sessions.ts";

/** What was sent longer ago, by the clock here, means that this clock is wrong. */
const LATE_NS = 2e9;

export class SessionClock {
  private told = { session: "", ns: 0, at: 0 };

  /** A session had been there for `ns` nanoseconds when this was sent; `at`: now, milliseconds. */
  tell(session: string, ns: number, at: number): void {
    const late = this.ns(at) - ns;
    if (this.told.session === session && late >= 0 && late < LATE_NS) return;
    this.told = { session, ns, at };
  }

  /** Nanoseconds that a session has been there, at `at`; of one that is over, as long as it was. */
  now(session: Session, at: number): number {
    if (!isRunning(session)) return session.durationNs;
    this.tell(session.id, session.durationNs, at);
    return Math.round(this.ns(at));
  }

  private ns(at: number): number {
    return this.told.ns + (at - this.told.at) * 1e6;
  }
}
