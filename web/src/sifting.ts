// SPDX-License-Identifier: MIT OR Apache-2.0
/** Leaves out a part of the profile, and takes that back. */
import { ROOT } from "./flame_frame.ts";
import { HIDDEN_MAX, idOf, NO_SIEVE, type Sieve, textOf } from "./sieve.ts";
import type { Found, Store } from "./store.ts";
import type { View } from "./url.ts";

export class Sifting {
  /** Names of functions whose text is their id, as far as they were seen. */
  private readonly names = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly show: (change: Partial<View>) => void,
  ) {}

  /** The frame chosen or zoomed to, unless it stands for the whole program. */
  get chosen(): Found | null {
    const { layout, pointed, view } = this.store;
    const found = this.store.find(pointed ?? view.focus);
    return found !== null && (found.node > 0 || layout === "sandwich") ? found : null;
  }

  get isEmpty(): boolean {
    const { collapse, hidden, mine, only } = this.store.view;
    return hidden.length === 0 && only === "" && !collapse && mine === "";
  }

  /** What a function's text stands for, in words. */
  nameOf(text: string): string {
    return this.names.get(text) ?? text;
  }

  private textOf({ frame, node }: Found): string {
    const name = frame.name(node);
    const text = textOf(name, frame.functionId(node));
    if (text !== name) this.names.set(text, name);
    return text;
  }

  /** The functions on the path to the focus; null when it is not in sight. */
  private path(): string[] | null {
    const found = this.store.find(this.store.view.focus);
    return found === null ? null : found.frame.path(found.node).map((node) => found.frame.functionId(node));
  }

  /** Changes what is left out; frames stay what they were only where their path does. */
  private change(change: Partial<Sieve>, keepsFocus: boolean): void {
    this.show(keepsFocus ? change : { ...change, focus: ROOT, from: 0, to: 1 });
  }

  /** Whether there is room for one more. */
  hide(): boolean {
    const { chosen } = this;
    const { hidden } = this.store.view;
    if (chosen === null) return true;
    if (hidden.length >= HIDDEN_MAX) return false;
    const text = this.textOf(chosen);
    const keeps = this.path()?.includes(idOf(text)) === false;
    if (!hidden.includes(text)) this.change({ hidden: [...hidden, text] }, keeps);
    return true;
  }

  only(): void {
    const { chosen } = this;
    if (chosen !== null) this.change({ only: this.textOf(chosen) }, true);
  }

  toggleCollapse(): void {
    const path = this.path();
    const keeps = path !== null && new Set(path).size === path.length;
    this.change({ collapse: !this.store.view.collapse }, keeps);
  }

  setMine(mine: string): void {
    if (mine !== this.store.view.mine) this.change({ mine }, false);
  }

  showAgain(text: string): void {
    this.change({ hidden: this.store.view.hidden.filter((other) => other !== text) }, false);
  }

  drop(what: "only" | "mine" | "collapse"): void {
    this.change({ [what]: NO_SIEVE[what] }, false);
  }

  dropAll(): void {
    this.change(NO_SIEVE, false);
  }

  /** Takes one thing back, the last of them; false: there is none. */
  undo(): boolean {
    const { collapse, hidden, mine, only } = this.store.view;
    if (hidden.length > 0) this.showAgain(hidden[hidden.length - 1] as string);
    else if (only !== "") this.drop("only");
    else if (collapse) this.drop("collapse");
    else if (mine !== "") this.drop("mine");
    else return false;
    return true;
  }
}
