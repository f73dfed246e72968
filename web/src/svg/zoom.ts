// SPDX-License-Identifier: MIT OR Apache-2.0
import { type Box, isAbove, isWithin } from "./box.ts";
import { fit } from "./fit.ts";

const MARGIN = 1; // percent, as the program writes it
const ACROSS = 100 - 2 * MARGIN;
const LABEL_GAP = 3;
const PROBE = 20; // letters

/** Which part of the picture is shown, and the names that fit into it. */
export class Zoom {
  private letter = 7;
  focus: Box;

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly boxes: readonly Box[],
    root: Box,
  ) {
    this.focus = root;
    this.letter = this.measure(root.label);
  }

  private measure(label: SVGTextElement): number {
    const text = label.textContent;
    label.textContent = "m".repeat(PROBE);
    const width = label.getComputedTextLength();
    label.textContent = text;
    return width > 0 ? width / PROBE : this.letter;
  }

  /** Puts boxes where they are as long as `box` is as wide as the picture. */
  to(box: Box): void {
    this.focus = box;
    for (const other of this.boxes) {
      const above = isAbove(other, box);
      other.shown = above || isWithin(other, box);
      other.group.style.display = other.shown ? "" : "none";
      other.group.classList.toggle("above", above);
      if (other.shown) this.place(other, above);
    }
    this.fitLabels();
  }

  private place(box: Box, whole: boolean): void {
    const { start, width } = this.focus;
    const left = whole || width === 0 ? 0 : (box.start - start) / width;
    const part = whole || width === 0 ? 1 : box.width / width;
    const x = `${MARGIN + ACROSS * left}%`;
    box.rect.setAttribute("x", x);
    box.rect.setAttribute("width", `${ACROSS * part}%`);
    box.label.setAttribute("x", x);
  }

  /** Cuts the names anew, after a zoom or when the picture got another width. */
  fitLabels(): void {
    const across = (this.svg.clientWidth || this.svg.getBoundingClientRect().width) / 100;
    for (const { shown, rect, label, name } of this.boxes) {
      if (!shown) continue;
      const room = rect.width.baseVal.valueInSpecifiedUnits * across - 2 * LABEL_GAP;
      const text = room > 0 ? fit(name, Math.floor(room / this.letter)) : "";
      if (label.textContent !== text) label.textContent = text;
    }
  }
}
