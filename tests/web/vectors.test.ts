// SPDX-License-Identifier: MIT OR Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as proto from "thag-proto";
import { FlameFrame, NO_PARENT, ROOT } from "thag-web/flame_frame.ts";
import { decodeFrame } from "thag-web/frames.ts";
import { FrameError, type FrameHeader, kindOf } from "thag-web/message.ts";
import { meanOf, type TableFrame } from "thag-web/table_frame.ts";
import { type Fields, vectorBytes, vectorMeaning } from "./vectors.ts";

/** An expected number as the page holds it: rounded above 2^53. */
function number(value: string | number | undefined): number {
  return Number(value);
}

function hex(value: string | number | undefined): string {
  return BigInt(value ?? 0)
    .toString(16)
    .padStart(16, "0");
}

function checkHeader(header: FrameHeader, expected: Fields): void {
  assert.equal(header.session, String(expected["session"]));
  assert.equal(header.type, expected["type"]);
  assert.equal(header.count, expected["count"]);
  assert.equal(header.sequence, expected["sequence"]);
  assert.equal(header.flags, expected["flags"]);
  assert.equal(header.thread, expected["thread"]);
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
  assert.equal(frame.selfNs(node), number(expected["self_ns"]));
  assert.equal(frame.calls(node), number(expected["calls"]));
  assert.equal(frame.minNs(node), number(expected["min_ns"]));
  assert.equal(frame.maxNs(node), number(expected["max_ns"]));
  assert.equal(frame.waitNs(node), number(expected["wait_ns"]));
  assert.equal(frame.openNs(node), number(expected["open_ns"]));
  assert.equal(frame.parent[node], expected["parent"]);
  assert.equal(frame.depth[node], expected["depth"]);
  assert.equal(frame.flags[node], expected["flags"]);
}

describe("vectors", () => {
  for (const name of ["flame", "flame-empty"])
    test(`${name} reads as expected`, () => {
      const expected = vectorMeaning(name);
      const frame = decodeFrame(vectorBytes(name)) as FlameFrame;
      assert.ok(frame instanceof FlameFrame);
      checkHeader(frame.header, expected["header"] as Fields);
      const flame = expected["flame"] as Fields;
      assert.equal(frame.rootTotalNs, number(flame["root_total_ns"]));
      assert.equal(frame.focus, flame["focus"] === "0" ? ROOT : hex(flame["focus"]));
      assert.equal(frame.matchedNs, number(flame["matched_ns"]));
      assert.equal(frame.matchedCalls, number(flame["matched_calls"]));
      assert.equal(frame.hiddenNodes, flame["hidden_nodes"]);
      assert.equal(frame.treeDepth, flame["depth"]);
      const nodes = expected["nodes"] as Fields[];
      assert.equal(frame.count, nodes.length);
      nodes.forEach((node, index) => checkNode(frame, index, node));
    });

  test("table reads as expected", () => {
    const expected = vectorMeaning("table");
    const frame = decodeFrame(vectorBytes("table")) as TableFrame;
    checkHeader(frame.header, expected["header"] as Fields);
    const table = expected["table"] as Fields;
    assert.equal(frame.functions, table["functions"]);
    assert.equal(frame.matched, table["matched"]);
    assert.equal(frame.rootTotalNs, number(table["root_total_ns"]));
    const rows = (expected["rows"] as Fields[]).map((row) => ({
      name: row["name"],
      file: row["file"],
      line: row["line"],
      kind: kindOf(number(row["flags"])),
      calls: number(row["calls"]),
      selfNs: number(row["self_ns"]),
      totalNs: number(row["total_ns"]),
      meanNs: (number(row["total_ns"]) - number(row["open_ns"])) / number(row["calls"]),
      minNs: number(row["min_ns"]),
      maxNs: number(row["max_ns"]),
      p50Ns: number(row["p50_ns"]),
      p99Ns: number(row["p99_ns"]),
      waitNs: number(row["wait_ns"]),
    }));
    assert.deepEqual(frame.rows, rows);
  });

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

describe("frames", () => {
  test("are refused when cut anywhere", () => {
    for (const name of ["flame", "table"]) {
      const whole = vectorBytes(name);
      for (let size = 0; size < whole.byteLength; size++)
        assert.throws(() => decodeFrame(whole.slice(0, size)), FrameError);
    }
  });

  const faults: [string, string, (view: DataView) => void][] = [
    ["another magic", "flame", (view) => view.setUint32(proto.Header.magic, 1, true)],
    ["another version", "flame", (view) => view.setUint16(proto.Header.version, 1, true)],
    ["an unknown type", "flame", (view) => view.setUint16(proto.Header.type, 3, true)],
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
      const buffer = changed(round % 2 === 0 ? "flame" : "table", (view) => {
        for (let count = 1 + random(4); count > 0; count--)
          view.setUint8(random(view.byteLength), random(256));
      });
      try {
        const frame = decodeFrame(buffer);
        if (frame instanceof FlameFrame)
          for (let node = 0; node < frame.count; node++)
            frame.path(node).map((at) => frame.name(at));
      } catch (error) {
        assert.ok(error instanceof FrameError, String(error));
      }
    }
  });

  test("find no node that is not there", () => {
    const frame = decodeFrame(vectorBytes("flame")) as FlameFrame;
    assert.equal(frame.find("00000000000000aa"), -1);
    assert.equal(frame.find(ROOT), 0);
  });
});
