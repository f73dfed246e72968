// SPDX-License-Identifier: MIT OR Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chart, Header } from "thag-proto";
import { Asks, type ChartRequest, planRequest } from "thag-web/flamechart_asks.ts";
import { activityRows } from "thag-web/flamechart_axis.ts";
import { LaneLayout, NoteHomes } from "thag-web/flamechart_lanes.ts";
import { momentText } from "thag-web/flamechart_memory.ts";
import { FrameIndex } from "thag-web/flamechart_pick.ts";
import { Place, type WindowView } from "thag-web/flamechart_place.ts";
import { SliceFlag } from "thag-web/flamechart_slices.ts";
import { axisOf, panSpan, placeText, spanAround, spanWith, zoomSpan } from "thag-web/flamechart_window.ts";
import { FrameError } from "thag-web/message.ts";
import { readSlowest } from "thag-web/slowest_calls.ts";
import { chartBytes, type ChartSpec, decodeChart } from "./charts.ts";

/** Two threads, one with a task; columns of 16 ticks, two nanoseconds a tick, after 2^60 ticks. */
const SPEC: ChartSpec = {
  startTicks: 1n << 60n,
  nsPerTick: 2,
  window: [1024, 3072],
  all: [0, 4096],
  wholeNs: 512,
  dropped: 7,
  lanes: [
    { ring: 0, tid: 100, rows: 3, name: "main", activity: [255, 128] },
    { ring: 0, kind: 1, tid: 100, rows: 2 },
    { ring: 4, tid: 101, rows: 1, activity: [0, 64] },
  ],
  asked: [
    [0, 0, 0, 3],
    [4, 0, 0, 1],
  ],
  sites: [
    { site: 5, name: "parse", file: "/src/parse.c", line: 12, function: 0xabcdn },
    { site: 6, name: "lex", flags: 2 },
    { site: 900, name: "worker" },
  ],
  notes: [
    { site: 5, kind: 0, ring: 0, at: 1200 },
    { site: 6, kind: 1, ring: 4, at: 1300, value: -5, min: -9, max: 3 },
  ],
  rows: [
    {
      lane: 0,
      row: 0,
      shift: 4,
      slices: [
        { from: 512, ticks: 100, site: 5, flags: SliceFlag.BEFORE },
        { column: 38, columns: 1, calls: 3, cover: 128, site: 6 },
        { from: 620, ticks: 300, site: 6, flags: SliceFlag.SECTION },
        { column: 60, columns: 4, calls: 4e9, cover: 255, site: 6 },
      ],
    },
    { lane: 1, row: 0, shift: 9, slices: [{ column: 1, columns: 2, calls: 900, cover: 1, site: 900 }] },
  ],
};

/** What a row's slices are, as text. */
function texts(bytes: ArrayBuffer, lane: number): string[] {
  const { slices, sites } = decodeChart(bytes);
  return slices.rows
    .filter((row) => row.lane === lane)
    .flatMap(({ row, first, count }) =>
      Array.from({ length: count }, (_, at) => {
        const index = first + at;
        const name = sites.get(slices.site[index] as number)?.name;
        const times = `${slices.start[index]}–${slices.end[index]}`;
        return `${row} ${name} ${times} ×${slices.count[index]} ${slices.cover[index]} ${slices.flags[index]}`;
      }),
    );
}

