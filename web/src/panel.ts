// SPDX-License-Identifier: MIT OR Apache-2.0
/** The panel beside the flamegraph and the tip at the pointer: one frame in numbers. */
import { byId, el, setText } from "./dom.ts";
import { count, exact, exactTime, share, time } from "./format.ts";
import { type FlameFrame, NO_PARENT } from "./flame_frame.ts";
import type { FunctionRow } from "./table_frame.ts";
import { baseName, display } from "./names.ts";
import type { Store } from "./store.ts";

const MOST_CHILDREN = 8;

/** A list of figures whose values change in place. */
class Figures {
  readonly element = el("dl", { class: "figures" });
  private readonly values = new Map<string, HTMLElement>();

  /** Shows a figure; "" hides it. */
  set(name: string, value: string, title = ""): void {
    let element = this.values.get(name);
    if (element === undefined) {
      element = el("dd");
      this.values.set(name, element);
      this.element.append(el("dt", {}, name), element);
    }
    setText(element, value);
    element.hidden = (element.previousElementSibling as HTMLElement).hidden = value === "";
    if (element.title !== title) element.title = title;
  }
}

/** A time with its share, exact on hover. */
function setTime(figures: Figures, name: string, ns: number, whole = 0): void {
  figures.set(name, whole > 0 ? `${time(ns)} · ${share(ns, whole)}` : time(ns), exactTime(ns));
}

/** The root is no function: it has no calls. */
function setCounted(figures: Figures, calls: number, totalNs: number): void {
  figures.set("Calls", calls > 0 ? count(calls) : "", exact(calls));
  setWhen(figures, calls, "Mean", totalNs / calls);
}

function setWhen(figures: Figures, calls: number, name: string, ns: number): void {
  figures.set(name, calls > 0 ? time(ns) : "", calls > 0 ? exactTime(ns) : "");
}

function setFrame(figures: Figures, frame: FlameFrame, node: number): void {
  const calls = frame.calls(node);
  const total = frame.total[node] as number;
  setTime(figures, "Total", total, frame.rootTotalNs);
  setTime(figures, "Self", frame.selfNs(node), frame.rootTotalNs);
  setCounted(figures, calls, total);
  setWhen(figures, calls, "Min", frame.minNs(node));
  setWhen(figures, calls, "Max", frame.maxNs(node));
}

function setFunction(figures: Figures, row: FunctionRow, rootTotalNs: number): void {
  setTime(figures, "Total", row.totalNs, rootTotalNs);
  setTime(figures, "Self", row.selfNs, rootTotalNs);
  setCounted(figures, row.calls, row.totalNs);
  setTime(figures, "Median", row.p50Ns);
  setTime(figures, "p99", row.p99Ns);
  setTime(figures, "Max", row.maxNs);
}

export class Panel {
  private readonly place = byId("panel");
  private readonly heading = el("h2");
  private readonly source = el("p", { class: "source" });
  private readonly here = new Figures();
  private readonly overall = new Figures();
  private readonly overallPart = el(
    "section",
    {},
    el("h3", {}, "The function, in all places"),
    this.overall.element,
  );
  private readonly children = el("ul", { class: "children" });
  private readonly childrenPart = el(
    "section",
    {},
    el("h3", {}, "Where its time goes"),
    this.children,
  );

  constructor(
    private readonly store: Store,
    private readonly zoomTo: (id: string) => void,
  ) {
    const head = el("header", {}, this.heading, this.source);
    this.place.append(
      head,
      el("section", {}, el("h3", {}, "This frame"), this.here.element),
      this.childrenPart,
      this.overallPart,
    );
    store.on(["flame", "table", "pointed", "view"], () => this.update());
  }

  private update(): void {
    const { flame, pointed, view } = this.store;
    if (flame === null || flame.count === 0) return;
    const node = Math.max(0, flame.find(pointed ?? view.focus));
    setText(this.heading, display(flame.name(node)));
    setFrame(this.here, flame, node);
    this.updateFunction(node === 0 ? undefined : flame.name(node), flame.isSection(node));
    this.updateChildren(flame, node);
  }

