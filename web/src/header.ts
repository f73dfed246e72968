// SPDX-License-Identifier: MIT OR Apache-2.0
/** The bar at the top: what is looked at and how, and the buttons. */
import { byId, el, icon, setText } from "./dom.ts";
import { plural, share, time } from "./format.ts";
import { isByTraces, isSearchCut } from "./message.ts";
import {
  amount,
  METRIC_IDS,
  type MetricId,
  metricName,
  metricOf,
  metricsOf,
} from "./metric.ts";
import { display } from "./names.ts";
import { hasMemory, isRecorded, isRunning, stateMark, stateText, type Thread } from "./sessions.ts";
import type { Fault, Store } from "./store.ts";
import type { ThemeSwitch } from "./theme.ts";
import { type Layout, LAYOUTS, type Tree, type View } from "./url.ts";

export interface HeaderActions {
  /** Changes the view; `step`: the browser's Back undoes it. */
  show(change: Partial<View>, step: boolean): void;
  pause(): void;
  showMetric(metric: MetricId): void;
  /** Shows who calls the function chosen, and what it calls. */
  sandwich(): void;
  /** Changes what the frames of the flamegraph are. */
  showTree(change: Partial<View>): void;
}

const LAYOUT_NAMES: Record<Layout, string> = {
  split: "Both",
  flame: "Flame",
  functions: "Functions",
  memory: "Memory",
  sandwich: "Sandwich",
  chart: "Chart",
  diff: "Diff",
};
/** From left to right; the digits that choose them are in the order of LAYOUTS. */
const TABS: readonly Layout[] = ["split", "flame", "chart", "functions", "memory", "sandwich", "diff"];
const SEARCH_DELAY_MS = 120;

/** What is wrong with an expression, and behind what. */
function faultText({ text, message, at }: Fault): string {
  const before = new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, at));
  const where = before === "" ? "" : ` after “${display(before)}”`;
  return `${message}${where}`;
}

function threadOption({ tid, calls, ended, name }: Thread): HTMLOptionElement {
  const known = name === "" ? String(tid) : `${display(name)} · ${tid}`;
  return new Option(`${known} · ${plural(calls, "call")}${ended ? " · ended" : ""}`, String(tid));
}

export class Header {
  private readonly session = byId<HTMLButtonElement>("session");
  private readonly thread = byId<HTMLSelectElement>("thread");
  private readonly search = byId<HTMLInputElement>("search");
  private readonly matched = byId("matched");
  private readonly raw = byId("raw");
  private readonly flip = byId("flip");
  private readonly heavy = byId("heavy");
  private readonly pause = byId("pause");
  private readonly themeButton = byId("theme");
  private readonly layouts = new Map<Layout, HTMLButtonElement>();
  private readonly dot = el("span", { class: "dot", "aria-hidden": "true" });
  private readonly program = el("bdi", { class: "program" });
  private readonly about = el("span", { class: "about" });
  private readonly metric = byId<HTMLSelectElement>("metric");
  private readonly by = byId<HTMLSelectElement>("by");
  private searchTimer = 0;
  private metricsShown = "";
  private threadsShown = "";

  constructor(
    private readonly store: Store,
    private readonly actions: HeaderActions,
    private readonly theme: ThemeSwitch,
  ) {
    this.session.append(this.dot, this.program, this.about, icon("down"));
    for (const layout of TABS) this.addLayout(layout);
    this.listen();
    store.on(["view", "sessions", "connection"], () => this.update());
    store.on(["flame", "table", "memory"], () => this.updateNumbers());
  }

  private addLayout(layout: Layout): void {
    const title = `${LAYOUT_NAMES[layout]} (${LAYOUTS.indexOf(layout) + 1})`;
    const button = el("button", { type: "button", title }, LAYOUT_NAMES[layout]);
    button.addEventListener("click", () => this.chooseLayout(layout));
    this.layouts.set(layout, button);
    byId("layouts").append(button);
  }