describe("a flamechart's frame", () => {
  test("has slices where they were, to the tick, however late the clock is", () => {
    assert.deepEqual(texts(chartBytes(SPEC), 0), [
      "0 parse 1024–1224 ×1 255 2",
      "0 lex 1216–1248 ×3 128 1",
      "0 lex 1240–1840 ×1 255 8",
      "0 lex 1920–2048 ×4000000000 255 1",
    ]);
  });

  test("has merged slices of coarser columns, which may begin before the window", () => {
    assert.deepEqual(texts(chartBytes(SPEC), 1), ["0 worker 1024–3072 ×900 1 1"]);
    const late = { ...SPEC, window: [1100, 3072] as [number, number] };
    late.rows = [{ ...(SPEC.rows[1] as ChartSpec["rows"][0]) }];
    assert.deepEqual(texts(chartBytes(late), 1), ["0 worker 1024–3072 ×900 1 1"]);
  });

  test("has lanes, sites, notes and activity", () => {
    const frame = decodeChart(chartBytes(SPEC));
    assert.deepEqual(
      frame.lanes.map(({ ring, tasks, tid, rows, name }) => [ring, tasks, tid, rows, name]),
      [
        [0, false, 100, 3, "main"],
        [0, true, 100, 2, ""],
        [4, false, 101, 1, ""],
      ],
    );
    assert.deepEqual(frame.sites.get(5), {
      name: "parse",
      file: "/src/parse.c",
      line: 12,
      kind: "function",
      function: "000000000000abcd",
    });
    assert.equal(frame.sites.get(6)?.kind, "section");
    const [, value] = frame.notes;
    assert.deepEqual([value?.min, value?.last, value?.max, value?.isValue], [-9, -5, 3, true]);
    assert.deepEqual([frame.fromNs, frame.toNs, frame.lastNs, frame.wholeNs], [1024, 3072, 4096, 512]);
    assert.equal(frame.droppedEvents, 7);
    assert.deepEqual([...(frame.lanes[0]?.activity.subarray(0, 3) ?? [])], [255, 128, 0]);
    assert.deepEqual(
      activityRows(frame.lanes, 9).map((row) => row.slice(0, 2).map((busy) => Math.round(busy * 255))),
      [
        [255, 128],
        [0, 64],
      ],
    );
    assert.deepEqual(activityRows(frame.lanes, 1)[0]?.slice(0, 2), [1, 128 / 255]);
  });

  test("without slices is a list of lanes", () => {
    const bytes = chartBytes({ ...SPEC, asked: [], rows: [] });
    assert.equal(decodeChart(bytes).slices.start.length, 0);
    new DataView(bytes).setUint32(Header.SIZE + Chart.view_bytes, 0, true);
    assert.equal(decodeChart(bytes).lanes.length, 3);
  });

  test("that is cut off or says more than it has is refused", () => {
    const change = (at: number, value: number): ArrayBuffer => {
      const bytes = chartBytes(SPEC);
      new DataView(bytes).setUint32(at, value, true);
      return bytes;
    };
    for (const field of [Chart.lanes, Chart.sites, Chart.notes, Chart.asked, Chart.activity_columns])
      for (const value of [1000, 0x10000000, 0xffffffff])
        assert.throws(() => decodeChart(change(Header.SIZE + field, value)), FrameError, `${field} ${value}`);
    for (const field of [Chart.view_offset, Chart.view_bytes])
      assert.throws(() => decodeChart(change(Header.SIZE + field, 0xfffffff0)), FrameError);
    assert.throws(() => decodeChart(change(Header.SIZE + Chart.ns_per_tick + 4, 0xfff80000)), FrameError);
  });

  test("whose slices make no sense is refused", () => {
    const viewAt = new DataView(chartBytes(SPEC)).getUint32(Header.SIZE + Chart.view_offset, true);
    const set = (offset: number, value: number): ArrayBuffer => {
      const bytes = chartBytes(SPEC);
      new DataView(bytes).setUint32(viewAt + offset, value, true);
      return bytes;
    };
    const faults: [string, number, number][] = [
      ["rows", 24, 0x0fffffff],
      ["a lane not asked for", 32, 2],
      ["a wide column", 40, 60],
      ["slices", 44, 0x7fffffff],
      ["bytes", 48, 0x7fffffff],
      ["too few bytes", 48, 9],
    ];
    for (const [what, offset, value] of faults)
      assert.throws(() => decodeChart(set(offset, value)), FrameError, what);
  });

  test("with any byte of its slices changed is refused or read, and never hangs", () => {
    const whole = chartBytes(SPEC);
    const head = new DataView(whole);
    const from = head.getUint32(Header.SIZE + Chart.view_offset, true);
    const bytes = head.getUint32(Header.SIZE + Chart.view_bytes, true);
    let refused = 0;
    for (let at = from; at < from + bytes; at++)
      for (const value of [0, 0x7f, 0x80, 0xff]) {
        const changed = whole.slice(0);
        new Uint8Array(changed)[at] = value;
        try {
          const { slices } = decodeChart(changed);
          assert.ok(slices.start.every(Number.isFinite) && slices.start.length < 1000);
        } catch (error) {
          assert.ok(error instanceof FrameError, String(error));
          refused++;
        }
      }
    assert.ok(refused > 20, `${refused} refused`);
  });
});

