// SPDX-License-Identifier: MIT OR Apache-2.0
/** Colours of frames: by module, in hues of even lightness, so that no frame shouts by its name. */

export type Theme = "light" | "dark";

/** Frames are filled with one of HUES × SHADES colours, the first ones, or for a reason below. */
export const HUES = 12;
export const SHADES = 5;
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

/** Ordered so that the first few lie far apart. */
const HUE_DEGREES: readonly number[] = [65, 235, 155, 330, 100, 275, 35, 190, 130, 300, 10, 210];

/** The shades of a module: a little to either side of its hue, a little lighter or darker. */
const SHADE_STEPS: readonly (readonly [number, number])[] = [
  [0, 0],
  [13, 0.02],
  [-13, -0.015],
  [24, -0.025],
  [-24, 0.025],
];

function shades(lightness: number, chroma: number): string[] {
  return HUE_DEGREES.flatMap((hue) =>
    SHADE_STEPS.map(
      ([turn, lighter]) =>
        `oklch(${(lightness + lighter).toFixed(3)} ${chroma} ${(hue + turn + 360) % 360})`,
    ),
  );
}

function colored(text: string): string[] {
  return Array.from({ length: HUES * SHADES }, () => text);
}

const LIGHT: Palette = {
  fill: [
    ...shades(0.845, 0.085),
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
    ...shades(0.46, 0.075),
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

export function palette(theme: Theme): Palette {
  return theme === "dark" ? DARK : LIGHT;
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
    const module = this.modules.get(name);
    const hue = module === undefined ? value >>> 8 : (this.hues.get(module) ?? 0);
    return (hue % HUES) * SHADES + (value % SHADES);
  }
}
