// SPDX-License-Identifier: MIT OR Apache-2.0
/** The line at the bottom: how much was recorded, in what unit, and what is left out. */
import { byId, el, setText } from "./dom.ts";
import { count, exact, plural, time } from "./format.ts";
import { type FrameHeader, isByTraces, isCorrected, isEstimated, isLive, isRange } from "./message.ts";
import { metricOf } from "./metric.ts";
import type { Store } from "./store.ts";

/** Events a second are averaged over this long. */
const RATE_OVER_MS = 1000;

export class Status {
  private readonly left = el("span");
  private readonly middle = el("span");
  private readonly right = el("span", { class: "mode" });
  private sample: { at: number; events: number; session: string } | null = null;
  private rate = 0;

  constructor(private readonly store: Store) {
    byId("status").append(this.left, this.middle, this.right);
    store.on(["flame", "view", "memory", "connection", "sessions"], () => this.update());
  }

  /** Counts events as they come, shown or not. */
  count(header: FrameHeader): void {
    const now = performance.now();
    if (this.sample === null || this.sample.session !== header.session)
      this.sample = { at: now, events: header.events, session: header.session };
    else if (now - this.sample.at >= RATE_OVER_MS) {
      this.rate = Math.max(
        0,
        ((header.events - this.sample.events) * 1000) / (now - this.sample.at),
      );
      this.sample.at = now;
      this.sample.events = header.events;
    }
  }

  private update(): void {
    const { frame: flame, session } = this.store;
    const header = flame?.header.session === session?.id ? flame?.header : undefined;
    setText(this.left, header === undefined ? "" : this.recorded(header));
    this.left.title = header === undefined ? "" : `${exact(header.events)} events`;
    setText(this.middle, header === undefined ? "" : this.leftOut(header));
    setText(this.right, this.mode());
  }

  private recorded(header: FrameHeader): string {
    const parts = [plural(header.events, "event")];
    if (isLive(header)) parts.push(`${count(Math.round(this.rate))}/s`);
    parts.push(`${count(header.lost)} lost`);
    return parts.join(" · ");
  }

  private leftOut(header: FrameHeader): string {
    if (this.store.layout === "chart") return `calls as measured, wall time${this.rangeText(header)}`;
    const hidden = this.store.frame?.hiddenNodes ?? 0;
    const compared = this.store.frame?.diff != null;
    const colors = compared ? " · each frame as wide as the larger of A and B" : this.store.view.colorBy === "self" ? " · the stronger a colour, the more self" : "";
    const unit = metricOf(header).id === "time" ? timeUnit(header) + this.rangeText(header) : this.memoryUnit(header);
    if (hidden === 0) return unit + colors;
    return `${unit}${colors} · ${count(hidden)} of ${plural(header.treeNodes, "frame")} too narrow or deep to draw: zoom in`;
  }

  /** Of which time the numbers are, unless of all. */
  private rangeText(header: FrameHeader): string {
    if (!isRange(header)) return "";
    const { rangeFrom, rangeTo } = this.store.view;
    const when = rangeTo > 0 ? `from ${time(rangeFrom)} to ${time(rangeTo)}` : `since ${time(rangeFrom)}`;
    return ` · ${when}${isEstimated(header) ? ", estimated at its edges" : ""}`;
  }

  private memoryUnit(header: FrameHeader): string {
    const { memory } = this.store;
    const by = isByTraces(header) ? "by native stack" : "by profiled call";
    const parts = [metricOf(header).about, by];
    if (memory !== null && memory.toNs > 0)
      parts.push(`from ${time(memory.fromNs)} to ${time(memory.toNs)}`);
    if (memory !== null && memory.sampleBytes > 0) parts.push("estimates");
    return parts.join(" · ");
  }

  private mode(): string {
    const { connection, paused, held } = this.store;
    if (connection === "gone") return "reconnecting …";
    if (connection === "connecting") return "connecting …";
    if (paused) return "paused";
    return held ? "holding still under the pointer" : "";
  }
}

function timeUnit(header: FrameHeader): string {
  const cost = header.costNs > 0 ? time(header.costNs) : "";
  if (isCorrected(header))
    return `wall time, corrected for ${cost === "" ? "recording" : `${cost} a call`}`;
  return `wall time, raw${cost === "" ? "" : `: recording costs ${cost} a call`}`;
}
