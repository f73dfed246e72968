// SPDX-License-Identifier: MIT OR Apache-2.0
/** Colours of frames: by module, in hues of even lightness, so that no frame shouts by its name. */

export type Theme = "light" | "dark";

/** How a frame is filled. The hues come first, from 0 to HUES - 1. */
export const HUES = 12;
export const enum Paint {
  SECTION = 12,
  PASSED = 13,
  UNMATCHED = 14,
  MATCHED = 15,
  ROOT = 16,
  COUNT = 17,
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

/** Hues from red over yellow, green and blue to violet, at steps that look alike. */
const HUE_DEGREES: readonly number[] = [42, 68, 92, 128, 160, 190, 215, 240, 268, 300, 335, 15];

const LIGHT: Palette = {
  fill: [
    ...HUE_DEGREES.map((hue) => `oklch(0.84 0.085 ${hue})`),
    "oklch(0.91 0.03 250)",
    "oklch(0.9 0.008 250)",
    "oklch(0.93 0.006 250)",
    "oklch(0.52 0.2 290)",
    "oklch(0.87 0.012 250)",
  ],
  text: [...HUE_DEGREES.map(() => "#1b1d22"), "#1b1d22", "#33363d", "#50545e", "#ffffff", "#1b1d22"],
  background: "#ffffff",
  open: "oklch(0.55 0.16 150)",
  hover: "#1b1d22",
  selected: "oklch(0.52 0.2 290)",
};

const DARK: Palette = {
  fill: [
    ...HUE_DEGREES.map((hue) => `oklch(0.47 0.075 ${hue})`),
    "oklch(0.38 0.035 250)",
    "oklch(0.33 0.012 250)",
    "oklch(0.28 0.01 250)",
    "oklch(0.76 0.14 295)",
    "oklch(0.36 0.015 250)",
  ],
  text: [...HUE_DEGREES.map(() => "#ffffff"), "#ffffff", "#d5d8de", "#a9aeb9", "#17181c", "#f1f2f5"],
  background: "#16181d",
  open: "oklch(0.82 0.17 150)",
  hover: "#ffffff",
  selected: "oklch(0.82 0.13 295)",
};

export function palette(theme: Theme): Palette {
  return theme === "dark" ? DARK : LIGHT;
}

/** FNV-1a over the name's code units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}

/** The hue of a name, always the same one. */
export function hueOf(name: string): number {
  return hash(name) % HUES;
}
