// SPDX-License-Identifier: MIT OR Apache-2.0
import { byId, el } from "./dom.ts";
import { ROOT } from "./flame_frame.ts";
import { exact } from "./format.ts";
import { display } from "./names.ts";
import type { Store } from "./store.ts";

/** A deep path shows its ends: recursion goes a million deep. */
const FIRST = 3;
const LAST = 12;

/** A part of the path; without an id it stands for parts left out. */
interface Crumb {
  name: string;
  id: string | null;
}

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
    const crumbs = this.path();
    const text = JSON.stringify(crumbs);
    if (text === this.shown) return;
    this.shown = text;
    this.place.replaceChildren(
      ...crumbs.map((crumb, index) => this.element(crumb, index === crumbs.length - 1)),
    );
    this.place.scrollLeft = this.place.scrollWidth;
  }

  private path(): Crumb[] {
    const { frame: flame, view } = this.store;
    if (flame === null) return [];
    const found = this.store.find(view.focus);
    if (found === null) return [{ name: "Not in this profile: back to all of it", id: ROOT }];
    const { frame, node } = found;
    const path = frame.path(node);
    const left = path.length - FIRST - LAST;
    const crumbOf = (at: number): Crumb => ({
      name: display(frame.name(at)),
      id: at === 0 ? ROOT : frame.id(at),
    });
    if (left <= 1) return path.map(crumbOf);
    const gap = { name: `… ${exact(left)} more …`, id: null };
    return [...path.slice(0, FIRST).map(crumbOf), gap, ...path.slice(-LAST).map(crumbOf)];
  }

  private element({ name, id }: Crumb, last: boolean): HTMLElement {
    const button = el("button", { type: "button", title: name }, el("bdi", {}, name));
    if (last) button.setAttribute("aria-current", "true");
    if (id === null) button.disabled = true;
    else button.addEventListener("click", () => this.zoomTo(id));
    return button;
  }
}
