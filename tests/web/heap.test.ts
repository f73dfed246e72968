// SPDX-License-Identifier: MIT OR Apache-2.0
/** What the page makes of figures of memory. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { moveEdge, rangeBetween } from "thag-web/brush.ts";
import { sortRows } from "thag-web/grid.ts";
import { heapColumns } from "thag-web/heap_columns.ts";
import { memoryNotices } from "thag-web/memory_notices.ts";
import type { HeapPlace, HeapPoint, MemoryFrame } from "thag-web/memory_frame.ts";
import {
  amount,
  chosenMetric,
  exactAmount,
  leakName,
  metric,
  metricsOf,
} from "thag-web/metric.ts";
import { matchingPlaces } from "thag-web/places.ts";
import { readSessions, type Session } from "thag-web/sessions.ts";
import { sizeName } from "thag-web/sizes.ts";
import { endOf, rateOf, sliceAt, slicesOf } from "thag-web/slices.ts";
import { DEFAULT_VIEW } from "thag-web/url.ts";
import { decodeMemory, vectorBytes } from "./vectors.ts";

function seen(text: string): string {
  return text.replaceAll("\u202f", "_");
}

function session(fields: Record<string, unknown>): Session {
  return readSessions([{ id: "1", ...fields }])[0] as Session;
}

const timed = session({ modes: "time", active: "time", state: "live" });
const both = session({ modes: "both", active: "both", state: "live" });
const memory = session({ modes: "memory", active: "memory", state: "ended" });
const switchedOn = session({ modes: "none", active: "memory", state: "live" });

const recorded = session({ modes: "time", active: "time", memory: { allocations: 5, pauses: 1 } });

describe("metrics", () => {
  test("are those that the session has", () => {
    assert.deepEqual(metricsOf(null), ["time"]);
    assert.deepEqual(metricsOf(timed), ["time"]);
    assert.equal(metricsOf(both).length, 8);
    assert.equal(metricsOf(both)[0], "time");
    assert.deepEqual(metricsOf(memory), metricsOf(both).slice(1));
    assert.deepEqual(metricsOf(switchedOn), metricsOf(memory));
    assert.deepEqual(metricsOf(recorded), metricsOf(both), "it was recorded once");
    const never = session({ modes: "time", active: "time", memory: { allocations: 0 } });
    assert.deepEqual(metricsOf(never), ["time"]);
  });

  test("are what the view names, if the session has it", () => {
    const leaked = { ...DEFAULT_VIEW, metric: "leaked" } as const;
    assert.equal(chosenMetric(leaked, both), "leaked");
    assert.equal(chosenMetric(leaked, timed), "time");
    assert.equal(chosenMetric(DEFAULT_VIEW, both), "time");
    assert.equal(chosenMetric(DEFAULT_VIEW, memory), "allocated");
    assert.equal(chosenMetric({ ...DEFAULT_VIEW, layout: "memory" }, both), "allocated");
    assert.equal(chosenMetric({ ...DEFAULT_VIEW, metric: "time" }, memory), "allocated");
  });

  test("have their units", () => {
    assert.equal(seen(amount(metric("time"), 1500)), "1.50_µs");
    assert.equal(seen(amount(metric("live"), 1536)), "1.50_KiB");
    assert.equal(seen(amount(metric("allocations"), 12345)), "12.3_k");
    assert.equal(seen(exactAmount(metric("temporary"), 12345)), "12_345");
    assert.equal(seen(exactAmount(metric("freed"), 12345)), "12_345_B");
  });

  test("call nothing leaked that may still be freed", () => {
    assert.equal(leakName(both), "Not freed so far");
    assert.equal(leakName(memory), "Leaked");
    assert.equal(leakName(null), "Leaked");
  });
});

const NOTHING: HeapPoint = {
  startNs: 0,
  liveBytes: 0,
  highBytes: 0,
  allocatedBytes: 0,
  allocations: 0,
  freedBytes: 0,
  frees: 0,
};

function frameOf(points: Partial<HeapPoint>[], durationNs: number): MemoryFrame {
  const frame = decodeMemory(vectorBytes("memory"));
  return {
    ...frame,
    header: { ...frame.header, durationNs },
    points: points.map((point) => ({ ...NOTHING, ...point })),
  };
}

describe("slices of time", () => {
  const frame = frameOf(
    [
      { startNs: 1e9, liveBytes: 70, highBytes: 100, allocatedBytes: 100, freedBytes: 30 },
      { startNs: 3e9, liveBytes: 20, highBytes: 70, freedBytes: 50 },
    ],
    7e9,
  );

  test("are drawn at their ends", () =>
    assert.deepEqual(slicesOf(frame), {
      seconds: [1, 3, 7],
      live: [0, 70, 20],
      high: [100, 100, 70],
      rate: [50, 50, 0],
    }));

  test("are found by their time", () => {
    assert.deepEqual(
      [0, 1e9, 2.9e9, 3e9, 9e9].map((ns) => sliceAt(frame.points, ns)),
      [-1, 0, 0, 1, 1],
    );
    assert.equal(endOf(frame), 7e9);
    assert.equal(rateOf(frame.points, 0, 7e9), 50);
  });

  test("may be none, or without any length", () => {
    assert.deepEqual(slicesOf(frameOf([], 5)), { seconds: [], live: [], high: [], rate: [] });
    const one = frameOf([{ startNs: 5, allocatedBytes: 9, liveBytes: 9 }], 5);
    assert.deepEqual(slicesOf(one).rate, [0, 0]);
  });
});

describe("a range of time", () => {
  test("is whole nanoseconds within the run, or none", () => {
    assert.deepEqual(rangeBetween(70.4, 20.6, 100), { from: 21, to: 70 });
    assert.deepEqual(rangeBetween(-5, 50, 100), { from: 0, to: 50 });
    assert.equal(rangeBetween(0, 100, 100), null);
    assert.equal(rangeBetween(-5, 500, 100), null);
    assert.equal(rangeBetween(7, 7, 100), null);
  });

  test("has edges that don't pass each other", () => {
    const range = { from: 200, to: 500 };
    assert.deepEqual(moveEdge(range, "from", 100, 1000), { from: 300, to: 500 });
    assert.deepEqual(moveEdge(range, "from", Infinity, 1000), { from: 499, to: 500 });
    assert.deepEqual(moveEdge(range, "from", -Infinity, 1000), { from: 0, to: 500 });
    assert.deepEqual(moveEdge(range, "to", -Infinity, 1000), { from: 200, to: 201 });
    assert.deepEqual(moveEdge(range, "to", Infinity, 1000), { from: 200, to: 1000 });
  });
});

describe("sizes", () => {
  test("are named by their bounds", () => {
    const names = [
      [0, 64],
      [65, 256],
      [257, 1024],
      [1025, 4096],
      [16385, 65536],
      [65537, Infinity],
      [7, 7],
      [96, 103],
      [2 ** 20 + 1, 2 ** 21],
    ].map(([low, high]) => sizeName({ low: low ?? 0, high: high ?? 0, count: 0, bytes: 0 }));
    assert.deepEqual(names.map(seen), [
      "0–64",
      "65–256",
      "257–1K",
      "1K–4K",
      "16K–64K",
      "> 64K",
      "7_B",
      "96–103",
      "1M–2M",
    ]);
  });
});

describe("places", () => {
  const { places } = decodeMemory(vectorBytes("memory"));

  test("are searched by function, as thagd says, and by file and line, in any case", () => {
    const [first, ...others] = places as [HeapPlace, ...HeapPlace[]];
    const unmatched = [{ ...first, matched: false }, ...others];
    assert.deepEqual(matchingPlaces(places, ""), places);
    assert.deepEqual(matchingPlaces(places, "^res.*e$"), [first]);
    assert.deepEqual(matchingPlaces(unmatched, "vector.TCC:4294967295"), [unmatched[0]]);
    assert.deepEqual(matchingPlaces(unmatched, "no such"), []);
  });

  test("are sorted by any figure", () => {
    const columns = heapColumns<HeapPlace>(["leaked", "lifetime"], ({ heap }) => heap, "Leaked");
    const named = ({ name, file }: HeapPlace) => ({ name, place: file, file });
    const leaked = (ascending: boolean): number[] =>
      sortRows(places, { named, columns }, "leaked", ascending).map(({ heap }) => heap.leakedBytes);
    assert.deepEqual(leaked(false), [...leaked(true)].reverse());
    assert.ok((leaked(false)[0] ?? 0) > (leaked(true)[0] ?? 0));
  });
});

describe("notices", () => {
  const whole: MemoryFrame = {
    ...frameOf([], 0),
    lost: 0,
    untracked: 0,
    displaced: 0,
    sizeThreshold: 0,
    sampleBytes: 0,
    ownMalloc: false,
  };
  const texts = (change: Partial<MemoryFrame>, of = memory): string =>
    memoryNotices({ ...whole, ...change }, of)
      .map(({ kind, text }) => `${kind}: ${seen(text)}`)
      .join("\n");

  test("are none when all is known", () => assert.equal(texts({}), ""));

  test("tell what is missing", () => {
    assert.match(texts({ lost: 1 }), /^warn: 1_allocation or free lost/);
    assert.match(texts({ lost: 3 }), /3_allocations and frees lost/);
    assert.match(texts({ untracked: 20000 }), /^warn: .*20\.0_k_allocations counted/);
    assert.match(texts({ ownMalloc: true }), /^warn: .*malloc of its own/);
    assert.match(texts({ displaced: 2 }), /^info: 2_blocks were freed unseen/);
    const paused = { pauses: 2, lost_traces: 1 };
    const told = session({ modes: "memory", active: "memory", memory: paused });
    assert.match(texts({}, told), /^info: Memory was switched off 2 times/);
    assert.match(texts({}, told), /1_native stack found no room/);
    const restarted = session({ memory: { adopted: true } });
    assert.match(texts({}, restarted), /^info: thagd was restarted/);
    const late = session({ memory: { late: true } });
    assert.match(texts({}, late), /^info: The recording began while the program ran/);
    const off = session({ modes: "both", active: "time", state: "live" });
    assert.match(texts({}, off), /^info: Memory isn't recorded now/);
  });

  test("tell what was left out", () => {
    assert.match(texts({ sampleBytes: 524288 }), /^info: .*once in 512_KiB.*estimates/);
    assert.match(
      texts({ sizeThreshold: 128, skipped: 11, skippedBytes: 1234 }),
      /larger than 128_B .* 11 others, 1\.21_KiB in all/,
    );
  });
});
