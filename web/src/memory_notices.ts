// SPDX-License-Identifier: MIT OR Apache-2.0
/** What makes figures of memory less than exact, in words. */
import { bytes, count, plural } from "./format.ts";
import type { MemoryFrame } from "./memory_frame.ts";
import { isRunning, type Session } from "./sessions.ts";

export interface Notice {
  kind: "warn" | "info";
  text: string;
}

/** What must be known of a program's memory before its figures are trusted. */
export function memoryNotices(memory: MemoryFrame, session: Session): Notice[] {
  return [...missing(memory, session), ...leftOut(memory)];
}

/** What should have been recorded and wasn't. */
function missing(memory: MemoryFrame, session: Session): Notice[] {
  const { lost, untracked, displaced, ownMalloc } = memory;
  const { pauses = 0, lostTraces = 0, adopted = false, late = false } = session.memory ?? {};
  const notices: Notice[] = [];
  if (lost > 0)
    notices.push({
      kind: "warn",
      text: `${plural(lost, "allocation or free", "allocations and frees")} lost: what is live and what leaked may be off by as many.`,
    });
  if (untracked > 0)
    notices.push({
      kind: "warn",
      text: `More blocks are live than thagd may follow: ${plural(untracked, "allocation")} counted, but whether they were freed is not known.`,
    });
  if (ownMalloc)
    notices.push({
      kind: "warn",
      text: "The program has a malloc of its own that comes before thag's: what it allocates by that is not seen.",
    });
  if (adopted)
    notices.push({
      kind: "info",
      text: "thagd was restarted while the program ran: what was allocated before that is not known.",
    });
  if (late)
    notices.push({
      kind: "info",
      text: "The recording began while the program ran: what was allocated before that is not known, and frees of it are of unknown blocks.",
    });
  if (pauses > 0)
    notices.push({
      kind: "info",
      text: `Memory was switched off ${pauses === 1 ? "once" : `${count(pauses)} times`}: blocks that were freed meanwhile count as live.`,
    });
  if (lostTraces > 0)
    notices.push({
      kind: "info",
      text: `${plural(lostTraces, "native stack")} found no room, or could not be walked: their allocations count at what is known of them.`,
    });
  if (displaced > 0)
    notices.push({
      kind: "info",
      text: `${plural(displaced, "block was", "blocks were")} freed unseen, as their places were given out again: until then they counted as live.`,
    });
  if (isRunning(session) && session.active === "time")
    notices.push({
      kind: "info",
      text: "Memory isn't recorded now: blocks that are freed meanwhile count as live.",
    });
  return notices;
}

/** What was not to be recorded. */
function leftOut({ sampleBytes, sizeThreshold, skipped, skippedBytes }: MemoryFrame): Notice[] {
  const notices: Notice[] = [];
  if (sampleBytes > 0)
    notices.push({
      kind: "info",
      text: `Sampled, about once in ${bytes(sampleBytes)} allocated: all figures of memory are estimates.`,
    });
  if (sizeThreshold > 0)
    notices.push({
      kind: "info",
      text: `Only allocations larger than ${bytes(sizeThreshold)} are recorded: ${count(skipped)} others, ${bytes(skippedBytes)} in all, are not in the figures.`,
    });
  return notices;
}
