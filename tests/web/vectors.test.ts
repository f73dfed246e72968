// SPDX-License-Identifier: MIT OR Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as proto from "thag-proto";
import { type FlameFrame, NO_PARENT, ROOT } from "thag-web/flame_frame.ts";
import { decodeFrame } from "thag-web/frames.ts";
import { FrameError, type FrameHeader, kindOf } from "thag-web/message.ts";
import type { MemoryFrame } from "thag-web/memory_frame.ts";
import { METRIC_IDS } from "thag-web/metric.ts";
import { slicesOf } from "thag-web/slices.ts";
import { meanOf } from "thag-web/table_frame.ts";
import {
  decodeFlame,
  decodeMemory,
  decodeTable,
  type Fields,
  vectorBytes,
  vectorMeaning,
} from "./vectors.ts";

/** All of a heap is 64 bits wide. */
const HEAP_FIELDS = proto.Heap.SIZE / 8;

/** An expected number as the page holds it: rounded above 2^53. */
function number(value: string | number | undefined): number {
  return Number(value);
}

function hex(value: string | number | undefined): string {
  return BigInt(value ?? 0)
    .toString(16)
    .padStart(16, "0");
}

/** "live_bytes" becomes "liveBytes". */
function camel(name: string): string {
  return name.replace(/_(.)/g, (_, char: string) => char.toUpperCase());
}

/** A record of numbers as the page names them. */
function numbersOf(fields: Fields): Record<string, number> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [camel(name), number(value)]),
  );
}

/** The same of a heap: every one of its fields. */
function heapOf(fields: Fields | undefined): Record<string, number> {
  assert.equal(Object.keys(fields ?? {}).length, HEAP_FIELDS);
  return numbersOf(fields ?? {});
}

function checkHeader(header: FrameHeader, expected: Fields): void {
  assert.equal(header.session, String(expected["session"]));
  assert.equal(header.type, expected["type"]);
  assert.equal(header.count, expected["count"]);
  assert.equal(header.sequence, expected["sequence"]);
  assert.equal(header.flags, expected["flags"]);
  assert.equal(header.thread, expected["thread"]);
  assert.equal(header.metric, expected["metric"]);
  assert.equal(header.timeNs, number(expected["time_ns"]));
  assert.equal(header.events, number(expected["events"]));
  assert.equal(header.lost, number(expected["lost"]));
  assert.equal(header.truncated, number(expected["truncated"]));
  assert.equal(header.durationNs, number(expected["duration_ns"]));
  assert.equal(header.costNs, number(expected["cost_ns_x256"]) / 256);
  assert.equal(header.treeNodes, expected["tree_nodes"]);
}

function checkNode(frame: FlameFrame, node: number, expected: Fields): void {
  assert.equal(frame.id(node), hex(expected["id"]));
  assert.equal(frame.find(frame.id(node)), node);
  assert.equal(frame.name(node), expected["name"]);
  assert.equal(frame.start[node], number(expected["start_ns"]));
  assert.equal(frame.total[node], number(expected["total_ns"]));
  assert.equal(frame.self(node), number(expected["self_ns"]));
  assert.equal(frame.calls(node), number(expected["calls"]));
  assert.equal(frame.minNs(node), number(expected["min_ns"]));
  assert.equal(frame.maxNs(node), number(expected["max_ns"]));
  assert.equal(frame.waitNs(node), number(expected["wait_ns"]));
  assert.equal(frame.openNs(node), number(expected["open_ns"]));
  assert.equal(frame.parent[node], expected["parent"]);
  assert.equal(frame.depth[node], expected["depth"]);
  assert.equal(frame.flags[node], expected["flags"]);
  assert.equal(frame.functionId(node), hex(expected["function"]));
}