describe("slices", () => {
  const index = new FrameIndex(decodeChart(chartBytes(SPEC)));

  test("are found by place, the later of two above the earlier", () => {
    const name = (ns: number, reach = 0): string | undefined => index.at("0", 0, ns, reach)?.site.name;
    assert.deepEqual([name(1100), name(1230), name(1241), name(1900)], ["parse", "lex", "lex", undefined]);
    assert.equal(index.at("0", 0, 1241, 0)?.flags, SliceFlag.SECTION);
    assert.equal(name(1900, 100), "lex");
    assert.equal(index.at("0", 7, 1100, 1e9), null);
  });

  test("have neighbours in their row", () => {
    const first = index.at("0", 0, 1100, 0);
    assert.ok(first !== null);
    const second = index.neighbour(first, "right");
    assert.equal(second?.startNs, 1216);
    assert.deepEqual(index.neighbour(second as NonNullable<typeof second>, "left"), first);
    assert.equal(index.neighbour(first, "left"), null);
    assert.equal(index.neighbour(first, "up"), null);
  });

  test("are found again as calls of a function", () => {
    assert.equal(index.call("000000000000abcd", 0, 1025, 2)?.startNs, 1024);
    assert.equal(index.call("000000000000abcd", 4, 1025, 2), null);
    assert.equal(index.call("000000000000abcd", 0, 1100, 2), null);
  });
});

describe("the window", () => {
  const bounds = { from: 100, to: 10100 };

  test("is zoomed around a place and stays within all there is", () => {
    assert.deepEqual(zoomSpan({ from: 1000, to: 2000 }, 0.5, 0.25, bounds), { from: 1125, to: 1625 });
    assert.deepEqual(zoomSpan({ from: 1000, to: 2000 }, 100, 0.25, bounds), bounds);
    assert.deepEqual(panSpan({ from: 1000, to: 2000 }, -5, bounds), { from: 100, to: 1100 });
    assert.deepEqual(panSpan({ from: 1000, to: 2000 }, 50, bounds), { from: 9100, to: 10100 });
    const { from, to } = zoomSpan({ from: 1000, to: 2000 }, 1e-9, 0.5, bounds);
    assert.ok(to - from >= 20 && from < 1500 && to > 1500);
  });

  test("moves no further than brings a call into sight", () => {
    const span = { from: 1000, to: 2000 };
    assert.deepEqual(spanWith(span, { from: 1200, to: 1300 }, bounds), span);
    assert.deepEqual(spanWith(span, { from: 2200, to: 2300 }, bounds), { from: 1400, to: 2400 });
    assert.deepEqual(spanAround({ from: 1000, to: 2000 }, 0.5, bounds), { from: 500, to: 2500 });
  });

  test("has marks with units, counted from the last whole one where they would be long", () => {
    const wide = axisOf({ from: 0, to: 4e9 }, 800, 100);
    assert.deepEqual(wide.marks.map(({ text }) => text), ["0", "0.5\u202fs", "1.0\u202fs", "1.5\u202fs", "2.0\u202fs", "2.5\u202fs", "3.0\u202fs", "3.5\u202fs", "4.0\u202fs"]);
    const deep = axisOf({ from: 3.2009984e9, to: 3.2010024e9 }, 800, 200);
    assert.deepEqual(deep.marks.map(({ text }) => text), ["+999\u202fµs", "3.201\u202fs", "+1\u202fµs", "+2\u202fµs"]);
    assert.equal(deep.base, "3.200\u202fs");
    assert.equal(placeText(1234567890, 1000), "1.234\u202f568\u202fs");
  });
});

