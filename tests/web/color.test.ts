// SPDX-License-Identifier: MIT OR Apache-2.0
/** Text must be read: 4.5 : 1 against whatever it stands on, in both themes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  COLOR_BY,
  Colors,
  HUES,
  Paint,
  palette,
  selfPaint,
  SHADES,
  type Theme,
} from "thag-web/color.ts";
import { lineColors, PALE, PALE_TEXT } from "thag-web/flamechart_paint.ts";
import { PALETTE_IDS } from "thag-web/palettes.ts";

type Rgb = readonly [number, number, number];

/** Linear sRGB of `oklch(L C H)`; the matrices are those of the CSS Color 4 specification. */
function fromOklch(lightness: number, chroma: number, hue: number): Rgb {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (value: number): number => Math.min(1, Math.max(0, value));
  return [
    clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function linear(color: string): Rgb {
  const oklch = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)$/.exec(color);
  if (oklch !== null) return fromOklch(Number(oklch[1]), Number(oklch[2]), Number(oklch[3]));
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(color);
  assert.ok(hex !== null, `a colour: ${color}`);
  const part = (digits: string | undefined): number => {
    const value = parseInt(digits ?? "", 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [part(hex[1]), part(hex[2]), part(hex[3])];
}

function contrast(one: string, other: string): number {
  const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const [high, low] = [luminance(linear(one)), luminance(linear(other))].sort((a, b) => b - a);
  return ((high as number) + 0.05) / ((low as number) + 0.05);
}

/** `share` of one colour over another, as a canvas mixes them. */
function mix(one: string, other: string, share: number): string {
  const bytes = (color: string): number[] =>
    linear(color).map((part) => 255 * (part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055));
  const [above, below] = [bytes(one), bytes(other)];
  const parts = above.map((byte, at) => Math.round(byte * share + (below[at] as number) * (1 - share)));
  return `#${parts.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** How those see who have no cones for red or for green: Viénot, Brettel and Mollon 1999, linear RGB. */
const SIGHTS = ["full", "protanopia", "deuteranopia"] as const;
const SEEN: Record<(typeof SIGHTS)[number], (color: Rgb) => Rgb> = {
  full: (color) => color,
  protanopia: ([r, g, b]) => {
    const same = 0.11238 * r + 0.88762 * g;
    return [same, same, 0.00401 * r - 0.00401 * g + b];
  },
  deuteranopia: ([r, g, b]) => {
    const same = 0.29275 * r + 0.70725 * g;
    return [same, same, -0.02234 * r + 0.02234 * g + b];
  },
};

/** Linear sRGB as OKLab, in which distances are as seen. */
function toOklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** The variables of a theme in base.css; the dark theme changes the light one's. */
function variables(theme: Theme): Map<string, string> {
  const css = readFileSync(
    join(process.env["THAG_SOURCE"] ?? ".", "web/src/style/base.css"),
    "utf8",
  );
  const blocks = [...css.matchAll(/:root(\[[^\]]*\])? \{([^}]*)\}/g)].slice(
    0,
    theme === "light" ? 1 : 2,
  );
  const pairs = blocks.flatMap((block) => [
    ...(block[2] as string).matchAll(/--([\w-]+): ([^;]+);/g),
  ]);
  return new Map(pairs.map(([, name, value]) => [name as string, value as string]));
}

for (const theme of ["light", "dark"] as const)
  describe(theme, () => {
    for (const id of PALETTE_IDS)
      for (const by of COLOR_BY)
        test(`names can be read on every frame, ${id} by ${by}`, () => {
          const { fill, text } = palette(theme, id, by);
          assert.equal(fill.length, Paint.COUNT);
          assert.equal(text.length, Paint.COUNT);
          fill.forEach((color, paint) => {
            const ratio = contrast(color, text[paint] as string);
            assert.ok(ratio >= 4.5, `paint ${paint}: ${ratio.toFixed(2)}`);
          });
        });

    for (const id of PALETTE_IDS)
      test(`names can be read on slices that stand for several calls, ${id}`, () => {
        const { fill, text, background } = palette(theme, id);
        for (const share of PALE)
          fill.forEach((color, paint) => {
            const ratio = contrast(mix(color, background, share), text[PALE_TEXT] as string);
            assert.ok(ratio >= 4.5, `paint ${paint} at ${share}: ${ratio.toFixed(2)}`);
          });
      });

    test("the axis of the flamechart can be read", () => {
      const { background } = palette(theme);
      assert.ok(contrast(lineColors(theme).text, background) >= 4.5);
      assert.ok(contrast(lineColors(theme).note, background) >= 3);
    });

    for (const sight of SIGHTS)
      test(`modules can be told apart in the colour-blind palette, ${sight}`, () => {
        const { fill } = palette(theme, "colour-blind");
        const seen = Array.from({ length: HUES }, (_, hue) =>
          toOklab(SEEN[sight](linear(fill[hue * SHADES] as string))),
        );
        seen.forEach((one, at) =>
          seen.slice(0, at).forEach((other, before) => {
            const apart = Math.hypot(...one.map((value, axis) => value - (other[axis] as number)));
            assert.ok(apart >= 0.05, `${before} and ${at}: ${apart.toFixed(3)}`);
          }),
        );
      });

    test("more self time is never paler", () => {
      for (const id of PALETTE_IDS) {
        const { fill } = palette(theme, id, "self");
        const light = fill.slice(0, HUES * SHADES).map((color) => contrast(color, palette(theme).background));
        light.reduce((before, now) => (assert.ok(now >= before - 1e-9, id), now), 0);
      }
    });

    test("the page's text can be read on its grounds", () => {
      const values = variables(theme);
      const value = (name: string): string => values.get(name) ?? assert.fail(`no --${name}`);
      const grounds: Record<string, string[]> = {
        text: ["background", "surface", "raised", "accent-soft", "bar"],
        soft: ["background", "surface", "raised", "line"],
        accent: ["background", "raised", "accent-soft"],
        warn: ["warn-soft", "raised"],
        bad: ["bad-soft"],
      };
      for (const [name, on] of Object.entries(grounds))
        for (const ground of on) {
          const ratio = contrast(value(name), value(ground));
          assert.ok(ratio >= 4.5, `${name} on ${ground}: ${ratio.toFixed(2)}`);
        }
    });
  });

describe("colours", () => {
  test("of a module share a hue, whatever comes later", () => {
    const colors = new Colors();
    colors.setModules(
      new Map([
        ["a", "x.c"],
        ["b", "y.c"],
        ["c", "x.c"],
      ]),
    );
    const hue = (name: string): number => Math.floor(colors.paint(name) / SHADES);
    assert.deepEqual([hue("a"), hue("b"), hue("c")], [0, 1, 0]);
    colors.setModules(
      new Map([
        ["d", "w.c"],
        ["b", "y.c"],
        ["a", "x.c"],
      ]),
    );
    assert.deepEqual([hue("a"), hue("b"), hue("d")], [0, 1, 2]);
  });

  test("without modules go by the name", () => {
    const colors = new Colors();
    colors.setModules(
      new Map([
        ["a", "x.c"],
        ["b", "x.c"],
      ]),
    );
    const paints = Array.from({ length: 1000 }, (_, at) => colors.paint(`function_${at}`));
    assert.ok(new Set(paints).size > (HUES * SHADES) / 2);
    assert.ok(paints.every((paint) => paint >= 0 && paint < HUES * SHADES));
    assert.equal(colors.paint("same"), colors.paint("same"));
  });

  test("by name leave modules aside, by self go from little to much", () => {
    const colors = new Colors();
    colors.setModules(
      new Map([
        ["a", "x.c"],
        ["b", "y.c"],
      ]),
    );
    const byModule = colors.paint("a");
    colors.by = "name";
    const other = new Colors();
    assert.equal(colors.paint("a"), other.paint("a"));
    assert.notEqual(byModule, colors.paint("a"));
    assert.equal(selfPaint(0, 100), 0);
    assert.equal(selfPaint(100, 100), HUES * SHADES - 1);
    assert.ok(selfPaint(25, 100) > selfPaint(4, 100));
    assert.equal(selfPaint(5, 0), 0);
  });
});
