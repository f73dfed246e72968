// SPDX-License-Identifier: MIT OR Apache-2.0
import type { Fault } from "./store.ts";

const MOST = 100;

/**
 * What was searched for, and which of it thagd could make no sense of. While such a text is being
 * written the last one that did make sense goes on.
 */
export class Searches {
  private asked: string[] = [""];
  private readonly faults = new Map<string, Fault>();

  /** What to ask for when `text` is searched for. */
  ask(text: string): string {
    if (!this.faults.has(text)) {
      this.asked = this.asked.filter((other) => other !== text).slice(-MOST);
      this.asked.push(text);
    }
    return this.asked[this.asked.length - 1] ?? "";
  }

  refuse(fault: Fault): void {
    if (this.faults.size > MOST) this.faults.clear();
    this.faults.set(fault.text, fault);
    this.asked = this.asked.filter((text) => text !== fault.text);
  }

  /** What is wrong with a text, as far as is known. */
  fault(text: string): Fault | null {
    return this.faults.get(text) ?? null;
  }
}
