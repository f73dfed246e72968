// SPDX-License-Identifier: MIT OR Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeFrame } from "thag-web/frames.ts";
import type { DurationsFrame } from "thag-web/durations_frame.ts";
import { Axis, barsOf, mergeBuckets } from "thag-web/histogram.ts";
import { type Fields, vectorBytes, vectorMeaning } from "./vectors.ts";

const buckets = [
  { low: 100, high: 200, calls: 1000 },
  { low: 1000, high: 2000, calls: 1 },
  { low: 10_000, high: 100_000, calls: 10 },
];

describe("durations", () => {
  test("are read as expected", () => {
    const expected = vectorMeaning("durations");
    const decoded = decodeFrame(vectorBytes("durations"));
    assert.equal(decoded.kind, "durations");
    const { header, buckets: read, ...frame } = decoded.frame as DurationsFrame;
    const { name, function: id, ...numbers } = expected["durations"] as Fields;
    const want: Record<string, unknown> = { name, function: BigInt(id ?? 0).toString(16).padStart(16, "0") };
    for (const [key, value] of Object.entries(numbers))
      if (!key.startsWith("name_"))
        want[key.replace(/_(.)/g, (_, char: string) => char.toUpperCase())] = Number(value);
    assert.deepEqual(frame, want);
    assert.equal(header.count, read.length);
    assert.deepEqual(
      read,
      (expected["buckets"] as Fields[]).map((bucket) => ({
        low: Number(bucket["low_ns"]),
        high: Number(bucket["high_ns"]),
        calls: Number(bucket["calls"]),
      })),
    );
  });

  test("lie on a logarithmic axis", () => {
    const axis = new Axis(buckets);
    assert.equal(axis.at(100), 0);
    assert.equal(axis.at(100_000), 1);
    assert.ok(Math.abs(axis.at(1000) - 1 / 3) < 1e-9);
    assert.equal(axis.at(0), 0);
    assert.equal(axis.at(1e12), 1);
  });

  test("have a bar each, and one call is seen beside a thousand", () => {
    const bars = barsOf(buckets);
    assert.equal(bars[0]?.height, 1);
    assert.ok((bars[1]?.height ?? 0) > 0.08);
    assert.ok(bars.every(({ from, to }) => from >= 0 && to > from && to <= 1));
    assert.deepEqual(barsOf([]), []);
  });

  test("lose no call when they are put together", () => {
    const many = Array.from({ length: 100 }, (_, at) => ({ low: at, high: at + 1, calls: at }));
    const merged = mergeBuckets(many, 40);
    assert.ok(merged.length <= 40);
    assert.equal(merged.reduce((sum, { calls }) => sum + calls, 0), 4950);
    assert.equal(merged[0]?.low, 0);
    assert.equal(merged[merged.length - 1]?.high, 100);
    merged.reduce((end, { low, high }) => (assert.equal(low, end), high), 0);
    assert.deepEqual(mergeBuckets([], 40), []);
  });
});
