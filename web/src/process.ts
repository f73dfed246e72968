// SPDX-License-Identifier: MIT OR Apache-2.0
/** The memory of the whole process, from its beginning on. */
import { byId } from "./dom.ts";
import { Figures } from "./figures.ts";
import { bytes, count, exact, exactBytes, exactTime, share, time } from "./format.ts";
import type { MemoryFrame } from "./memory_frame.ts";
import { leakName } from "./metric.ts";
import type { Store } from "./store.ts";

export class ProcessView {
  private readonly figures = new Figures();

  constructor(private readonly store: Store) {
    byId("process").append(this.figures.element);
    store.on(["memory", "view", "sessions"], () => this.update());
  }

  private update(): void {
    const { memory, layout, session } = this.store;
    if (memory === null || layout !== "memory") return;
    this.figures.fill(() => this.fill(memory, leakName(session)));
  }

  private fill(memory: MemoryFrame, leaked: string): void {
    const { all, peakAtNs, mappedBytes, mappedPeakBytes } = memory;
    this.setBytes("Allocated", all.allocatedBytes, all.allocations);
    this.setBytes("Freed", all.releasedBytes, all.released);
    this.setBytes("Live", all.liveBytes, all.live);
    this.setBytes("Peak", all.peakBytes);
    this.figures.set("Peak after", time(peakAtNs), exactTime(peakAtNs));
    if (leaked === "Leaked") this.setBytes("Leaked", all.leakedBytes, all.leaked);
    this.figures.set(
      "Temporary",
      `${count(all.temporary)} · ${share(all.temporary, all.allocations)}`,
      `${exact(all.temporary)} allocations freed before their thread's next one`,
    );
    this.setCount("Reallocations", all.reallocations);
    this.setCount("Frees of unknown blocks", memory.unmatchedFrees);
    if (mappedPeakBytes > 0) {
      this.setBytes("Mapped pages", mappedBytes);
      this.setBytes("Mapped, at most", mappedPeakBytes);
    }
  }

  private setCount(name: string, value: number): void {
    this.figures.set(name, count(value), exact(value));
  }

  private setBytes(name: string, value: number, blocks?: number): void {
    const many = blocks === undefined ? "" : ` · ${count(blocks)}`;
    this.figures.set(name, bytes(value) + many, exactBytes(value));
  }
}