describe("vectors", () => {
  for (const name of ["flame", "flame-empty", "flame-memory", "callers", "diff"])
    test(`${name} reads as expected`, () => {
      const expected = vectorMeaning(name);
      const frame = decodeFlame(vectorBytes(name));
      checkHeader(frame.header, expected["header"] as Fields);
      const flame = expected["flame"] as Fields;
      assert.equal(frame.rootTotal, number(flame["root_total_ns"]));
      assert.equal(frame.focus, flame["focus"] === "0" ? ROOT : hex(flame["focus"]));
      assert.equal(frame.matched, number(flame["matched_ns"]));
      assert.equal(frame.matchedCalls, number(flame["matched_calls"]));
      assert.equal(frame.hiddenNodes, flame["hidden_nodes"]);
      assert.equal(frame.treeDepth, flame["depth"]);
      const nodes = expected["nodes"] as Fields[];
      assert.equal(frame.count, nodes.length);
      nodes.forEach((node, index) => checkNode(frame, index, node));
      const heaps = expected["heaps"] as Fields[] | undefined;
      nodes.forEach((_, node) =>
        assert.deepEqual(frame.heap(node), heaps === undefined ? null : heapOf(heaps[node])),
      );
      if (name !== "diff") assert.equal(frame.diff ?? frame.sides(0), null);
    });

  test("diff has both sides of each node, and its base", () => {
    const expected = vectorMeaning("diff");
    const frame = decodeFlame(vectorBytes("diff"));
    const base = expected["diff"] as Fields;
    assert.deepEqual(frame.diff, {
      base: base["base"],
      baseDurationNs: number(base["base_duration_ns"]),
      baseFrom: number(base["base_from_ns"]),
      baseTo: number(base["base_to_ns"]),
      matched: number(base["matched_ns"]),
      normalised: base["normalised"] === 1,
    });
    (expected["nodes"] as Fields[]).forEach((node, index) => {
      const sides = node["sides"] as unknown as Fields;
      const side = (name: string) => ({
        self: number(sides[`${name}_self_ns`]),
        total: number(sides[`${name}_total_ns`]),
        calls: number(sides[`${name}_calls`]),
      });
      assert.deepEqual(frame.sides(index), { before: side("before"), after: side("after") });
    });
  });

  for (const name of ["table", "table-memory"])
    test(`${name} reads as expected`, () => checkTable(name));

  test("memory reads as expected", () => {
    const expected = vectorMeaning("memory");
    const frame = decodeMemory(vectorBytes("memory"));
    checkHeader(frame.header, expected["header"] as Fields);
    assert.deepEqual(frame.all, heapOf(expected["all"] as Fields));
    const memory = expected["memory"] as Fields;
    const { points: pointCount, sizes: sizeCount, flags, ...numbers } = memory;
    for (const [name, value] of Object.entries(numbers))
      if (name !== "reserved")
        assert.equal(frame[camel(name) as keyof MemoryFrame], number(value), name);
    assert.equal(frame.detailed, (number(flags) & proto.MemoryFlag.DETAIL) !== 0);
    assert.equal(frame.ownMalloc, (number(flags) & proto.MemoryFlag.OWN_MALLOC) !== 0);
    const parts = (name: string): Fields[] => expected[name] as Fields[];
    assert.deepEqual(frame.points, parts("points").map(numbersOf));
    assert.equal(frame.points.length, pointCount);
    const sizes = parts("sizes").map(numbersOf);
    assert.deepEqual(
      frame.sizes,
      sizes.map((size) => ({ ...size, high: size["high"] === 2 ** 64 ? Infinity : size["high"] })),
    );
    assert.equal(frame.sizes.length, sizeCount);
    const places = expected["places"] as unknown as (Fields & { heap: Fields })[];
    assert.deepEqual(
      frame.places,
      places.map(({ heap, node, name, file, line, flags }) => ({
        heap: heapOf(heap),
        node: hex(node),
        name,
        file,
        line,
        matched: number(flags) === proto.NodeFlag.MATCHED,
      })),
    );
  });

  test("metrics are called as thagd calls them", () =>
    assert.deepEqual([...METRIC_IDS], proto.METRIC_WORDS));

  function checkTable(name: string): void {
    const expected = vectorMeaning(name);
    const frame = decodeTable(vectorBytes(name));
    checkHeader(frame.header, expected["header"] as Fields);
    const table = expected["table"] as Fields;
    assert.equal(frame.functions, table["functions"]);
    assert.equal(frame.matched, table["matched"]);
    assert.equal(frame.rootTotal, number(table["root_total_ns"]));
    const heaps = expected["heaps"] as Fields[] | undefined;
    const rows = (expected["rows"] as Fields[]).map((row, index) => ({
      name: row["name"],
      file: row["file"],
      line: row["line"],
      id: hex(row["function"]),
      kind: kindOf(number(row["flags"])),
      calls: number(row["calls"]),
      self: number(row["self_ns"]),
      total: number(row["total_ns"]),
      meanNs:
        number(row["calls"]) === 0
          ? null
          : (number(row["total_ns"]) - number(row["open_ns"])) / number(row["calls"]),
      minNs: number(row["min_ns"]),
      maxNs: number(row["max_ns"]),
      p50Ns: number(row["p50_ns"]),
      p99Ns: number(row["p99_ns"]),
      waitNs: number(row["wait_ns"]),
      heap: heaps === undefined ? null : heapOf(heaps[index]),
    }));
    assert.deepEqual(frame.rows, rows);
  }

  test("a mean leaves out the time of calls still open", () => {
    assert.equal(meanOf(4, 100, 0), 25);
    assert.equal(meanOf(0, 100, 100), null);
    assert.equal(meanOf(2, 458, 448), 5);
  });

  test("words read as expected", () => {
    const expected = vectorMeaning("words") as unknown as {
      position: number;
      present: number;
      events: unknown[];
    };
    const { present, events } = readWords(
      new BigUint64Array(vectorBytes("words")),
      BigInt(expected.position),
    );
    assert.equal(present, expected.present);
    assert.deepEqual(events, expected.events);
  });
});

