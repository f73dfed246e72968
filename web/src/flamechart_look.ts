// SPDX-License-Identifier: MIT OR Apache-2.0
/** Colours of a flamechart: those that the functions have in the flamegraph. */
import { Paint, type Palette, selfPaint } from "./color.ts";
import type { Site } from "./flamechart_frame.ts";
import { type LineColors, lineColors } from "./flamechart_paint.ts";
import type { Look } from "./look.ts";
import type { Store } from "./store.ts";

export class FlamechartLook {
  lines: LineColors;

  constructor(
    private readonly store: Store,
    private readonly look: Look,
  ) {
    this.lines = lineColors(look.theme);
    look.onChange(() => (this.lines = lineColors(look.theme)));
  }

  get palette(): Palette {
    return this.look.palette;
  }

  /** Of the strip of all time. */
  get activity(): string {
    return this.look.theme === "dark" ? "oklch(0.6 0.07 250)" : "oklch(0.72 0.07 250)";
  }

  /** Calls `listener` when colours changed. */
  onChange(listener: () => void): void {
    this.look.onChange(listener);
  }

  /** Gives each site its paint, for one picture. */
  painter(): (site: Site | undefined) => number {
    const { table, search } = this.store;
    const { colors } = this.look;
    const known = new Map<Site, number>();
    // while something is searched for, thagd sends only the functions that match
    const matched = search === "" ? null : new Set(table?.rows.map(({ id }) => id));
    const selves = colors.by === "self" ? new Map(table?.rows.map((row) => [row.id, row.self])) : null;
    const most = selves === null ? 0 : Math.max(0, ...selves.values());
    const paint = (site: Site): number => {
      if (matched !== null) return matched.has(site.function) ? Paint.MATCHED : Paint.UNMATCHED;
      if (selves !== null) return selfPaint(selves.get(site.function) ?? 0, most);
      if (site.kind === "task") return Paint.TASK;
      return site.kind === "section" ? Paint.SECTION : colors.paint(site.name);
    };
    return (site) => {
      if (site === undefined) return Paint.UNMATCHED;
      let found = known.get(site);
      if (found === undefined) known.set(site, (found = paint(site)));
      return found;
    };
  }
}
