// SPDX-License-Identifier: MIT OR Apache-2.0
/** The panel beside the flamegraph and the tip at the pointer: one frame in numbers. */
import { Callees } from "./callees.ts";
import { byId, el, setText } from "./dom.ts";
import { Figures, setFrame, setFunction } from "./figures.ts";
import { type FlameFrame, NO_PARENT } from "./flame_frame.ts";
import { share } from "./format.ts";
import { type Kind, kindText } from "./message.ts";
import { leakName } from "./metric.ts";
import { baseName, display } from "./names.ts";
import type { Store } from "./store.ts";

export class Panel {
  private readonly place = byId("panel");
  private readonly heading = el("h2");
  private readonly source = el("p", { class: "source" });
  private readonly here = new Figures();
  private readonly overall = new Figures();
  private readonly overallHeading = el("h3");
  private readonly overallPart = el(
    "section",
    {},
    this.overallHeading,
    this.overall.element,
  );
  private readonly callees: Callees;

  constructor(
    private readonly store: Store,
    zoomTo: (id: string) => void,
  ) {
    this.callees = new Callees(zoomTo);
    const head = el("header", {}, this.heading, this.source);
    this.place.append(
      head,
      el("section", {}, el("h3", {}, "This frame"), this.here.element),
      this.callees.element,
      this.overallPart,
    );
    store.on(["flame", "table", "pointed", "view"], () => this.update());
  }

  private update(): void {
    const { flame, pointed, view } = this.store;
    if (flame === null || flame.count === 0) return;
    const node = Math.max(0, flame.find(pointed ?? view.focus));
    setText(this.heading, display(flame.name(node)));
    setFrame(this.here, flame, node, leakName(this.store.session));
    this.updateFunction(node === 0 ? undefined : flame.name(node), flame.kind(node));
    this.callees.show(flame, node);
  }

  private updateFunction(name: string | undefined, kind: Kind): void {
    const { table } = this.store;
    const row =
      name === undefined
        ? undefined
        : table?.rows.find((entry) => entry.name === name && entry.kind === kind);
    this.overallPart.hidden = row === undefined;
    setText(this.overallHeading, `The ${kind}, in all places`);
    const place = row === undefined || row.file === "" ? "" : `${baseName(row.file)}:${row.line}`;
    setText(
      this.source,
      [kindText(kind), name === undefined ? "the whole program" : "", display(place)]
        .filter((text) => text !== "" && text !== "(no name)")
        .join(" · "),
    );
    this.source.title = row === undefined ? "" : display(row.file);
    if (row !== undefined && table !== null) setFunction(this.overall, row, table, leakName(this.store.session));
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
    setFrame(this.figures, flame, node, leakName(this.store.session), true);
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
