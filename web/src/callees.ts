// SPDX-License-Identifier: MIT OR Apache-2.0
/** Where a frame's time or memory goes: its callees as bars, the widest first, and itself among them. */
import { el, setText } from "./dom.ts";
import type { FlameFrame } from "./flame_frame.ts";
import { share } from "./format.ts";
import { exactAmount, type Metric, metricOf } from "./metric.ts";
import { display } from "./names.ts";

const MOST = 8;

interface Part {
  name: string;
  /** In what the metric counts. */
  value: number;
  /** The node's id; "" for the frame itself. */
  id: string;
}

function partsOf(frame: FlameFrame, node: number): Part[] {
  const parts = frame.children(node).map((child) => ({
    name: display(frame.name(child)),
    value: frame.total[child] as number,
    id: frame.id(child),
  }));
  const self = frame.self(node);
  if (self > 0 && parts.length > 0) parts.push({ name: "itself", value: self, id: "" });
  return parts.sort((a, b) => b.value - a.value).slice(0, MOST);
}

/** A bar of the page, used for one part after another: a click must find what it was meant for. */
class Bar {
  private readonly fill = el("span", { class: "bar-fill", "aria-hidden": "true" });
  private readonly name = el("bdi");
  private readonly share = el("span", { class: "number" });
  private readonly button = el("button", { type: "button" }, this.fill, this.name, this.share);
  readonly element = el("li", {}, this.button);
  private id = "";

  constructor(zoomTo: (id: string) => void) {
    this.button.addEventListener("click", () => zoomTo(this.id));
  }

  show({ name, value, id }: Part, total: number, metric: Metric): void {
    this.id = id;
    this.button.disabled = id === "";
    this.button.title = exactAmount(metric, value);
    this.fill.style.width = `${total > 0 ? Math.min(100, (100 * value) / total) : 0}%`;
    setText(this.name, name);
    setText(this.share, share(value, total));
  }
}

export class Callees {
  private readonly list = el("ul", { class: "callees" });
  private readonly heading = el("h3");
  readonly element = el("section", {}, this.heading, this.list);
  private readonly bars: Bar[] = [];

  constructor(private readonly zoomTo: (id: string) => void) {}

  show(frame: FlameFrame, node: number): void {
    const parts = partsOf(frame, node);
    const metric = metricOf(frame.header);
    setText(this.heading, metric.unit === "time" ? "Where its time goes" : "Where its memory goes");
    this.element.hidden = parts.length === 0;
    while (this.bars.length < parts.length) this.bars.push(new Bar(this.zoomTo));
    for (const bar of this.bars.splice(parts.length)) bar.element.remove();
    this.bars.forEach((bar, at) => {
      bar.show(parts[at] as Part, frame.total[node] as number, metric);
      if (!bar.element.isConnected) this.list.append(bar.element);
    });
  }
}
