// SPDX-License-Identifier: MIT OR Apache-2.0
/** Buttons and the search, in the upper right corner. They are HTML, and so work as expected. */
import { draw } from "./box.ts";

const HTML = "http://www.w3.org/1999/xhtml";
const HEIGHT = 30;

export function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  into: Element,
  attributes: Record<string, string> = {},
): HTMLElementTagNameMap[K] {
  const element = document.createElementNS(HTML, name) as HTMLElementTagNameMap[K];
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  into.append(element);
  return element;
}

export interface Bar {
  holder: SVGForeignObjectElement;
  said: HTMLOutputElement;
  input: HTMLInputElement;
  exactCase: HTMLButtonElement;
  reset: HTMLButtonElement;
}

export function makeBar(svg: SVGSVGElement): Bar {
  const holder = draw("foreignObject", svg);
  holder.setAttribute("y", "4");
  holder.setAttribute("height", String(HEIGHT));
  const bar = html("div", holder, { id: "bar" });
  const said = html("output", bar, { "aria-live": "polite" });
  const input = html("input", bar, {
    type: "search",
    placeholder: "Search  ( / )",
    "aria-label": "Search by regular expression",
    spellcheck: "false",
  });
  const exactCase = html("button", bar, {
    "aria-pressed": "false",
    "aria-label": "Match case",
    title: "Match case",
  });
  exactCase.textContent = "Aa";
  const reset = html("button", bar, { title: "Show everything (Escape)" });
  reset.textContent = "Reset zoom";
  reset.disabled = true;
  return { holder, said, input, exactCase, reset };
}
