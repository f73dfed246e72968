// SPDX-License-Identifier: MIT OR Apache-2.0
/** What the page says when there is nothing to draw, and what to do about it. */
import { byId, el, setText } from "./dom.ts";
import { time } from "./format.ts";
import type { MetricId } from "./metric.ts";
import { display } from "./names.ts";
import { hasRange, isOpenRange } from "./range.ts";
import { isOpening, isPaused, isRunning, stateText } from "./sessions.ts";
import { leavesOut } from "./sieve.ts";
import type { Store } from "./store.ts";

const BUILD = "cc my-program.c $(pkg-config --cflags --libs thag)";

const NO_SESSION = [
  "The memory of any program:",
  "thag run --memory -- my-program",
  "The time of a program built against libthag:",
  "thag run -- ./my-program",
  "To build one, begin main with THAG_ENABLE_PROFILING(time), its functions with THAG_PROFILED(), and compile with",
  BUILD,
];

/** A flamegraph without anything, by its metric. */
const NOTHING: Readonly<{ [id in MetricId]?: string }> = {
  allocated: "Nothing was allocated",
  allocations: "Nothing was allocated",
  live: "Nothing is live",
  peak: "Nothing was live",
  leaked: "Nothing leaked: all of it was freed",
  temporary: "No allocation was freed before its thread's next one",
  freed: "Nothing was freed",
};

export class Empty {
  private readonly main = byId("main");
  private readonly place = byId("empty");
  private readonly note = byId("flame-note");
  private shown = "";

  private readonly openFiles = el("button", { type: "button" }, "Open a recording …");

  /** `openFiles`: lets the user choose recordings. */
  constructor(
    private readonly store: Store,
    openFiles: () => void,
  ) {
    this.openFiles.addEventListener("click", openFiles);
    store.on(["connection", "sessions", "flame", "memory", "view"], () => this.update());
    this.update();
  }

  private update(): void {
    const { session } = this.store;
    const flame = this.store.frame ?? this.store.flame;
    const something = (flame?.rootTotal ?? 0) > 0 || (flame?.count ?? 0) > 1 || this.showsElse();
    const drawn = session !== null && flame !== null && (something || this.hasAllocated());
    this.main.hidden = !drawn;
    this.showNote(something ? "" : this.noteText());
    this.place.hidden = drawn;
    const [title, ...lines] = drawn ? [""] : this.text();
    const text = [title, ...lines].join("\n");
    if (text === this.shown) return;
    this.shown = text;
    const parts = lines.map((line) =>
      /^(thagd?|cc)( |$)/.test(line) ? el("pre", {}, el("code", {}, line)) : el("p", {}, line),
    );
    this.place.replaceChildren(el("h1", {}, title ?? ""), ...parts);
    if (!drawn && this.canOpen()) this.place.append(this.openFiles);
  }

  /**
   * A sandwich has a place of its own to say that there is nothing; a chart shows all that there is,
   * whatever range is chosen, or left out; what is compared is chosen, and said, where it is shown.
   */
  private showsElse(): boolean {
    const { layout, view } = this.store;
    if (layout === "diff") return true;
    return layout === "sandwich" || (layout === "chart" && (hasRange(view) || leavesOut(view)));
  }

  /** Whether memory is shown, and there is some, if none of what the metric counts. */
  private hasAllocated(): boolean {
    const { memory, metric } = this.store;
    return metric !== "time" && memory !== null && memory.all.allocations > 0;
  }

  /** Why the flamegraph has nothing but its root. */
  private noteText(): string {
    const { metric, view } = this.store;
    const when = isOpenRange(view) ? " since then" : hasRange(view) ? " in this range of time" : "";
    return NOTHING[metric] === undefined ? "" : `${NOTHING[metric]}${when}.`;
  }

  private showNote(text: string): void {
    setText(this.note, text);
    this.note.hidden = text === "";
  }

  /** Whether there is nothing else to look at. */
  private canOpen(): boolean {
    const { connection, listed, sessions } = this.store;
    return connection === "open" && listed && sessions.length === 0;
  }

  /** A title, then lines; those that are commands are shown as such. */
  private text(): string[] {
    const { connection, gone, listed, session, sessions, view } = this.store;
    if (session !== null) return this.quiet();
    if (connection === "gone")
      return ["thagd does not answer", "This page connects by itself once it runs:", "thagd"];
    if (connection === "connecting" || !listed) return ["Connecting to thagd …"];
    if (gone !== null && gone.id === view.session)
      return [
        "This session was forgotten",
        `thagd has dropped ${display(gone.program)} ${gone.pid} from its memory. Files that were saved of it stay.`,
        ...(sessions.length > 0 ? ["The list above has the other sessions."] : []),
      ];
    if (view.session !== "" && sessions.length > 0)
      return [
        "No such session",
        "It may have ended before thagd was started. The list above has those it knows.",
      ];
    return ["Nothing profiled yet", ...NO_SESSION];
  }

  /** A session without a call. */
  private quiet(): string[] {
    const { session, view } = this.store;
    const flame = this.store.frame ?? this.store.flame;
    if (session === null || flame === null) return ["Waiting for the profile …"];
    const program = display(session.program);
    if (leavesOut(view))
      return ["Nothing is left", "No stack has what is sought and is not hidden. Escape leads back."];
    if (isOpenRange(view))
      return [`Nothing since ${time(view.rangeFrom)}${isRunning(session) ? " yet" : ""}`, "× in the line above shows all of the run."];
    if (hasRange(view))
      return ["Nothing in this range of time", "Choose another one, or × in the line above for the whole run."];
    if (view.thread !== 0)
      return [
        `No call yet on thread ${view.thread}`,
        "Choose another one above, or all of them merged.",
      ];
    if (isOpening(session)) return ["Reading the recording …"];
    if (isPaused(session))
      return [
        "Recording is off",
        `${program} runs, and nothing of what it does is recorded. Switch recording on above, or with`,
        `thag enable ${session.id}`,
      ];
    if (this.store.metric !== "time")
      return [
        isRunning(session)
          ? `${program} runs, but has allocated nothing yet`
          : `${program} ${stateText(session)} without an allocation`,
        "What it asked for before recording of memory began isn't known.",
      ];
    if (isRunning(session))
      return [
        `${program} runs, but has made no profiled call yet`,
        "Calls appear here as soon as it enters a function that begins with THAG_PROFILED(), compiled with",
        BUILD,
      ];
    return [
      `${program} ${stateText(session)} without a profiled call`,
      "Begin its functions with THAG_PROFILED(), and compile with",
      BUILD,
    ];
  }
}
