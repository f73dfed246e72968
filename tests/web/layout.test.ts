// SPDX-License-Identifier: MIT OR Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { detailFor } from "thag-web/detail.ts";
import { IdTable } from "thag-web/ids.ts";
import { Glide, nodeAt, panWindow, Rows, zoomWindow } from "thag-web/layout.ts";
import { neighbour } from "thag-web/neighbour.ts";
import { flameOf, type Tree } from "./flames.ts";

const tree: Tree = {
  name: "root",
  self: 0,
  children: [
    {
      name: "a",
      self: 100,
      children: [
        { name: "c", self: 200 },
        { name: "d", self: 100 },
      ],
    },
    { name: "b", self: 600 },
  ],
};

/** The edges of a frame's nodes by name. */
function edges(glide: Glide): Record<string, [number, number]> {
  const places: [string, [number, number]][] = [];
  for (let node = 0; node < glide.frame.count; node++)
    places.push([
      glide.frame.name(node),
      [glide.left[node] as number, glide.right[node] as number],
    ]);
  return Object.fromEntries(places);
}

describe("layout", () => {
  const frame = flameOf(tree);

  test("puts nodes into rows from left to right", () => {
    const rows = new Rows(frame);
    const names = Array.from({ length: rows.count }, (_, row) =>
      [...rows.row(row)].map((node) => frame.name(node)),
    );
    assert.deepEqual(names, [["root"], ["a", "b"], ["c", "d"]]);
  });

  test("gives each node its share of the width", () => {
    const glide = new Glide(frame, { focus: 0, from: 0, to: 1, width: 1000 });
    assert.deepEqual(edges(glide), {
      root: [0, 1000],
      a: [0, 400],
      b: [400, 1000],
      c: [0, 200],
      d: [200, 300],
    });
  });

  test("fills the width with the focus", () => {
    const glide = new Glide(frame, { focus: 1, from: 0, to: 1, width: 1000 });
    const { root, a, c, b } = edges(glide);
    assert.deepEqual(
      [a, c],
      [
        [0, 1000],
        [0, 500],
      ],
    );
    assert.deepEqual(
      [root, b],
      [
        [0, 2500],
        [1000, 2500],
      ],
    );
  });

  test("shows a window of the focus", () => {
    const glide = new Glide(frame, { focus: 0, from: 0.4, to: 0.9, width: 100 });
    assert.deepEqual(edges(glide)["b"], [0, 120]);
  });

  test("shows an empty profile's root over the whole width", () => {
    const glide = new Glide(flameOf({ name: "root", self: 0 }), {
      focus: 0,
      from: 0,
      to: 1,
      width: 50,
    });
    assert.deepEqual(edges(glide), { root: [0, 50] });
  });

  test("hits the node at a place, and narrow ones beside it", () => {
    const glide = new Glide(frame, { focus: 0, from: 0, to: 1, width: 1000 });
    const rows = new Rows(frame);
    const name = (row: number, x: number): string => {
      const node = nodeAt(rows.row(row), glide, x);
      return node < 0 ? "" : frame.name(node);
    };
    assert.deepEqual(
      [name(1, 399), name(1, 400), name(2, 250), name(2, 300.5), name(2, 500)],
      ["a", "b", "d", "d", ""],
    );
  });

  test("glides from where nodes were to where they belong", () => {
    const viewport = { focus: 0, from: 0, to: 1, width: 1000 };
    const before = new Glide(frame, viewport);
    const later = flameOf({
      ...tree,
      children: [...(tree.children ?? []), { name: "e", self: 1000 }],
    });
    const after = new Glide(later, viewport);
    after.startFrom(before, new IdTable(frame.idLow, frame.idHigh), true);
    assert.deepEqual(edges(after)["a"], [0, 400]);
    assert.equal(
      (edges(after)["e"] as number[])[0],
      (edges(after)["e"] as number[])[1],
      "a new node starts with no width",
    );
    after.step(0.5);
    const [, middle] = edges(after)["a"] as [number, number];
    assert.ok(middle < 400 && middle > 200, String(middle));
    after.step(1);
    assert.ok(!after.moving);
    assert.deepEqual(edges(after)["a"], [0, 200]);
    assert.deepEqual(edges(after)["e"], [500, 1000]);
  });

  test("finds nodes by id among many", () => {
    const low = Uint32Array.from({ length: 5000 }, (_, at) => (at * 2654435761) >>> 0);
    const high = Uint32Array.from({ length: 5000 }, (_, at) => at & 7);
    const ids = new IdTable(low, high);
    for (let at = 0; at < low.length; at++)
      assert.equal(ids.find(low[at] as number, high[at] as number), at);
    assert.equal(ids.find(12345, 9), -1);
  });

  test("keeps windows within 0 and 1, and the fixed place in place", () => {
    const [from, to] = zoomWindow(0, 1, 0.5, 0.25);
    assert.deepEqual([from, to], [0.125, 0.625]);
    assert.deepEqual(zoomWindow(from, to, 100, 0.9), [0, 1]);
    assert.deepEqual(panWindow(0.5, 0.75, 10), [0.75, 1]);
    assert.deepEqual(panWindow(0.5, 0.75, -10), [0, 0.25]);
  });

  test("asks for the deepest frame that fills the window, as wide as it would be", () => {
    const ask = (from: number, to: number): [string, number] => {
      const { focus, width } = detailFor(frame, "", from, to, 1000);
      return [frame.name(frame.find(focus)), width];
    };
    assert.deepEqual(ask(0, 1), ["root", 1000]);
    assert.deepEqual(ask(0.3, 0.5), ["root", 8000]);
    assert.deepEqual(ask(0.5, 0.6), ["b", 8000]);
    assert.deepEqual(ask(0.01, 0.19), ["c", 2000]);
    assert.deepEqual(detailFor(null, "", 0.25, 0.75, 100), { focus: "", width: 200 });
  });

  test("knows each frame's neighbours", () => {
    const name = (node: number): string => frame.name(node);
    const a = frame.find(frame.id(1));
    assert.equal(name(neighbour(frame, a, "right", false)), "b");
    assert.equal(name(neighbour(frame, a, "left", false)), "a");
    assert.equal(name(neighbour(frame, a, "up", false)), "root");
    assert.equal(name(neighbour(frame, a, "down", false)), "c");
    assert.equal(name(neighbour(frame, a, "up", true)), "c");
  });
});

/** A tree of about 100,000 nodes. */
function large(): Tree {
  const leaf = (name: string): Tree => ({ name, self: 10 });
  const list = (count: number, make: (at: number) => Tree): Tree[] =>
    Array.from({ length: count }, (_, at) => make(at));
  return {
    name: "root",
    self: 0,
    children: list(100, (a) => ({
      name: `a${a}`,
      self: 1,
      children: list(100, (b) => ({
        name: `b${b}`,
        self: 1,
        children: list(9, (c) => leaf(`c${c}`)),
      })),
    })),
  };
}

test("100,000 nodes are laid out whole", () => {
  const frame = flameOf(large());
  assert.equal(frame.count, 100101);
  const rows = new Rows(frame);
  const glide = new Glide(frame, { focus: 0, from: 0, to: 1, width: 1920 });
  assert.equal(rows.row(3).length, 90000);
  assert.ok(Math.abs((glide.right[frame.count - 1] as number) - 1920) < 1);
});