/** Event words in the form of the vectors' meaning. */
function readWords(
  words: BigUint64Array,
  position: bigint,
): { present: number; events: unknown[] } {
  const isThere = (word: bigint, at: number): boolean =>
    ((word ^ (position + BigInt(at))) & proto.WORD_PHASE) === 0n;
  const gap = [...words].findIndex((word, at) => !isThere(word, at));
  const present = gap < 0 ? words.length : gap;
  const events = [];
  for (let at = 0; at < present;) {
    const word = words[at++] as bigint;
    const kind = Number((word >> BigInt(proto.WORD_KIND_SHIFT)) & 7n);
    const arg = Number(word & proto.WORD_ARG_MASK);
    const time = (word >> BigInt(proto.WORD_TIME_SHIFT)).toString();
    if (kind === proto.Kind.ALLOC || kind === proto.Kind.FREE) {
      const payload = [...words.subarray(at, at + (arg & proto.ALLOC_LONG ? 2 : 1))].map(unpack);
      at += payload.length;
      events.push({ kind: proto.Kind[kind], arg, time, payload });
      continue;
    }
    if (kind !== proto.Kind.EXT) {
      events.push({ kind: proto.Kind[kind], arg, time });
      continue;
    }
    const ext = arg >>> proto.EXT_SHIFT;
    const payload = [...words.subarray(at, at + (proto.EXT_PAYLOAD_WORDS[ext] as number))].map(
      unpack,
    );
    at += payload.length;
    events.push({
      kind: "EXT",
      ext: proto.Ext[ext],
      low: arg & ((1 << proto.EXT_SHIFT) - 1),
      time,
      payload,
    });
  }
  return { present, events };
}

function unpack(word: bigint): string {
  const phaseBits = BigInt(proto.WORD_KIND_SHIFT - proto.RING_LOG2);
  return (((word >> phaseBits) & ~proto.WORD_ARG_MASK) | (word & proto.WORD_ARG_MASK)).toString();
}

/** A vector with some bytes changed. */
function changed(name: string, change: (view: DataView) => void): ArrayBuffer {
  const buffer = vectorBytes(name);
  change(new DataView(buffer));
  return buffer;
}

const NODES = proto.Header.SIZE + proto.Flame.SIZE;

function firstPlace(view: DataView): number {
  const head = proto.Header.SIZE;
  const points = view.getUint32(head + proto.Memory.points, true);
  const sizes = view.getUint32(head + proto.Memory.sizes, true);
  return head + proto.Memory.SIZE + points * proto.Point.SIZE + sizes * proto.Size.SIZE;
}

