// SPDX-License-Identifier: MIT OR Apache-2.0
/** Colours of a flamechart: those that the functions have in the flamegraph. */
import { type ColorBy, Colors, Paint, palette, type Palette, selfPaint, type Theme } from "./color.ts";
import type { Site } from "./flamechart_frame.ts";
import { type LineColors, lineColors } from "./flamechart_paint.ts";
import type { PaletteId } from "./palettes.ts";
import type { Store } from "./store.ts";

export class FlamechartLook {
  private readonly colors = new Colors();
  private theme: Theme = "light";
  private paletteId: PaletteId = "even";
  onChange: () => void = () => undefined;
  palette: Palette = palette("light");
  lines: LineColors = lineColors("light");

  constructor(private readonly store: Store) {}

  /** Of the strip of all time. */
  get activity(): string {
    return this.theme === "dark" ? "oklch(0.6 0.07 250)" : "oklch(0.72 0.07 250)";
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.recolor();
  }

  setPalette(id: PaletteId): void {
    this.paletteId = id;
    this.recolor();
  }

  setColorBy(by: ColorBy): void {
    if (this.colors.by === by) return;
    this.colors.by = by;
    this.recolor();
  }

  setModules(modules: Map<string, string>): void {
    if (this.colors.setModules(modules)) this.onChange();
  }

  private recolor(): void {
    this.palette = palette(this.theme, this.paletteId, this.colors.by);
    this.lines = lineColors(this.theme);
    this.onChange();
  }

  /** Gives each site its paint, for one picture. */
  painter(): (site: Site | undefined) => number {
    const { table, search } = this.store;
    const known = new Map<Site, number>();
    // while something is searched for, thagd sends only the functions that match
    const matched = search === "" ? null : new Set(table?.rows.map(({ id }) => id));
    const selves = this.colors.by === "self" ? new Map(table?.rows.map((row) => [row.id, row.self])) : null;
    const most = selves === null ? 0 : Math.max(0, ...selves.values());
    const paint = (site: Site): number => {
      if (matched !== null) return matched.has(site.function) ? Paint.MATCHED : Paint.UNMATCHED;
      if (selves !== null) return selfPaint(selves.get(site.function) ?? 0, most);
      if (site.kind === "task") return Paint.TASK;
      return site.kind === "section" ? Paint.SECTION : this.colors.paint(site.name);
    };
    return (site) => {
      if (site === undefined) return Paint.UNMATCHED;
      let found = known.get(site);
      if (found === undefined) known.set(site, (found = paint(site)));
      return found;
    };
  }
}