describe("lanes", () => {
  const frame = decodeChart(chartBytes(SPEC));
  const { lanes, notes } = frame;

  test("lie one under the other, marks and values above their thread's rows", () => {
    const homes = new NoteHomes();
    assert.ok(homes.add(frame));
    assert.ok(!homes.add(frame));
    const layout = new LaneLayout(lanes, homes, new Set());
    assert.deepEqual(layout.blocks.map(({ key, rows, notes: bands }) => [key, rows, bands.length]), [
      ["0", 3, 1],
      ["0t", 2, 0],
      ["4", 1, 1],
    ]);
    for (let at = 1; at < layout.blocks.length; at++)
      assert.equal(layout.blocks[at]?.top, layout.blocks[at - 1]?.bottom);
    const [first] = layout.blocks;
    assert.equal(layout.at((first?.rowsTop ?? 0) + 20)?.row, 1);
    assert.equal(layout.at(0)?.row, -1);
    assert.equal(layout.at(layout.height + 5), null);
  });

  test("share what several threads set", () => {
    const homes = new NoteHomes();
    homes.add(frame);
    assert.ok(homes.add({ ...frame, notes: notes.map((note) => ({ ...note, ring: note.ring + 4 })) }));
    const layout = new LaneLayout(lanes, homes, new Set(["0"]));
    assert.deepEqual(layout.blocks.map(({ key, rows, collapsed }) => [key, rows, collapsed]), [
      ["", 0, false],
      ["0", 0, true],
      ["0t", 2, false],
      ["4", 1, false],
    ]);
    assert.deepEqual(layout.blocks[0]?.notes.map(({ kind }) => kind), ["marks", "value"]);
  });

  test("have live memory above all others, where there is any", () => {
    const moments: [number, number, number][] = [
      [0, 5000, 6000],
      [2048, 4096, 5000],
    ];
    const withMemory = decodeChart(chartBytes({ ...SPEC, moments }));
    assert.deepEqual(withMemory.moments[1], { startNs: 2048, liveBytes: 4096, highBytes: 5000 });
    assert.deepEqual(withMemory.notes, notes);
    assert.deepEqual(texts(chartBytes({ ...SPEC, moments }), 0), texts(chartBytes(SPEC), 0));
    const homes = new NoteHomes();
    homes.add(frame);
    assert.ok(homes.add(withMemory));
    assert.ok(!homes.add(frame));
    const [first, second] = new LaneLayout(lanes, homes, new Set()).blocks;
    assert.deepEqual(first?.notes.map(({ kind }) => kind), ["memory"]);
    assert.deepEqual([first?.lane, first?.bottom], [null, second?.top]);
    assert.equal(momentText(withMemory, 2047), "4.88\u202fKiB live, at most 5.86\u202fKiB just then");
    assert.equal(momentText({ ...withMemory, moments: [] }, 2047), "");
  });

  test("are asked for where they are in sight, in steps", () => {
    const many = Array.from({ length: 100 }, (_, ring) => ({ ...(lanes[0] as (typeof lanes)[0]), ring, rows: 40 }));
    const layout = new LaneLayout(many, new NoteHomes(), new Set());
    const asked = layout.asked(0, 400, -1);
    assert.deepEqual(asked, [{ ring: 0, tasks: false, firstRow: 0, rows: 32 }]);
    assert.deepEqual(layout.asked(5, 400, -1), asked);
    assert.deepEqual(layout.asked(0, 400, 50)[1], { ring: 50, tasks: false, firstRow: 0, rows: 40 });
  });
});

