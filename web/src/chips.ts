// SPDX-License-Identifier: MIT OR Apache-2.0
/** What is left out of the picture, each part with a button that takes it back. */
import { byId, el, setText } from "./dom.ts";
import { display } from "./names.ts";
import { HIDDEN_MAX } from "./sieve.ts";
import type { Sifting } from "./sifting.ts";
import type { Store } from "./store.ts";

interface Chip {
  before: string;
  name: string;
  /** What the button does. */
  undo: string;
  run: () => void;
}

export class Chips {
  private readonly place = byId("chips");
  private readonly list = el("ul");
  private readonly note = el("span", { class: "about", role: "status" });
  private readonly all = el("button", { type: "button" }, "Show all of it");
  private shown = "";
  private isFull = false;

  constructor(
    private readonly store: Store,
    private readonly sifting: Sifting,
  ) {
    this.all.addEventListener("click", () => sifting.dropAll());
    this.place.append(this.list, this.all, this.note);
    store.on(["view", "flame", "sessions"], () => this.update());
  }

  /** Says that no more functions can be hidden. */
  tellFull(): void {
    this.isFull = true;
    this.update();
  }

  private update(): void {
    const chips = this.chips();
    const text = JSON.stringify(chips);
    this.place.hidden = chips.length === 0;
    if (text !== this.shown) {
      this.shown = text;
      this.list.replaceChildren(...chips.map((chip) => this.element(chip)));
      this.all.hidden = chips.length < 2;
    }
    this.isFull &&= this.store.view.hidden.length >= HIDDEN_MAX;
    setText(this.note, this.noteText());
  }

  private noteText(): string {
    const { frame, layout } = this.store;
    if (this.isFull) return `${HIDDEN_MAX} functions are hidden: there is no room for more.`;
    if (layout === "memory") return "Places, sizes and the whole run are of all stacks.";
    if (frame !== null && frame.rootTotal === 0) return "Nothing is left: Escape leads back.";
    return "";
  }

  private chips(): Chip[] {
    const { sifting } = this;
    const { collapse, hidden, mine, only } = this.store.view;
    const chips: Chip[] = [];
    if (mine !== "")
      chips.push({ before: "Only code in", name: display(mine), undo: "Show all code", run: () => sifting.drop("mine") });
    if (collapse)
      chips.push({ before: "Recursion collapsed", name: "", undo: "Show recursion", run: () => sifting.drop("collapse") });
    if (only !== "") {
      const name = display(sifting.nameOf(only));
      chips.push({ before: "Only stacks with", name, undo: "Show all stacks", run: () => sifting.drop("only") });
    }
    for (const text of hidden) {
      const name = display(sifting.nameOf(text));
      chips.push({ before: "Without", name, undo: `Show ${name} again`, run: () => sifting.showAgain(text) });
    }
    return chips;
  }

  private element({ before, name, undo, run }: Chip): HTMLElement {
    const title = `${before} ${name}`.trim();
    const button = el("button", { type: "button", title: undo, "aria-label": undo }, "×");
    button.addEventListener("click", run);
    return el("li", { title }, el("span", {}, `${before} `), el("bdi", {}, name), button);
  }
}