  private updateFunction(name: string | undefined, section: boolean): void {
    const { table } = this.store;
    const row =
      name === undefined
        ? undefined
        : table?.rows.find((entry) => entry.name === name && entry.section === section);
    this.overallPart.hidden = row === undefined;
    const place = row === undefined || row.file === "" ? "" : `${baseName(row.file)}:${row.line}`;
    setText(
      this.source,
      [section ? "section" : "", name === undefined ? "the whole program" : "", display(place)]
        .filter((text) => text !== "" && text !== "(no name)")
        .join(" · "),
    );
    this.source.title = row === undefined ? "" : display(row.file);
    if (row !== undefined && table !== null) setFunction(this.overall, row, table.rootTotalNs);
  }

  /** Its callees as bars, the widest first, and its own time among them. */
  private updateChildren(frame: FlameFrame, node: number): void {
    const children = frame
      .children(node)
      .sort((a, b) => (frame.total[b] as number) - (frame.total[a] as number));
    const entries: [string, number, string | null][] = children.map((child) => [
      frame.name(child),
      frame.total[child] as number,
      frame.id(child),
    ]);
    const self = frame.selfNs(node);
    if (self > 0) entries.push(["itself", self, null]);
    entries.sort((a, b) => b[1] - a[1]);
    this.childrenPart.hidden = children.length === 0;
    const focused = this.children.contains(document.activeElement);
    if (focused) return;
    const total = frame.total[node] as number;
    this.children.replaceChildren(
      ...entries.slice(0, MOST_CHILDREN).map((entry) => this.child(entry, total)),
    );
  }

  private child([name, ns, id]: [string, number, string | null], total: number): HTMLElement {
    const bar = el("span", { class: "bar-fill", "aria-hidden": "true" });
    bar.style.width = `${total > 0 ? Math.min(100, (100 * ns) / total) : 0}%`;
    const content = [
      bar,
      el("bdi", {}, id === null ? name : display(name)),
      el("span", { class: "number" }, share(ns, total)),
    ];
    if (id === null) return el("li", { class: "itself" }, ...content);
    const button = el("button", { type: "button", title: time(ns) }, ...content);
    button.addEventListener("click", () => this.zoomTo(id));
    return el("li", {}, button);
  }
}

/** The few lines beside the pointer. */
export class Tip {
  private readonly tip = byId("tip");
  private readonly name = el("strong");
  private readonly figures = new Figures();

  constructor(
    private readonly store: Store,
    private readonly pointer: () => { x: number; y: number },
  ) {
    this.tip.append(this.name, this.figures.element);
    store.on(["pointed", "flame"], () => this.update());
  }

  private update(): void {
    const { flame, pointed } = this.store;
    const { x, y } = this.pointer();
    const node = flame === null || pointed === null ? -1 : flame.find(pointed);
    this.tip.hidden = node < 0 || x < 0;
    if (this.tip.hidden || flame === null) return;
    setText(this.name, display(flame.name(node)));
    setFrame(this.figures, flame, node);
    this.figures.set("Of its caller", this.shareOfCaller(flame, node));
    this.move(x, y);
  }

  private shareOfCaller(frame: FlameFrame, node: number): string {
    const parent = frame.parent[node] as number;
    if (parent === NO_PARENT) return "";
    return share(frame.total[node] as number, frame.total[parent] as number);
  }

  /** Beside the pointer, where the window has room. */
  private move(x: number, y: number): void {
    const place = (this.tip.offsetParent as HTMLElement).getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this.tip;
    const right = place.left + x + 16 + offsetWidth <= innerWidth;
    const below = place.top + y + 24 + offsetHeight <= innerHeight;
    const left = right ? x + 16 : Math.max(-place.left, x - 16 - offsetWidth);
    this.tip.style.transform = `translate(${left}px, ${below ? y + 18 : y - 12 - offsetHeight}px)`;
  }
}
