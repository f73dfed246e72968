// SPDX-License-Identifier: MIT OR Apache-2.0
/** The menu of file formats that the profile shown can be downloaded in. */
import { withToken } from "./address.ts";
import { byId, el } from "./dom.ts";
import { metric as metricById } from "./metric.ts";
import { hasMemory } from "./sessions.ts";
import type { Store } from "./store.ts";
import type { View } from "./url.ts";

const FORMATS = ["folded", "speedscope", "pprof", "firefox", "csv", "chrome", "perfetto", "events", "memory"] as const;
type Format = (typeof FORMATS)[number];

const NAMES: Readonly<Record<Format, string>> = {
  folded: "Folded stacks, for inferno and others",
  speedscope: "For speedscope, each thread by itself",
  pprof: "For pprof, gzipped",
  firefox: "For the Firefox Profiler, each thread by itself",
  csv: "A table, a row a stack",
  chrome: "Every call, for Chrome's tracing and Perfetto",
  perfetto: "Every call, for Perfetto, in its own format",
  events: "Tasks, marks, values and frames, as JSON",
  memory: "All about memory, as JSON",
};

/** Of single calls: there is no metric, and nothing corrected. */
const OF_CALLS: ReadonlySet<Format> = new Set(["chrome", "perfetto"]);

/** Without an end: up to now. */
function putRange(fields: URLSearchParams, { rangeFrom, rangeTo }: View): void {
  if (rangeFrom > 0) fields.set("from", String(rangeFrom));
  if (rangeTo > 0) fields.set("to", String(rangeTo));
}

export class ExportMenu {
  private readonly button = byId("download");
  private readonly menu = byId("export-menu");
  private readonly about = el("p", { class: "about" });
  private readonly links = new Map<Format, HTMLAnchorElement>();

  constructor(private readonly store: Store) {
    this.menu.append(this.about);
    for (const format of FORMATS) {
      const link = el("a", { id: `download-${format}`, role: "menuitem", download: "" }, NAMES[format]);
      link.addEventListener("click", () => this.close());
      this.links.set(format, link);
      this.menu.append(link);
    }
    this.button.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    this.menu.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", ({ target }) => {
      const inside = target instanceof Node && (this.menu.contains(target) || this.button.contains(target));
      if (!inside) this.close();
    });
    store.on(["view", "sessions"], () => this.update());
  }

  get isOpen(): boolean {
    return !this.menu.hidden;
  }

  private update(): void {
    const { metric, session } = this.store;
    for (const [format, link] of this.links) {
      link.hidden = session === null || (format === "memory" && !hasMemory(session));
      if (session !== null) link.href = withToken(`/api/sessions/${session.id}/export?${this.query(format)}`);
    }
    this.about.textContent = metric === "time" ? "Self time in ns, by stack" : `${metricById(metric).about}, by stack`;
  }

  /** Of the thread, or the metric, and the range that are shown; hidden functions are in it. */
  private query(format: Format): string {
    const { metric, thread, view } = this.store;
    const fields = new URLSearchParams({ format });
    if (format === "events" || format === "memory") return fields.toString();
    putRange(fields, view);
    if (metric !== "time" && !OF_CALLS.has(format)) {
      fields.set("metric", metric);
      fields.set("by", view.by);
      return fields.toString();
    }
    fields.set("thread", String(thread));
    if (view.raw && !OF_CALLS.has(format)) fields.set("raw", "1");
    return fields.toString();
  }

  private open(): void {
    this.update();
    this.menu.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    const { left, bottom } = this.button.getBoundingClientRect();
    this.menu.style.left = `${Math.max(4, Math.min(left, innerWidth - this.menu.offsetWidth - 4))}px`;
    this.menu.style.top = `${bottom + 4}px`;
    this.shown()[0]?.focus();
  }

  close(): void {
    if (!this.isOpen) return;
    const inside = this.menu.contains(document.activeElement);
    this.menu.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    if (inside) this.button.focus();
  }

  private shown(): HTMLAnchorElement[] {
    return [...this.links.values()].filter(({ hidden }) => !hidden);
  }

  private onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (event.key === "Tab") this.close();
    if (step === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const links = this.shown();
    const at = links.indexOf(document.activeElement as HTMLAnchorElement) + step;
    links[(at + links.length) % links.length]?.focus();
  }
}
