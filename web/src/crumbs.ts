// SPDX-License-Identifier: MIT OR Apache-2.0
import { byId, el } from "./dom.ts";
import { ROOT } from "./flame_frame.ts";
import { display } from "./names.ts";
import type { Store } from "./store.ts";

/** The path to the focus, each part of which zooms out to it. */
export class Crumbs {
  private readonly place = byId("crumbs");
  private shown = "";

  constructor(
    private readonly store: Store,
    private readonly zoomTo: (id: string) => void,
  ) {
    store.on(["flame", "view"], () => this.update());
  }

  private update(): void {
    const { flame, view } = this.store;
    const node = flame?.find(view.focus) ?? -1;
    const path = flame === null || node < 0 ? [] : flame.path(node);
    const names = path.map(
      (entry) =>
        [flame?.name(entry) ?? "", entry === 0 ? ROOT : (flame?.id(entry) ?? ROOT)] as const,
    );
    const text = JSON.stringify([names, view.focus]);
    if (text === this.shown) return;
    this.shown = text;
    const crumbs = names.map(([name, id], index) =>
      this.crumb(name, id, index === names.length - 1),
    );
    if (node < 0 && view.focus !== ROOT)
      crumbs.push(this.crumb("Not in this profile: back to all of it", ROOT, false));
    this.place.replaceChildren(...crumbs);
    this.place.scrollLeft = this.place.scrollWidth;
  }

  private crumb(name: string, id: string, last: boolean): HTMLElement {
    const button = el("button", { type: "button" }, el("bdi", {}, display(name)));
    button.title = display(name);
    if (last) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => this.zoomTo(id));
    return button;
  }
}
