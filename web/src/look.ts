// SPDX-License-Identifier: MIT OR Apache-2.0
/** The colours of the page's pictures: one choice for all of them. */
import { type ColorBy, Colors, diffPalette, palette, type Palette, type Theme } from "./color.ts";
import type { PaletteId } from "./palettes.ts";

export class Look {
  /** What each function's colour is by. */
  readonly colors = new Colors();
  theme: Theme = "light";
  palette: Palette = palette("light");
  /** That of two sides that are compared. */
  diffPalette: Palette = diffPalette("light");
  private paletteId: PaletteId = "even";
  private readonly listeners: (() => void)[] = [];

  /** Calls `listener` when any of it changed. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.changed();
  }

  /** Which colours frames have. */
  setPalette(id: PaletteId): void {
    this.paletteId = id;
    this.changed();
  }

  /** What they stand for. */
  setColorBy(by: ColorBy): void {
    if (this.colors.by === by) return;
    this.colors.by = by;
    this.changed();
  }

  /** Colours functions by the file they come from, once there is more than one. */
  setModules(modules: Map<string, string>): void {
    if (this.colors.setModules(modules)) this.changed();
  }

  private changed(): void {
    this.palette = palette(this.theme, this.paletteId, this.colors.by);
    this.diffPalette = diffPalette(this.theme);
    for (const listener of this.listeners) listener();
  }
}
