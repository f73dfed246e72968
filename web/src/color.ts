// SPDX-License-Identifier: MIT OR Apache-2.0
/** Colours of frames: by module, in hues of even lightness, so that no frame shouts by its name. */

import { categoryFills, divergingFills, HUES, type PaletteId, rampFills, SHADES, type Theme } from "./palettes.ts";

export { HUES, SHADES, type Theme } from "./palettes.ts";

/** What the colours of functions tell apart, or how much of. */
export const COLOR_BY = ["module", "name", "self"] as const;
export type ColorBy = (typeof COLOR_BY)[number];

/** Frames are filled with one of HUES × SHADES colours, the first ones, or for a reason below. */
export enum Paint {
  SECTION = 60,
  PASSED = 61,
  UNMATCHED = 62,
  MATCHED = 63,
  ROOT = 64,
  TASK = 65,
  COUNT = 66,
}

/** Fills and text colours by paint, and the few lines drawn over them. */
export interface Palette {
  fill: string[];
  text: string[];
  background: string;
  open: string;
  hover: string;
  selected: string;
}

function colored(text: string): string[] {
  return Array.from({ length: HUES * SHADES }, () => text);
}

const LIGHT: Palette = {
  fill: [
    ...categoryFills("even", "light"),
    "oklch(0.91 0.03 250)",
    "oklch(0.9 0.008 250)",
    "oklch(0.93 0.006 250)",
    "oklch(0.52 0.2 290)",
    "oklch(0.87 0.012 250)",
    "oklch(0.42 0.06 250)",
  ],
  text: [...colored("#1b1d22"), "#1b1d22", "#33363d", "#50545e", "#ffffff", "#1b1d22", "#ffffff"],
  background: "#ffffff",
  open: "oklch(0.5 0.15 150 / 0.75)",
  hover: "#1b1d22",
  selected: "oklch(0.52 0.2 290)",
};

const DARK: Palette = {
  fill: [
    ...categoryFills("even", "dark"),
    "oklch(0.38 0.035 250)",
    "oklch(0.33 0.012 250)",
    "oklch(0.28 0.01 250)",
    "oklch(0.76 0.14 295)",
    "oklch(0.36 0.015 250)",
    "oklch(0.8 0.05 250)",
  ],
  text: [...colored("#ffffff"), "#ffffff", "#d5d8de", "#a9aeb9", "#17181c", "#f1f2f5", "#17181c"],
  background: "#16181d",
  open: "oklch(0.82 0.17 150 / 0.75)",
  hover: "#ffffff",
  selected: "oklch(0.82 0.13 295)",
};

/** The colours of a theme; what has a colour for a reason keeps it whatever the palette. */
export function palette(theme: Theme, id: PaletteId = "even", by: ColorBy = "module"): Palette {
  const base = theme === "dark" ? DARK : LIGHT;
  const fills = by === "self" ? rampFills(id, theme) : categoryFills(id, theme);
  return { ...base, fill: [...fills, ...base.fill.slice(fills.length)] };
}

/** The colours of differences: from less over unchanged to more, whatever palette is chosen. */
export function diffPalette(theme: Theme): Palette {
  const base = theme === "dark" ? DARK : LIGHT;
  const fills = divergingFills(theme);
  return { ...base, fill: [...fills, ...base.fill.slice(fills.length)] };
}

/** Steps to either side of unchanged, which has two paints in the middle. */
const DIFF_STEPS = (HUES * SHADES) / 2 - 1;

/** The paint of a difference by its strength: -1 all less, 1 all more. */
export function diffPaint(strength: number): number {
  const step = Math.ceil(Math.min(1, Math.abs(strength)) * DIFF_STEPS);
  return strength > 0 ? DIFF_STEPS + 1 + step : DIFF_STEPS - step;
}

/** The paint of a frame by its self time: `most` is the largest there is. */
export function selfPaint(self: number, most: number): number {
  const much = most > 0 ? Math.sqrt(Math.min(1, Math.max(0, self / most))) : 0;
  return Math.round(much * (HUES * SHADES - 1));
}

/** FNV-1a over the name's code units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++)
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}

/**
 * Gives each name its colour: the hue by its module in the order modules were first seen, the shade
 * by the name. Without modules the name chooses both.
 */
export class Colors {
  private readonly hues = new Map<string, number>();
  private modules = new Map<string, string>();
  by: ColorBy = "module";

  /**
   * The modules of functions by name, in the order of weight; one alone tells nothing apart. Says
   * whether that changes any colour.
   */
  setModules(modules: Map<string, string>): boolean {
    const distinct = [...new Set(modules.values())];
    const known = this.modules;
    this.modules = distinct.length > 1 ? modules : new Map();
    for (const module of distinct)
      if (!this.hues.has(module)) this.hues.set(module, this.hues.size);
    return (
      known.size !== this.modules.size ||
      [...this.modules].some(([name, module]) => known.get(name) !== module)
    );
  }

  /** The paint of a function, the same every time while its module is known. */
  paint(name: string): number {
    const value = hash(name);
    const module = this.by === "module" ? this.modules.get(name) : undefined;
    const hue = module === undefined ? value >>> 8 : (this.hues.get(module) ?? 0);
    return (hue % HUES) * SHADES + (value % SHADES);
  }
}
