// SPDX-License-Identifier: MIT OR Apache-2.0
import { html } from "./bar.ts";
import { type Box, draw } from "./box.ts";

const GAP = 14;
const EDGE = 4;
const WIDTH_MAX = 560;

/** What is known of the box that is pointed at or has the focus. */
export class Tip {
  private readonly holder: SVGForeignObjectElement;
  private readonly text: HTMLDivElement;

  constructor(private readonly svg: SVGSVGElement) {
    this.holder = draw("foreignObject", svg);
    this.holder.id = "over";
    this.text = html("div", this.holder, { id: "tip", role: "tooltip" });
    this.hide();
  }

  hide(): void {
    this.holder.style.display = "none";
  }

  /** Beside a point of the window, within what can be seen of the picture. */
  show(box: Box, x: number, y: number): void {
    const frame = this.svg.getBoundingClientRect();
    this.text.textContent = "";
    html("b", this.text).textContent = box.name;
    this.text.append(`\n${box.facts}`);
    this.holder.style.display = "";
    this.holder.setAttribute("width", String(Math.min(WIDTH_MAX, frame.width - 2 * EDGE)));
    this.holder.setAttribute("height", "1000");
    const { width, height } = this.text.getBoundingClientRect();
    const left = Math.min(x + GAP, Math.min(innerWidth, frame.right) - width - EDGE);
    const below = y + GAP + height + EDGE <= Math.min(innerHeight, frame.bottom);
    const top = below ? y + GAP : Math.max(y - GAP - height, Math.max(0, frame.top) + EDGE);
    this.holder.setAttribute("x", String(Math.max(EDGE, left - frame.left)));
    this.holder.setAttribute("y", String(top - frame.top));
    this.holder.setAttribute("height", String(Math.ceil(height)));
  }
}
