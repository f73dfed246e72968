// SPDX-License-Identifier: MIT OR Apache-2.0
/** The dialog that `?` opens. */
import { byId, el } from "./dom.ts";

const KEYS: readonly (readonly [string, string])[] = [
  ["click", "zoom to a frame; the path below leads back"],
  ["Ctrl + wheel, w s, ↑ ↓", "zoom in and out, around the pointer"],
  ["drag, a d, ← →", "move left and right"],
  ["Shift + arrows, Enter", "choose a frame, zoom to it"],
  ["Esc", "one step back: zoom, search, what is left out, range of time"],
  ["0", "the whole profile"],
  ["/", "search functions: text, or a regular expression"],
  ["p", "pause and go on"],
  ["n", "count from now on; Esc, or × beside “since”, shows all again"],
  ["r", "times raw, or corrected for what recording costs"],
  ["f", "root at the bottom, or at the top"],
  ["h", "left-heavy: siblings with most first, or by name"],
  ["t", "the theme: the system's, light, dark"],
  ["k", "what colours stand for, and the palette"],
  ["m, Shift + m", "what the widths show: time, bytes allocated, live, leaked …"],
  ["b", "memory by native stacks, or by profiled calls"],
  ["c", "callers and callees of the frame chosen: the sandwich"],
  ["l", "source lines of the frame chosen, with what they cost"],
  ["x", "hide the function of the frame chosen: its time is its callers'"],
  ["o", "only stacks with the function of the frame chosen"],
  ["u", "recursion as one frame, or as it is"],
  ["y", "only my code: functions of files in a directory"],
  ["e, right click", "all of these for a frame"],
  ["1 2 3 4 5 6 7", "both views, the flamegraph, the functions, memory, the sandwich, the chart, the difference"],
  ["in the chart: wheel, drag", "zoom around the pointer, move; Alt + wheel scrolls"],
  ["Shift + drag, g", "choose a range of time, or the window, for all views"],
  ["double click, Enter", "zoom to a call; f or 0 the whole run"],
  ["?", "this help"],
];

const READING: readonly string[] = [
  "A frame is a function where it was called: its width is the time spent in it and below it. Its callees lie under it, side by side by name, or those with most first, not in time.",
  "Self is the time in the function alone. Every call is counted; nothing is sampled.",
  "A line below a frame means that it runs now. Pale frames are sections.",
  "In the chart time goes from left to right, and each thread has a lane. A pale slice stands for several calls, too short to be told apart: zoom in.",
  "While the pointer is over the flamegraph it stands still; counting goes on.",
  "With memory, a frame is as wide as the bytes, or the number, of what was allocated in it and below it. Drag over the chart of live memory to see a range of time alone; its two edges move with the arrow keys.",
  "In the difference A is what the session shown, B, is compared with. Blue frames have less than in A, orange ones more, grey ones are unchanged; + is new, a hatched frame with − is gone. Each is as wide as the larger of both.",
  "“Recording” in the bar switches what the program records, while it runs; p only halts this page.",
];

export class Help {
  private readonly dialog = byId<HTMLDialogElement>("help-dialog");

  constructor() {
    const close = el("button", { type: "button", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => this.dialog.close());
    const keys = el("dl", { class: "keys" });
    for (const [key, about] of KEYS)
      keys.append(el("dt", {}, el("kbd", {}, key)), el("dd", {}, about));
    this.dialog.append(
      el("header", {}, el("h2", { id: "help-title" }, "Reading and moving"), close),
      ...READING.map((text) => el("p", {}, text)),
      keys,
    );
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    byId("help").addEventListener("click", () => this.open());
  }

  get isOpen(): boolean {
    return this.dialog.open;
  }

  open(): void {
    if (!this.dialog.open) this.dialog.showModal();
  }
}
