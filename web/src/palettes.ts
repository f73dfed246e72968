// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Fills of frames: HUES × SHADES of them to tell modules and names apart, and as many in a row from
 * little to much. Lightness stays within bounds that text on them is read at.
 */

export const HUES = 12;
export const SHADES = 5;

export type Theme = "light" | "dark";

/** In the order they are offered; the first is used until another is chosen. */
export const PALETTE_IDS = [
  "even",
  "colour-blind",
  "aqua",
  "blue",
  "green",
  "hot",
  "mem",
  "orange",
  "purple",
  "red",
  "yellow",
  "rust",
] as const;
export type PaletteId = (typeof PALETTE_IDS)[number];

/** Part of the circle of hues, in degrees, and how strong its colours are beside the usual. */
interface Band {
  hue: number;
  spread: number;
  strength: number;
}

const BANDS: Readonly<Record<Exclude<PaletteId, "even" | "colour-blind">, Band>> = {
  aqua: { hue: 205, spread: 24, strength: 1 },
  blue: { hue: 255, spread: 18, strength: 1.1 },
  green: { hue: 145, spread: 22, strength: 1.1 },
  hot: { hue: 55, spread: 38, strength: 1.3 },
  mem: { hue: 175, spread: 40, strength: 1 },
  orange: { hue: 62, spread: 14, strength: 1.3 },
  purple: { hue: 310, spread: 22, strength: 1.1 },
  red: { hue: 24, spread: 14, strength: 1.2 },
  yellow: { hue: 102, spread: 12, strength: 1.3 },
  rust: { hue: 44, spread: 16, strength: 0.8 },
};

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

/** Of twelve steps from one end to the other, the next is far from those before. */
const FAR_APART: readonly number[] = [0, 7, 3, 10, 5, 1, 8, 4, 11, 2, 6, 9];

function oklch(lightness: number, chroma: number, hue: number): string {
  return `oklch(${lightness.toFixed(3)} ${chroma.toFixed(3)} ${((hue + 360) % 360).toFixed(1)})`;
}

const USUAL = { light: { lightness: 0.845, chroma: 0.085 }, dark: { lightness: 0.46, chroma: 0.075 } };

function evenFills(theme: Theme): string[] {
  const { lightness, chroma } = USUAL[theme];
  return HUE_DEGREES.flatMap((hue) =>
    SHADE_STEPS.map(([turn, lighter]) => oklch(lightness + lighter, chroma, hue + turn)),
  );
}

/** Hues of one band; lightness helps where hues lie close together. */
function bandFills(theme: Theme, { hue, spread, strength }: Band): string[] {
  const { lightness, chroma } = USUAL[theme];
  return FAR_APART.flatMap((step, at) => {
    const turn = (step / (HUES - 1) - 0.5) * 2 * spread;
    const lighter = ((at % 3) - 1) * 0.035;
    return SHADE_STEPS.map(([, shade]) =>
      oklch(lightness + lighter + shade * 0.6 - (theme === "dark" ? 0.02 : 0), chroma * strength, hue + turn),
    );
  });
}

/**
 * Blue, yellow and grey, which nobody who sees colours mixes up, in four steps of lightness each:
 * what is left of them to those who see no red or no green, or no colours at all.
 */
const BLUE_YELLOW: readonly (readonly [number, number])[] = [
  [95, 1],
  [255, 1],
  [0, 0],
];

function safeFills(theme: Theme): string[] {
  const steps = theme === "light" ? [0.92, 0.845, 0.77, 0.695] : [0.46, 0.395, 0.33, 0.265];
  const chroma = theme === "light" ? 0.1 : 0.085;
  return Array.from({ length: HUES }, (_, at) => {
    const [hue, strength] = BLUE_YELLOW[at % 3] as readonly [number, number];
    const step = steps[(Math.floor(at / 3) + (at % 3)) % 4] as number;
    // greys stand between the steps of the others: a pale blue is nearly one
    const lightness = strength > 0 ? step : step - 0.035;
    return SHADE_STEPS.map(([, shade]) => oklch(lightness + shade * 0.4, chroma * strength, hue));
  }).flat();
}

/** Fills by paint, to tell modules and names apart. */
export function categoryFills(id: PaletteId, theme: Theme): string[] {
  if (id === "even") return evenFills(theme);
  if (id === "colour-blind") return safeFills(theme);
  return bandFills(theme, BANDS[id]);
}

/**
 * As many fills, from blue, less, over grey to orange, more: the two hues that all eyes tell apart.
 * Both ends differ from the middle in lightness as well.
 */
export function divergingFills(theme: Theme): string[] {
  const half = (HUES * SHADES) / 2 - 1;
  const [middle, end, chroma] = theme === "light" ? [0.92, 0.7, 0.145] : [0.33, 0.47, 0.125];
  return Array.from({ length: HUES * SHADES }, (_, at) => {
    const much = at <= half ? (half - at) / half : (at - half - 1) / half;
    const colour = much === 0 ? 0.004 : 0.025 + (chroma - 0.025) * much;
    return oklch(middle + (end - middle) * much, colour, at <= half ? 255 : 52);
  });
}

/** As many fills, from little to much: always in lightness as well, whatever the hue. */
export function rampFills(id: PaletteId, theme: Theme): string[] {
  const band = id === "even" ? BANDS.orange : id === "colour-blind" ? BANDS.blue : BANDS[id];
  const [from, to] = theme === "light" ? [0.94, 0.66] : [0.27, 0.47];
  return Array.from({ length: HUES * SHADES }, (_, at) => {
    const much = at / (HUES * SHADES - 1);
    return oklch(from + (to - from) * much, (0.02 + 0.1 * much) * Math.min(1.1, band.strength), band.hue);
  });
}
