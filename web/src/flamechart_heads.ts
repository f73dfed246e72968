// SPDX-License-Identifier: MIT OR Apache-2.0
/** The lines above lanes: whose they are, and a button that collapses them. */
import { el, setText } from "./dom.ts";
import type { Block, LaneLayout } from "./flamechart_lanes.ts";
import { plural } from "./format.ts";
import { display } from "./names.ts";

/** A thread in words. */
export function laneName({ lane }: Block): string {
  if (lane === null) return "Process";
  const thread = lane.tid === 0 ? `Thread of ring ${lane.ring}` : `Thread ${lane.tid}`;
  const name = lane.name === "" ? thread : display(lane.name);
  return lane.tasks ? `${name} · tasks` : name;
}

function about({ lane, rows, collapsed }: Block): string {
  if (lane === null) return "what all threads share";
  const tid = lane.name === "" ? "" : `${lane.tid} · `;
  return `${tid}${plural(lane.events, "event")}${collapsed || rows > 0 ? "" : " · no calls"}`;
}

/** A line of the page, used for one lane after another. */
class Head {
  private readonly mark = el("span", { class: "chart-mark", "aria-hidden": "true" });
  private readonly name = el("bdi");
  private readonly about = el("span", { class: "about" });
  readonly element = el("button", { type: "button", class: "chart-head" }, this.mark, this.name, this.about);
  private key = "";

  constructor(toggle: (key: string) => void) {
    this.element.addEventListener("click", () => toggle(this.key));
  }

  show(block: Block): void {
    this.key = block.key;
    this.element.style.top = `${block.top}px`;
    this.element.setAttribute("aria-expanded", String(!block.collapsed));
    setText(this.mark, block.collapsed ? "▸" : "▾");
    setText(this.name, laneName(block));
    setText(this.about, about(block));
  }
}

export class LaneHeads {
  private readonly place = el("div", { class: "chart-heads" });
  private readonly heads: Head[] = [];

  constructor(
    scroller: HTMLElement,
    private readonly toggle: (key: string) => void,
  ) {
    scroller.prepend(this.place);
  }

  show({ blocks }: LaneLayout): void {
    while (this.heads.length < blocks.length) this.heads.push(new Head(this.toggle));
    for (const head of this.heads.splice(blocks.length)) head.element.remove();
    this.heads.forEach((head, at) => {
      head.show(blocks[at] as Block);
      if (!head.element.isConnected) this.place.append(head.element);
    });
  }
}
