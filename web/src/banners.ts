// SPDX-License-Identifier: MIT OR Apache-2.0
/** What the user must know before trusting the numbers: losses, limits, a daemon that is gone. */
import { byId, el, setText } from "./dom.ts";
import { count, exact, plural, share } from "./format.ts";
import { isCapped } from "./message.ts";
import { display } from "./names.ts";
import { memoryNotices } from "./memory_notices.ts";
import { isOpening, isPaused, isRunning, type Kinds, type Session } from "./sessions.ts";
import type { Store } from "./store.ts";

interface Banner {
  kind: "gone" | "warn" | "info";
  text: string;
  /** A button that goes with it: shows a session, or has the program record something. */
  action?: { text: string; session: string } | { text: string; kinds: Kinds };
}

export interface BannerActions {
  choose(session: string): void;
  record(kinds: Kinds): void;
}

/** A program that heeds what it is told does so before this. */
const HEED_MS = 800;

function connectionBanners({ connection, error, sessions }: Store): Banner[] {
  const banners: Banner[] = [];
  if (connection === "gone")
    banners.push({
      kind: "gone",
      text:
        sessions.length > 0
          ? "thagd is gone. What it sent is kept here; start thagd again and this page goes on by itself."
          : "thagd does not answer. Start it with thagd; this page connects by itself.",
    });
  if (error !== "") banners.push({ kind: "warn", text: error });
  return banners;
}

/** Recording that is off, or that the program has been told to change and hasn't yet. */
function recordBanners({ session, connection }: Store, waitingMs: number): Banner[] {
  if (session === null || !isRunning(session) || session.ending || connection !== "open") return [];
  if (session.wished !== null && waitingMs >= HEED_MS)
    return [
      {
        kind: "info",
        text: `The program has made no event since recording was switched ${session.wished === "none" ? "off" : "on"}: it takes effect at its next one.`,
      },
    ];
  if (!isPaused(session)) return [];
  const kinds = session.modes === "none" ? "both" : session.modes;
  return [
    {
      kind: "info",
      text: "Recording is off. The program runs on; what it does now is not in the profile.",
      action: { text: "Switch it on", kinds },
    },
  ];
}

/** A recording of which not all calls were read. */
function openingBanners({ session }: Store): Banner[] {
  if (session === null || !isOpening(session)) return [];
  const chart = session.timeline ? " The chart has all of them, and so have ranges of time." : "";
  return [
    { kind: "info", text: `The recording is being read: ${Math.floor(session.read * 100)}\u202f% of its events are in these figures so far.${chart}` },
  ];
}

function lossBanners({ session, flame }: Store): Banner[] {
  if (session === null) return [];
  const banners: Banner[] = [];
  const header = flame?.header.session === session.id ? flame.header : null;
  const lost = Math.max(session.lost, header?.lost ?? 0) - (session.memory?.lost ?? 0);
  const events = Math.max(session.events, header?.events ?? 0);
  const truncated = Math.max(session.truncated, header?.truncated ?? 0);
  if (lost > 0)
    banners.push({
      kind: "warn",
      text: `${plural(lost, "event")} lost, ${share(lost, lost + events)} of all: those calls are missing here, their time counts as their callers'.`,
    });
  if (truncated > 0)
    banners.push({
      kind: "info",
      text: `${truncated === 1 ? "1 call was" : `${count(truncated)} calls were`} still running when the thread, the program or its session ended: their time ends there.`,
    });
  if (header !== null && isCapped(header))
    banners.push({
      kind: "warn",
      text: "A memory limit was reached: some calls count under “<overflow>”.",
    });
  for (const mistake of session.mistakes) banners.push({ kind: "info", text: display(mistake) });
  if (session.message !== "" && !isSaid(session)) banners.push({ kind: "info", text: display(session.message) });
  return banners;
}

/** Whether thagd's message is one on memory, which is told where memory is shown. */
function isSaid({ memory, message }: Session): boolean {
  return memory?.notes.includes(message) ?? false;
}

function memoryBanners({ session, memory, metric }: Store): Banner[] {
  if (session === null || memory === null || memory.header.session !== session.id) return [];
  return metric === "time" ? [] : memoryNotices(memory, session);
}

/** A session shown that is not in the list any more, or is not the newest. */
function sessionBanners({ session, sessions, listed, connection, view }: Store): Banner[] {
  const newest = sessions[0];
  if (connection !== "open" || !listed) return [];
  const known = (id: string): boolean => sessions.some((entry) => entry.id === id);
  if (session !== null && !known(session.id))
    return [
      {
        kind: "info",
        text: "thagd does not know this session any more; what it sent is kept here.",
        ...newestAction(newest),
      },
    ];
  if (session === null && view.session !== "")
    return [
      { kind: "info", text: `thagd knows no session ${view.session}.`, ...newestAction(newest) },
    ];
  if (
    newest !== undefined &&
    session !== null &&
    newest.id !== session.id &&
    newest.state === "live" &&
    session.state !== "live"
  )
    return [
      {
        kind: "info",
        text: `${display(newest.program)} (pid ${exact(newest.pid)}) is running.`,
        ...newestAction(newest),
      },
    ];
  return [];
}

function newestAction(newest: Session | undefined): Pick<Banner, "action"> {
  return newest === undefined ? {} : { action: { text: "Show the newest", session: "" } };
}

/** A banner in the page; its text changes in place, so that its button can be clicked. */
class Strip {
  private readonly text = el("span");
  private readonly button = el("button", { type: "button" });
  readonly element = el("p", {}, this.text, this.button);
  private action: Banner["action"];

  constructor(actions: BannerActions) {
    this.button.addEventListener("click", () => {
      if (this.action === undefined) return;
      if ("kinds" in this.action) actions.record(this.action.kinds);
      else actions.choose(this.action.session);
    });
  }

  show({ kind, text, action }: Banner): void {
    this.element.className = `banner ${kind}`;
    if (kind === "gone") this.element.setAttribute("role", "alert");
    else this.element.removeAttribute("role");
    setText(this.text, text);
    setText(this.button, action?.text ?? "");
    this.button.hidden = action === undefined;
    this.action = action;
  }
}

export class Banners {
  private readonly place = byId("banners");
  private readonly strips: Strip[] = [];
  private wish = "";
  private wishedAt = 0;

  constructor(
    private readonly store: Store,
    private readonly actions: BannerActions,
  ) {
    store.on(["connection", "sessions", "flame", "memory", "view"], () => this.update());
  }

  /** For how long what was asked of the program has been waited for. */
  private waitingMs(): number {
    const { session } = this.store;
    const wish = session === null || session.wished === null ? "" : session.id + session.wished;
    if (wish !== this.wish) this.wishedAt = performance.now();
    this.wish = wish;
    return performance.now() - this.wishedAt;
  }

  private update(): void {
    const banners = [
      ...connectionBanners(this.store),
      ...recordBanners(this.store, this.waitingMs()),
      ...openingBanners(this.store),
      ...lossBanners(this.store),
      ...memoryBanners(this.store),
      ...sessionBanners(this.store),
    ];
    while (this.strips.length < banners.length) this.strips.push(new Strip(this.actions));
    for (const strip of this.strips.splice(banners.length)) strip.element.remove();
    this.strips.forEach((strip, at) => {
      strip.show(banners[at] as Banner);
      if (!strip.element.isConnected) this.place.append(strip.element);
    });
  }
}
