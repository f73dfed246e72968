// SPDX-License-Identifier: MIT OR Apache-2.0

/** Finds nodes by their 64-bit ids: open addressing over typed arrays, built once for a frame. */
export class IdTable {
  private readonly mask: number;
  private readonly slots: Int32Array;

  constructor(
    private readonly low: Uint32Array,
    private readonly high: Uint32Array,
  ) {
    let size = 16;
    while (size < 2 * low.length) size *= 2;
    this.mask = size - 1;
    this.slots = new Int32Array(size).fill(-1);
    for (let node = 0; node < low.length; node++)
      this.slots[this.slot(low[node] as number, high[node] as number)] = node;
  }

  /** The index of the node with this id, -1 when there is none. */
  find(low: number, high: number): number {
    return this.slots[this.slot(low, high)] as number;
  }

  private slot(low: number, high: number): number {
    let slot = (Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) >>> 0) & this.mask;
    for (;;) {
      const node = this.slots[slot] as number;
      if (node < 0 || (this.low[node] === low && this.high[node] === high)) return slot;
      slot = (slot + 1) & this.mask;
    }
  }
}
