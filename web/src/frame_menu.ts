// SPDX-License-Identifier: MIT OR Apache-2.0
/** The menu on a frame: what can be left out because of it. */
import { byId, el, setText } from "./dom.ts";
import { display } from "./names.ts";
import type { Sifting } from "./sifting.ts";
import type { Store } from "./store.ts";

export interface FrameMenuActions {
  /** Makes a frame the chosen one: the pointer has left it for the menu. */
  point(id: string | null): void;
  hide(): void;
  only(): void;
  collapse(): void;
  mine(): void;
  sandwich(): void;
  source(): void;
}

interface Item {
  key: string;
  button: HTMLButtonElement;
  text: HTMLElement;
}

export class FrameMenu {
  private readonly menu = byId("frame-menu");
  private readonly title = el("p", { class: "about" });
  private readonly collapse: Item;
  /** Those that need a function. */
  private readonly onFunction: readonly Item[];
  private readonly items: Item[] = [];
  private before: HTMLElement | null = null;
  private pointed: string | null = null;

  constructor(
    private readonly store: Store,
    private readonly sifting: Sifting,
    private readonly actions: FrameMenuActions,
  ) {
    this.menu.append(this.title);
    this.onFunction = [
      this.item("Hide this function", "x", actions.hide),
      this.item("Only stacks with it", "o", actions.only),
      this.item("Callers and callees", "c", actions.sandwich),
      this.item("Source", "l", actions.source),
    ];
    this.collapse = this.item("Collapse recursion", "u", actions.collapse);
    this.item("Only my code…", "y", actions.mine);
    this.menu.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("contextmenu", (event) => this.onContextMenu(event));
    document.addEventListener("pointerdown", (event) => {
      if (!(event.target instanceof Node && this.menu.contains(event.target))) this.close();
    });
    store.on(["view"], () => this.close());
  }

  get isOpen(): boolean {
    return !this.menu.hidden;
  }

  private item(name: string, key: string, run: () => void): Item {
    const text = el("span", {}, name);
    const button = el("button", { type: "button", role: "menuitem" }, text, el("kbd", {}, key));
    button.addEventListener("click", () => {
      this.close();
      this.actions.point(this.pointed);
      run();
    });
    this.menu.append(button);
    const item = { key, button, text };
    this.items.push(item);
    return item;
  }

  /** Opens it at a place of the window. */
  open(x: number, y: number): void {
    const { chosen } = this.sifting;
    this.pointed = this.store.pointed;
    setText(this.title, chosen === null ? "The whole program" : display(chosen.frame.name(chosen.node)));
    for (const { button } of this.onFunction) button.hidden = chosen === null;
    setText(this.collapse.text, this.store.view.collapse ? "Show recursion" : "Collapse recursion");
    this.before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.menu.hidden = false;
    const { offsetWidth, offsetHeight } = this.menu;
    this.menu.style.left = `${Math.max(0, Math.min(x, innerWidth - offsetWidth - 4))}px`;
    this.menu.style.top = `${Math.max(0, Math.min(y, innerHeight - offsetHeight - 4))}px`;
    this.buttons()[0]?.focus();
  }

  /** Opens it on the frame chosen with the keys, or on the picture as a whole. */
  openOn(element: HTMLElement): void {
    const { left, top, width } = element.getBoundingClientRect();
    this.open(left + Math.min(width / 3, 240), top + 24);
  }

  close(): void {
    if (!this.isOpen) return;
    const inside = this.menu.contains(document.activeElement);
    this.menu.hidden = true;
    if (inside) this.before?.focus();
  }

  private buttons(): HTMLButtonElement[] {
    return this.items.map(({ button }) => button).filter(({ hidden }) => !hidden);
  }

  private onContextMenu(event: MouseEvent): void {
    const { target } = event;
    if (!(target instanceof HTMLCanvasElement)) return;
    event.preventDefault();
    if (event.button === 2) this.open(event.clientX, event.clientY);
    else this.openOn(target);
  }

  private onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const item = this.items.find(({ key, button }) => key === event.key && !button.hidden);
    if (event.key === "Tab") this.close();
    if (step === 0 && item === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (item !== undefined) return item.button.click();
    const buttons = this.buttons();
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement) + step;
    buttons[(at + buttons.length) % buttons.length]?.focus();
  }
}