describe("frames", () => {
  test("are refused when cut anywhere", () => {
    for (const name of ["flame", "table", "flame-memory", "table-memory", "memory", "callers", "durations", "diff"]) {
      const whole = vectorBytes(name);
      for (let size = 0; size < whole.byteLength; size++)
        assert.throws(() => decodeFrame(whole.slice(0, size)), FrameError);
    }
  });

  const faults: [string, string, (view: DataView) => void][] = [
    ["another magic", "flame", (view) => view.setUint32(proto.Header.magic, 1, true)],
    ["another version", "flame", (view) => view.setUint16(proto.Header.version, 1, true)],
    ["more sides than bytes", "diff", (view) => view.setUint32(proto.Header.count, 5, true)],
    ["an unknown type", "flame", (view) => view.setUint16(proto.Header.type, 99, true)],
    [
      "more buckets than bytes",
      "durations",
      (view) => view.setUint32(proto.Header.count, 0x20000000, true),
    ],
    [
      "more nodes than bytes",
      "flame",
      (view) => view.setUint32(proto.Header.count, 0xffffffff, true),
    ],
    [
      "more rows than bytes",
      "table",
      (view) => view.setUint32(proto.Header.count, 0x7fffffff, true),
    ],
    [
      "strings outside",
      "flame",
      (view) => view.setUint32(proto.Header.strings_offset, 0xfffffff0, true),
    ],
    [
      "a name outside the strings",
      "flame",
      (view) => view.setUint32(NODES + proto.Node.name_offset, 0xffffffff, true),
    ],
    [
      "a file outside the strings",
      "table",
      (view) =>
        view.setUint32(proto.Header.SIZE + proto.Table.SIZE + proto.Row.file_bytes, 9999, true),
    ],
    [
      "a metric whose records it has not",
      "flame",
      (view) => view.setUint32(proto.Header.metric, proto.Metric.LIVE, true),
    ],
    [
      "more heaps than bytes",
      "flame-memory",
      (view) => view.setUint32(proto.Header.count, 5, true),
    ],
    [
      "more points than bytes",
      "memory",
      (view) => view.setUint32(proto.Header.SIZE + proto.Memory.points, 0xffffffff, true),
    ],
    [
      "more sizes than bytes",
      "memory",
      (view) => view.setUint32(proto.Header.SIZE + proto.Memory.sizes, 0x80000000, true),
    ],
    [
      "more places than bytes",
      "memory",
      (view) => view.setUint32(proto.Header.count, 0xffffffff, true),
    ],
    [
      "a place's name outside the strings",
      "memory",
      (view) => view.setUint32(firstPlace(view) + proto.Place.name_offset, 0xffffffff, true),
    ],
    [
      "a place's file outside the strings",
      "memory",
      (view) => view.setUint32(firstPlace(view) + proto.Place.file_bytes, 9999, true),
    ],
    ["a root with a parent", "flame", (view) => view.setUint32(NODES + proto.Node.parent, 0, true)],
    [
      "a child before its parent",
      "flame",
      (view) => view.setUint32(NODES + proto.Node.SIZE + proto.Node.parent, 3, true),
    ],
    [
      "a second root",
      "flame",
      (view) => view.setUint32(NODES + proto.Node.SIZE + proto.Node.parent, NO_PARENT, true),
    ],
    [
      "a depth that is not its parent's",
      "flame",
      (view) => view.setUint32(NODES + proto.Node.SIZE + proto.Node.depth, 7, true),
    ],
  ];
  for (const [what, name, change] of faults)
    test(`with ${what} are refused`, () =>
      assert.throws(() => decodeFrame(changed(name, change)), FrameError));

  test("with any bytes are read or refused, nothing else", () => {
    let state = 1;
    const random = (below: number): number =>
      (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % below;
    for (let round = 0; round < 20000; round++) {
      const names = ["flame", "table", "flame-memory", "table-memory", "memory", "callers", "durations", "diff"] as const;
      const buffer = changed(names[round % names.length] as string, (view) => {
        for (let count = 1 + random(4); count > 0; count--)
          view.setUint8(random(view.byteLength), random(256));
      });
      try {
        const { kind, frame } = decodeFrame(buffer);
        if (kind === "memory") slicesOf(frame);
        if (kind === "flame" || kind === "callers")
          for (let node = 0; node < frame.count; node++)
            frame.path(node).map((at) => [frame.name(at), frame.heap(at), frame.sides(at)]);
      } catch (error) {
        assert.ok(error instanceof FrameError, String(error));
      }
    }
  });

  test("find no node that is not there", () => {
    const frame = decodeFlame(vectorBytes("flame"));
    assert.equal(frame.find("00000000000000aa"), -1);
    assert.equal(frame.find(ROOT), 0);
  });
});
