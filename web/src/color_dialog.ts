// SPDX-License-Identifier: MIT OR Apache-2.0
/** The dialog that `k` opens: what colours stand for, and which they are. */
import { COLOR_BY, type ColorBy } from "./color.ts";
import { byId, el } from "./dom.ts";
import { PALETTE_IDS, type PaletteId } from "./palettes.ts";
import type { Store } from "./store.ts";

const KEY = "thag-palette";

const BY_NAMES: Readonly<Record<ColorBy, string>> = {
  module: "Module: a hue for each source file",
  name: "Name: a colour for each function",
  self: "Self: the stronger, the more a frame has itself",
};

const PALETTE_NAMES: Readonly<Record<PaletteId, string>> = {
  even: "Even hues",
  "colour-blind": "Colour-blind: blue, yellow and lightness",
  aqua: "Aqua",
  blue: "Blue",
  green: "Green",
  hot: "Hot",
  mem: "Mem",
  orange: "Orange",
  purple: "Purple",
  red: "Red",
  yellow: "Yellow",
  rust: "Rust",
};

interface ColorActions {
  setBy(by: ColorBy): void;
  setPalette(id: PaletteId): void;
}

/** A group of which one is chosen. */
function choices<T extends string>(
  legend: string,
  name: string,
  names: readonly (readonly [T, string])[],
  choose: (value: T) => void,
): { element: HTMLElement; inputs: Map<T, HTMLInputElement> } {
  const inputs = new Map<T, HTMLInputElement>();
  const element = el("fieldset", {}, el("legend", {}, legend));
  for (const [value, text] of names) {
    const input = el("input", { type: "radio", name, value });
    input.addEventListener("change", () => choose(value));
    inputs.set(value, input);
    element.append(el("label", {}, input, text));
  }
  return { element, inputs };
}

export class ColorDialog {
  private readonly dialog = byId<HTMLDialogElement>("colors-dialog");
  private readonly by: Map<ColorBy, HTMLInputElement>;

  constructor(
    private readonly store: Store,
    actions: ColorActions,
  ) {
    const close = el("button", { type: "button", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => this.dialog.close());
    const by = choices(
      "Colours stand for",
      "color-by",
      COLOR_BY.map((id) => [id, BY_NAMES[id]] as const),
      (id) => actions.setBy(id),
    );
    const palettes = choices(
      "Palette",
      "palette",
      PALETTE_IDS.map((id) => [id, PALETTE_NAMES[id]] as const),
      (id) => {
        localStorage.setItem(KEY, id);
        actions.setPalette(id);
      },
    );
    this.by = by.inputs;
    this.dialog.append(
      el("header", {}, el("h2", { id: "colors-title" }, "Colours"), close),
      by.element,
      palettes.element,
    );
    const chosen = PALETTE_IDS.find((id) => id === localStorage.getItem(KEY)) ?? "even";
    (palettes.inputs.get(chosen) as HTMLInputElement).checked = true;
    actions.setPalette(chosen);
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    byId("colors").addEventListener("click", () => this.open());
    store.on(["view"], () => this.update());
  }

  private update(): void {
    (this.by.get(this.store.view.colorBy) as HTMLInputElement).checked = true;
  }

  open(): void {
    this.update();
    if (!this.dialog.open) this.dialog.showModal();
  }
}