describe("what is asked for", () => {
  const need = {
    session: "7",
    span: { from: 2000, to: 3000 },
    last: 0,
    width: 100,
    lanes: [{ ring: 1, tasks: true, firstRow: 0, rows: 16 }],
    paused: false,
  };

  test("is half a window more on both sides, and nothing new while that is enough", () => {
    const first = planRequest(null, need, 0, 9000);
    const { from, to, columns, lanes } = first;
    assert.deepEqual([from, to, columns, lanes], [1500, 3500, 200, [[1, 1, 0, 16]]]);
    assert.deepEqual(planRequest(first, { ...need, span: { from: 2200, to: 3200 } }, 0, 9000), first);
    const panned = planRequest(first, { ...need, span: { from: 2400, to: 3400 } }, 0, 9000);
    assert.deepEqual([panned.from, panned.to], [1900, 3900]);
    const zoomed = planRequest(first, { ...need, span: { from: 2000, to: 2500 } }, 0, 9000);
    assert.deepEqual([zoomed.from, zoomed.to], [1750, 2750]);
    const other = planRequest(first, { ...need, session: "8" }, 0, 9000);
    assert.equal(other.session, "8");
  });

  test("is all, or the newest", () => {
    const all = planRequest(null, { ...need, span: null }, 0, 9000);
    assert.deepEqual([all.from, all.to, all.last, all.columns], [0, 0, 0, 100]);
    const last = planRequest(null, { ...need, last: 1000 }, 0, 9000);
    assert.deepEqual([last.from, last.to, last.last, last.columns], [0, 0, 1500, 150]);
  });

  test("goes out one at a time, the newest when an answer came", () => {
    const sent: ChartRequest[] = [];
    const asks = new Asks((request) => sent.push(request));
    const request = (from: number): ChartRequest => planRequest(null, { ...need, span: { from, to: from + 1000 } }, 0, 9000);
    for (const from of [2000, 3000, 4000, 5000]) asks.want(request(from));
    assert.deepEqual(sent.map(({ from }) => from), [1500]);
    asks.answered();
    assert.deepEqual(sent.map(({ from }) => from), [1500, 4500]);
    asks.answered();
    asks.answered();
    assert.equal(sent.length, 2);
    asks.again();
    assert.equal(sent.length, 3);
    asks.want(null);
    assert.equal(sent[3]?.session, "");
    asks.want(null);
    assert.equal(sent.length, 4);
  });
});

describe("the place in time", () => {
  /** A place, and the view it commits to. */
  function placeOf(isLive: boolean): { place: Place; view: () => WindowView } {
    let view: WindowView = { spanFrom: 0, spanTo: 0, last: 0 };
    const place = new Place({
      isLive: () => isLive,
      view: () => view,
      commit: (next) => (view = next),
      isStill: () => true,
    });
    place.setBounds({ firstNs: 0, lastNs: 20e9 });
    place.step(0);
    return { place, view: () => view };
  }

  test("is all of what has ended, and the newest of what runs", () => {
    assert.deepEqual(placeOf(false).place.target, { from: 0, to: 20e9 });
    const { place } = placeOf(true);
    assert.deepEqual(place.target, { from: 15e9, to: 20e9 });
    place.setBounds({ firstNs: 0, lastNs: 21e9 });
    assert.deepEqual(place.target, { from: 16e9, to: 21e9 });
  });

  test("follows until it is moved, and again when asked to", () => {
    const { place, view } = placeOf(true);
    place.zoomByKey(0.5, 0.5);
    assert.ok(place.isFollowing);
    assert.equal(place.followed, 2.5e9);
    place.pan(-1, false);
    assert.ok(!place.isFollowing);
    place.setBounds({ firstNs: 0, lastNs: 30e9 });
    assert.deepEqual(place.step(0), { from: 10e9, to: 15e9 });
    place.follow();
    place.commit();
    assert.deepEqual(place.target, { from: 25e9, to: 30e9 });
    assert.deepEqual(view(), { spanFrom: 0, spanTo: 0, last: 5e9 });
  });

  test("goes back a step at a time", () => {
    const { place, view } = placeOf(false);
    place.setSpan({ from: 1e9, to: 2e9 }, false);
    place.commit();
    place.zoom(0.5, 0, false);
    place.commit();
    assert.ok(place.back());
    assert.deepEqual(view(), { spanFrom: 1e9, spanTo: 2e9, last: 0 });
    assert.ok(place.back());
    assert.deepEqual(place.target, { from: 0, to: 20e9 });
    assert.ok(!place.back());
  });
});

describe("slowest calls", () => {
  test("are read as far as they make sense", () => {
    const good = { start: 5, duration: 9, ring: 1, tid: 77 };
    const read = readSlowest({ session: 7, function: "ab", calls: [good, null, "x", { start: -1, duration: "y" }] });
    assert.deepEqual(read, {
      session: "7",
      function: "ab",
      calls: [good, { start: 0, duration: 0, ring: 0, tid: 0 }],
    });
    assert.deepEqual(readSlowest({ calls: 9 }).calls, []);
  });
});