  /** The memory of a session that has any; else nothing happens. */
  chooseLayout(layout: Layout): void {
    const { session } = this.store;
    if (layout === "sandwich") return this.actions.sandwich();
    if (layout === "memory" && (session === null || !hasMemory(session))) return;
    this.actions.show({ layout }, true);
  }

  /** Native stacks instead of profiled calls, and back, where there are both. */
  switchTree(): void {
    if (this.by.hidden) return;
    this.actions.showTree({ by: this.by.value === "calls" ? "traces" : "calls" });
  }

  private listen(): void {
    const { actions, store } = this;
    this.by.append(new Option("Native stacks", "traces"), new Option("Profiled calls", "calls"));
    this.by.addEventListener("change", () => actions.showTree({ by: this.by.value as Tree }));
    this.metric.addEventListener("change", () => actions.showMetric(this.metric.value as MetricId));
    this.thread.addEventListener("change", () =>
      actions.show({ thread: Number(this.thread.value), from: 0, to: 1 }, true),
    );
    this.raw.addEventListener("click", () => actions.show({ raw: !store.view.raw }, true));
    this.flip.addEventListener("click", () => actions.show({ flipped: !store.view.flipped }, true));
    this.heavy.addEventListener("click", () =>
      actions.show({ heavy: !store.view.heavy, from: 0, to: 1 }, true),
    );
    this.pause.addEventListener("click", () => actions.pause());
    this.search.addEventListener("input", () => {
      clearTimeout(this.searchTimer);
      this.searchTimer = window.setTimeout(
        () => actions.show({ search: this.search.value }, false),
        SEARCH_DELAY_MS,
      );
    });
    this.themeButton.addEventListener("click", () => {
      this.theme.next();
      this.updateTheme();
    });
    this.updateTheme();
  }

  focusSearch(): void {
    this.search.focus();
    this.search.select();
  }

  /** Shows the store's state in every control. */
  update(): void {
    const { view, paused, session } = this.store;
    for (const [layout, button] of this.layouts)
      button.setAttribute("aria-pressed", String(layout === this.store.layout));
    const memory = session !== null && hasMemory(session);
    (this.layouts.get("memory") as HTMLElement).hidden = !memory;
    this.updateMetrics();
    if (document.activeElement !== this.search) this.search.value = view.search;
    this.flip.setAttribute("aria-pressed", String(view.flipped));
    this.heavy.setAttribute("aria-pressed", String(view.heavy));
    this.updatePause(paused);
    this.updateThreads();
    this.updateNumbers();
  }

  private updateMetrics(): void {
    const { metric, session, view } = this.store;
    const known = metricsOf(session);
    const running = session !== null && isRunning(session);
    const shown = JSON.stringify([known, running]);
    if (shown !== this.metricsShown) {
      this.metricsShown = shown;
      const options = METRIC_IDS.filter((id) => known.includes(id));
      this.metric.replaceChildren(...options.map((id) => new Option(metricName(id, running), id)));
    }
    this.metric.value = metric;
    this.metric.hidden = known.length < 2;
    this.metric.title = "What the widths show (m)";
    this.by.title = "Native stacks, or the calls that the program has profiled (b)";
    const timed = metric === "time";
    // memory is of all threads: what one of them allocates another one frees
    this.raw.hidden = !timed;
    this.thread.hidden = !timed || (this.store.base !== null && this.store.base.id !== session?.id);
    if (view.by !== "") this.by.value = view.by;
  }

  /** Native stacks or profiled calls: where there are both. */
  private updateTree(): void {
    const { memory, metric, view } = this.store;
    this.by.hidden = metric === "time" || memory === null || !memory.detailed;
    if (memory === null || document.activeElement === this.by) return;
    this.by.value = view.by !== "" ? view.by : isByTraces(memory.header) ? "traces" : "calls";
  }

