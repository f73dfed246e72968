// SPDX-License-Identifier: MIT OR Apache-2.0
/** What can be done with the function that a panel tells of. */
import { el } from "./dom.ts";

function button(title: string, text: string, more: Record<string, string> = {}): HTMLButtonElement {
  return el("button", { type: "button", class: "sandwich-of", title, ...more }, text);
}

export function sandwichButton(): HTMLButtonElement {
  return button("Who calls it, and what it calls, over all its places (c)", "Callers and callees");
}

export function sourceButton(): HTMLButtonElement {
  return button("Its source lines, with what they cost (l)", "Source", { "aria-haspopup": "dialog" });
}

export function leaveOutButton(): HTMLButtonElement {
  return button("Hide it, only stacks with it … (e)", "Leave out…", { "aria-haspopup": "menu" });
}
