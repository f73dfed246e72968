// SPDX-License-Identifier: MIT OR Apache-2.0
/** Where in time a flamechart is: a window that stays, or one that follows the newest events. */
import { panSpan, type Span, SHORTEST_NS, spanWith, wholeSpan, zoomSpan } from "./flamechart_window.ts";
import type { View } from "./url.ts";

export type WindowView = Pick<View, "spanFrom" | "spanTo" | "last">;

/** What a live session shows of its newest events until the user says otherwise. */
export const USUAL_NS = 5e9;
const GLIDE_MS = 140;
/** The address follows once the window rests. */
const COMMIT_MS = 200;
const STEPS_MAX = 50;

export interface PlaceActions {
  isLive(): boolean;
  view(): WindowView;
  /** Puts the window into the address. */
  commit(view: WindowView): void;
  /** Whether nothing may glide. */
  isStill(): boolean;
}

function same(a: WindowView, b: WindowView): boolean {
  return a.spanFrom === b.spanFrom && a.spanTo === b.spanTo && a.last === b.last;
}

export class Place {
  bounds: Span = { from: 0, to: SHORTEST_NS };
  onChange: () => void = () => undefined;
  /** What is shown now, on its way to the target. */
  shown: Span = { from: 0, to: SHORTEST_NS };
  private moving: WindowView | null = null;
  private timer = 0;
  private readonly steps: WindowView[] = [];
  private glide: { from: Span; start: number; even: boolean } | null = null;
  private isPlaced = false;

  constructor(private readonly actions: PlaceActions) {}

  private get view(): WindowView {
    return this.moving ?? this.actions.view();
  }

  get isFixed(): boolean {
    return this.view.spanTo > 0;
  }

  get isFollowing(): boolean {
    return !this.isFixed && this.actions.isLive();
  }

  /** How much of the newest is followed, 0: none, or all of it. */
  get followed(): number {
    if (!this.isFollowing || this.view.last < 0) return 0;
    return this.view.last || USUAL_NS;
  }

  /** The window, whether it is there yet or not. */
  get target(): Span {
    const { bounds, followed, view } = this;
    if (view.spanTo > 0) return { from: view.spanFrom, to: view.spanTo };
    if (followed === 0) return bounds;
    return { from: Math.max(bounds.from, bounds.to - followed), to: bounds.to };
  }

  /** What the timeline knows of has grown. */
  setBounds({ firstNs, lastNs }: { firstNs: number; lastNs: number }): void {
    const to = Math.max(lastNs, firstNs + SHORTEST_NS);
    if (this.isFollowing && this.isPlaced) this.startGlide(true);
    this.bounds = { from: firstNs, to };
    this.isPlaced = true;
  }

  private startGlide(even: boolean): void {
    if (this.actions.isStill()) return;
    this.glide = { from: this.shown, start: performance.now(), even };
  }

  /** The window as it is now. */
  step(now: number): Span {
    const { glide, target } = this;
    if (glide === null) return (this.shown = target);
    const progress = Math.min(1, Math.max(0, (now - glide.start) / GLIDE_MS));
    const eased = glide.even ? progress : 1 - (1 - progress) ** 3;
    if (progress >= 1) this.glide = null;
    this.shown = {
      from: glide.from.from + (target.from - glide.from.from) * eased,
      to: glide.from.to + (target.to - glide.from.to) * eased,
    };
    return this.shown;
  }

  get isMoving(): boolean {
    return this.glide !== null;
  }

  /** Shows another window; `glide`: not at once. */
  private set(view: WindowView, glide: boolean): void {
    if (glide) this.startGlide(false);
    else this.glide = null;
    this.moving = view;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.commit(), COMMIT_MS) as unknown as number;
    this.onChange();
  }

  /** Puts the window into the address now. */
  commit(): void {
    clearTimeout(this.timer);
    const { moving } = this;
    if (moving === null) return;
    const before = this.actions.view();
    this.moving = null;
    if (same(before, moving)) return;
    this.steps.push({ spanFrom: before.spanFrom, spanTo: before.spanTo, last: before.last });
    if (this.steps.length > STEPS_MAX) this.steps.shift();
    this.actions.commit(moving);
  }

  setSpan(span: Span, glide: boolean): void {
    const { from, to } = wholeSpan(span);
    this.set({ spanFrom: from, spanTo: to, last: 0 }, glide);
  }

  /** Around a place of the window, 0 to 1. */
  zoom(factor: number, at: number, glide: boolean): void {
    const span = zoomSpan(glide ? this.target : this.shown, factor, at, this.bounds);
    this.setSpan(span, glide);
  }

  /** Zooms while it goes on following, if it does. */
  zoomByKey(factor: number, at: number): void {
    if (!this.isFollowing) return this.zoom(factor, at, true);
    const all = this.bounds.to - this.bounds.from;
    const length = (this.target.to - this.target.from) * factor;
    const last = length >= all ? -1 : Math.max(SHORTEST_NS, Math.round(length));
    this.set({ spanFrom: 0, spanTo: 0, last }, true);
  }

  pan(by: number, glide: boolean): void {
    this.setSpan(panSpan(glide ? this.target : this.shown, by, this.bounds), glide);
  }

  /** Moves as little as brings a time into sight. */
  bring(span: Span): void {
    const target = spanWith(this.target, span, this.bounds);
    if (target.from !== this.target.from) this.setSpan(target, true);
  }

  /** All there is; of what is live, also what comes. */
  all(): void {
    this.set({ spanFrom: 0, spanTo: 0, last: this.actions.isLive() ? -1 : 0 }, true);
  }

  /** Follows the newest events in a window as long as now. */
  follow(): void {
    const length = Math.round(this.target.to - this.target.from);
    const all = length >= 0.999 * (this.bounds.to - this.bounds.from);
    this.set({ spanFrom: 0, spanTo: 0, last: all ? 0 : length }, true);
  }

  /** The window before; false: there is none. */
  back(): boolean {
    this.commit();
    const before = this.steps.pop();
    const none = { spanFrom: 0, spanTo: 0, last: 0 };
    if (before === undefined && same(this.actions.view(), none)) return false;
    this.startGlide(false);
    this.actions.commit(before ?? none);
    return true;
  }

  /** Another session. */
  reset(): void {
    clearTimeout(this.timer);
    this.moving = this.glide = null;
    this.steps.length = 0;
    this.isPlaced = false;
    this.bounds = { from: 0, to: SHORTEST_NS };
  }
}
