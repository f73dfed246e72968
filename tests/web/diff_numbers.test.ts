// SPDX-License-Identifier: MIT OR Apache-2.0
/** The arithmetic of differences, their colours, and their addresses. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chosenBase } from "thag-web/base.ts";
import { diffPaint, diffPalette } from "thag-web/color.ts";
import {
  change,
  changeText,
  DIFF_MODES,
  difference,
  markOf,
  presenceOf,
  scaleOf,
  type Side,
  type Sides,
  signedAmount,
  strength,
  wholeOf,
} from "thag-web/diff.ts";
import { metric } from "thag-web/metric.ts";
import { HUES, SHADES } from "thag-web/palettes.ts";
import { readSessions } from "thag-web/sessions.ts";
import { DEFAULT_VIEW, formatView, parseView } from "thag-web/url.ts";

const THIN = "\u202f";

function side(total: number, calls = total > 0 ? 1 : 0): Side {
  return { self: total, total, calls };
}

function sides(before: number, after: number): Sides {
  return { before: side(before), after: side(after) };
}

describe("a difference", () => {
  test("is B without A, and in proportion to A", () => {
    assert.equal(difference(100, 150, 1), 50);
    assert.equal(change(100, 150, 1), 0.5);
    assert.equal(change(100, 0, 1), -1);
    assert.equal(change(0, 5, 1), Infinity);
    assert.equal(change(0, 0, 1), null);
  });

  test("normalised is of B as if both totals were equal", () => {
    const root = sides(1000, 4000);
    const scale = scaleOf("normalised", root);
    assert.equal(scale, 0.25);
    assert.equal(difference(100, 400, scale), 0, "the same part of a longer run");
    assert.equal(change(100, 800, scale), 1);
    assert.equal(wholeOf("normalised", root), 1000);
    assert.equal(scaleOf("absolute", root), 1);
    assert.equal(wholeOf("absolute", root), 4000);
    for (const empty of [sides(0, 5), sides(5, 0), sides(0, 0)])
      assert.equal(scaleOf("normalised", empty), 1, "nothing has no proportion");
  });

  test("of what is unchanged has no colour, in any mode", () => {
    for (const mode of DIFF_MODES) {
      assert.equal(strength(mode, 300, 300, sides(1000, 1000)), 0);
      assert.equal(strength(mode, 0, 0, sides(0, 0)), 0);
      assert.equal(strength(mode, 300, 300.3, sides(1000, 1000)), 0, "nor has noise");
    }
    assert.equal(strength("normalised", 100, 400, sides(1000, 4000)), 0);
  });

  test("has the colour of its side, the stronger the larger it is", () => {
    const root = sides(1000, 1000);
    for (const mode of DIFF_MODES) {
      assert.ok(strength(mode, 100, 140, root) > 0);
      assert.ok(strength(mode, 140, 100, root) < 0);
      assert.ok(strength(mode, 100, 160, root) > strength(mode, 100, 130, root));
      assert.equal(strength(mode, 0, 500, root), 1);
      assert.equal(strength(mode, 500, 0, root), -1);
    }
    assert.equal(strength("absolute", 100, 200, root), 0.5, "a tenth of the whole");
    assert.equal(strength("relative", 1, 2, root), 1, "twice as much, of however little");
    assert.equal(strength("relative", 2, 1, root), -1);
  });

  test("is said with sign and unit", () => {
    assert.equal(signedAmount(metric("time"), 1500), `+1.50${THIN}µs`);
    assert.equal(signedAmount(metric("allocated"), -2048), `−2.00${THIN}KiB`);
    assert.equal(signedAmount(metric("time"), 0), `0${THIN}ns`);
    assert.equal(changeText(0.25), `+25.0${THIN}%`);
    assert.equal(changeText(-0.5), `−50.0${THIN}%`);
    assert.equal(changeText(0.00001), `0${THIN}%`);
    assert.equal(changeText(-1), "gone");
    assert.equal(changeText(Infinity), "new");
    assert.equal(changeText(null), "");
    assert.equal(changeText(11), `×${THIN}12.0`);
  });

  test("marks what one side alone has", () => {
    assert.equal(presenceOf(sides(1, 0)), "removed");
    assert.equal(presenceOf(sides(0, 1)), "added");
    assert.equal(presenceOf(sides(1, 1)), "both");
    assert.equal(presenceOf({ before: side(0, 3), after: side(0, 3) }), "both", "calls of no time");
    assert.deepEqual(["+", "−", ""], (["added", "removed", "both"] as const).map(markOf));
  });
});

describe("the colours of differences", () => {
  const chroma = (fill: string): number => Number(/ ([\d.]+) /.exec(fill)?.[1]);
  const hue = (fill: string): number => Number(/([\d.]+)\)$/.exec(fill)?.[1]);

  test("are grey in the middle, blue for less, orange for more", () => {
    for (const theme of ["light", "dark"] as const) {
      const { fill, text } = diffPalette(theme);
      assert.equal(fill.length, text.length);
      assert.ok(chroma(fill[diffPaint(0)] as string) < 0.01);
      for (const strength of [1e-9, 0.1, 0.5, 1]) {
        const [less, more] = [fill[diffPaint(-strength)] as string, fill[diffPaint(strength)] as string];
        assert.ok(chroma(less) > 0.02 && chroma(more) > 0.02, "a difference is seen");
        assert.ok(Math.abs(hue(less) - 255) < 1 && Math.abs(hue(more) - 52) < 1);
      }
      assert.ok(diffPaint(-7) === 0 && diffPaint(7) === HUES * SHADES - 1);
    }
  });
});

describe("what is compared with", () => {
  const list = readSessions(
    [
      ["1", "tool", 1],
      ["2", "other", 2],
      ["3", "tool", 3],
      ["4", "tool", 4],
    ].map(([id, program, at]) => ({ id, program, pid: 1, start: new Date(Number(at) * 1e6).toISOString() })),
  );
  const session = (id: string) => list.find((entry) => entry.id === id) ?? null;
  const choose = (id: string, view = {}) =>
    chosenBase({ ...DEFAULT_VIEW, ...view }, session(id), list, "time");

  test("is the last run of the same program before, or what the view says", () => {
    assert.deepEqual(choose("4"), { id: "3", from: 0, to: 0 });
    assert.deepEqual(choose("3"), { id: "1", from: 0, to: 0 });
    assert.equal(choose("1"), null);
    assert.equal(choose("2"), null);
    assert.equal(choose("9"), null);
    assert.deepEqual(choose("4", { base: "2" }), { id: "2", from: 0, to: 0 });
    assert.deepEqual(choose("1", { rangeFrom: 3, rangeTo: 5 }), { id: "1", from: 0, to: 0 });
  });

  test("survives its address, and nonsense there is nothing", () => {
    const view = { ...DEFAULT_VIEW, layout: "diff", base: "7", baseFrom: 5, baseTo: 900, mode: "normalised" } as const;
    assert.deepEqual(parseView(formatView(view)), view);
    assert.match(decodeURIComponent(formatView(view)), /base=7,5,900&mode=normalised&view=diff/);
    for (const text of ["x", "-1", "7,5", "7,5,1e3", "99999999999999999999", "<b>", "7,5,9,9"])
      assert.equal(parseView(`#base=${encodeURIComponent(text)}`).base, "", text);
    assert.deepEqual(
      [parseView("#base=7,9,5").base, parseView("#base=7,9,5").baseTo],
      ["7", 0],
      "a range that ends before it begins is none",
    );
    assert.equal(parseView("#mode=loud").mode, "absolute");
  });
});