  private updatePause(paused: boolean): void {
    const title = paused ? "Go on (p)" : "Pause (p)";
    if (this.pause.title === title) return;
    this.pause.title = title;
    this.pause.setAttribute("aria-label", paused ? "Go on" : "Pause");
    this.pause.setAttribute("aria-pressed", String(paused));
    this.pause.replaceChildren(icon(paused ? "play" : "pause"));
  }

  private updateThreads(): void {
    const { session, view } = this.store;
    const threads = session?.threads ?? [];
    const shown = JSON.stringify([threads.map(({ tid, ended, name }) => [tid, ended, name]), this.store.thread]);
    if (shown === this.threadsShown || document.activeElement === this.thread) return;
    this.threadsShown = shown;
    const running = threads.filter(({ ended }) => !ended);
    const options = [...running, ...threads.filter(({ ended }) => ended)].map(threadOption);
    if (view.thread !== 0 && !threads.some(({ tid }) => tid === view.thread))
      options.unshift(new Option(String(view.thread), String(view.thread)));
    const all = threads.length > 1 ? `All ${threads.length} threads` : "All threads";
    this.thread.replaceChildren(new Option(all, "0"), ...options);
    this.thread.value = String(this.store.thread);
  }

  /** What changes with each frame. */
  private updateNumbers(): void {
    this.updateTree();
    const { session, frame: flame, view } = this.store;
    const cost = flame?.header.costNs ?? 0;
    const correction =
      cost > 0 ? `the cost of recording, ${time(cost)} a call` : "the cost of recording";
    this.raw.title = view.raw
      ? `Times hold ${correction}; correct them (r)`
      : `Times are corrected for ${correction}; show them raw (r)`;
    this.raw.setAttribute("aria-pressed", String(view.raw));
    this.updateMatched();
    this.dot.dataset["state"] = session === null ? "none" : stateMark(session);
    setText(this.program, session === null ? "No session" : display(session.program));
    const title =
      session === null ? "thag" : `${display(session.program)} · ${stateText(session)} · thag`;
    if (document.title !== title) document.title = title;
    setText(this.about, session === null ? "" : this.sessionText());
    this.about.title = session !== null && isRecorded(session) ? `Recorded to ${display(session.recording?.file ?? "")}` : "";
  }

  private sessionText(): string {
    const { session, frame: flame } = this.store;
    if (session === null) return "";
    const duration =
      flame?.header.session === session.id ? flame.header.durationNs : session.durationNs;
    const taped = isRecorded(session) ? " · ● to file" : "";
    return `pid ${session.pid} · ${stateText(session)}${taped} · ${time(Math.max(duration, session.durationNs))}`;
  }

  /** What the search finds, or why it finds nothing. */
  private updateMatched(): void {
    const { fault } = this.store;
    const wrong = fault !== null && this.search.value === fault.text;
    setText(this.matched, wrong ? faultText(fault) : this.matchText());
    this.matched.classList.toggle("wrong", wrong);
    this.search.setAttribute("aria-invalid", String(wrong));
    this.search.title = wrong ? faultText(fault) : "Text, or a regular expression such as ^read|write$";
    this.matched.title = this.matched.textContent ?? "";
  }

  private matchText(): string {
    const { frame: flame, search } = this.store;
    if (search === "" || flame === null) return "";
    if (isSearchCut(flame.header)) return "this takes too long: not all names were searched";
    if (flame.matchedCalls === 0 && flame.matched === 0) return "no match";
    if (flame.diff !== null)
      return `A ${amount(metricOf(flame.header), flame.diff.matched)} · B ${amount(metricOf(flame.header), flame.matched)}`;
    return `${amount(metricOf(flame.header), flame.matched)} · ${share(flame.matched, flame.rootTotal)}`;
  }

  private updateTheme(): void {
    const { choice } = this.theme;
    const text = choice === "system" ? "Colours as the system's (t)" : `Colours: ${choice} (t)`;
    this.themeButton.title = text;
    this.themeButton.setAttribute("aria-label", text);
    this.themeButton.replaceChildren(icon(choice));
  }
}
