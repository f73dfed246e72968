// SPDX-License-Identifier: MIT OR Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  bytes,
  count,
  exact,
  exactBytes,
  exactTime,
  moment,
  plural,
  share,
  time,
} from "thag-web/format.ts";
import { baseName, display, fit, shorterForms } from "thag-web/names.ts";
import { hasRange, isOpenRange, rangeOf, rangeText } from "thag-web/range.ts";
import { readSessions, stateText } from "thag-web/sessions.ts";
import { DEFAULT_VIEW, formatView, parseView, type View } from "thag-web/url.ts";

/** Text with its narrow no-break spaces written as underscores. */
function seen(text: string): string {
  return text.replaceAll("\u202f", "_");
}

describe("numbers", () => {
  test("times have three significant digits and a unit", () => {
    const cases: [number, string][] = [
      [0, "0_ns"],
      [7, "7_ns"],
      [21.3, "21.3_ns"],
      [999, "999_ns"],
      [999.9, "1.00_µs"],
      [1234, "1.23_µs"],
      [12345, "12.3_µs"],
      [999600, "1.00_ms"],
      [123456789, "123_ms"],
      [12400000000, "12.4_s"],
      [125e9, "2_min 05_s"],
      [3600e9 * 3 + 420e9, "3_h 07_min"],
    ];
    for (const [ns, text] of cases) assert.equal(seen(time(ns)), text);
  });

  test("counts are exact as long as they are short", () => {
    assert.deepEqual(
      [0, 9999, 10000, 999960, 41200000, 3.14e9].map((value) => seen(count(value))),
      ["0", "9_999", "10.0_k", "1.00_M", "41.2_M", "3.14_G"],
    );
    assert.equal(seen(exact(18014398509481984)), "18_014_398_509_481_984");
    assert.equal(seen(exactTime(1234567)), "1_234_567_ns");
    assert.deepEqual([plural(1, "call"), plural(0, "call")].map(seen), ["1_call", "0_calls"]);
  });

  test("bytes go in powers of 1024, up to what no process has", () => {
    const cases: [number, string][] = [
      [0, "0_B"],
      [1, "1_B"],
      [1023, "1_023_B"],
      [1024, "1.00_KiB"],
      [1536, "1.50_KiB"],
      [65536, "64.0_KiB"],
      [2 ** 20 - 1, "1.00_MiB"],
      [123 * 2 ** 20, "123_MiB"],
      [2 ** 30, "1.00_GiB"],
      [3.5 * 2 ** 40, "3.50_TiB"],
      [2 ** 64, "16777216_TiB"],
    ];
    for (const [size, text] of cases) assert.equal(seen(bytes(size)), text);
    assert.equal(seen(exactBytes(1234567)), "1_234_567_B");
  });

  test("shares never claim nothing or all", () => {
    assert.deepEqual(
      [
        [0, 5],
        [1, 1e6],
        [1, 3],
        [3, 3],
        [1, 0],
      ].map(([part, whole]) => seen(share(part as number, whole as number))),
      ["0.0_%", "<_0.1_%", "33.3_%", "100_%", "0.0_%"],
    );
  });

  test("moments name the day unless it is today", () => {
    const now = new Date(2026, 10, 22, 12, 0, 0);
    assert.equal(moment(new Date(2026, 10, 22, 9, 5, 1), now), "09:05:01");
    assert.equal(moment(new Date(2026, 10, 21, 9, 5, 1), now), "2026-11-21 09:05:01");
  });
});

describe("names", () => {
  test("show what would hide or reorder them", () => {
    assert.equal(display("a\nb\u0000c"), "a\u240ab\u2400c");
    assert.equal(display("\u202egnp.exe"), "\ufffdgnp.exe");
    assert.equal(display(""), "(no name)");
    assert.equal(display("<b>;été"), "<b>;été");
  });

  test("lose arguments first, then the path, then words", () => {
    const forms = shorterForms("std::map<int, list<int>>::insert_or_assign(const int&, int)");
    assert.ok(forms.includes("std::map<int, list<int>>::insert_or_assign(…)"));
    assert.ok(forms.includes("std::map::insert_or_assign"));
    assert.ok(forms.includes("…insert_or_assign"));
    assert.ok(forms.includes("insert_or…"));
    for (const form of forms) assert.ok(!/[a-z]…/.test(form) || /(insert|or)…$/.test(form), form);
  });

  test("fit their room or stay away", () => {
    const measure = (text: string): number => text.length;
    assert.equal(fit("walk_directory", 14, measure), "walk_directory");
    assert.equal(fit("walk_directory", 13, measure), "walk…");
    assert.equal(fit("walk_directory", 4, measure), "");
    assert.equal(fit("/usr/include/stdio.h", 9, measure), "…stdio.h");
    assert.equal(fit("parseTokenList", 12, measure), "parseToken…");
    assert.equal(fit("f(a(b), c)", 5, measure), "f(…)");
    assert.equal(fit("f(", 1, measure), "");
    assert.equal(fit("<script>alert</script>", 5, measure), "");
    assert.equal(fit("operator<=>(a, b)", 11, measure), "operator<=>");
  });

  test("of files end in their last part", () =>
    assert.deepEqual(["/a/b.c", "b.c", ""].map(baseName), ["b.c", "b.c", ""]));
});

describe("the address", () => {
  test("is empty for the default view", () => {
    assert.equal(formatView(DEFAULT_VIEW), "");
    assert.deepEqual(parseView(""), DEFAULT_VIEW);
  });

  test("holds the whole view", () => {
    const view: View = {
      session: "7",
      thread: 4242,
      function: "00000000000000ab",
      focus: "0123456789abcdef",
      from: 0.25,
      to: 0.5,
      source: "89abcdef01234567",
      search: "a&b=c #;é",
      metric: "leaked",
      by: "calls",
      rangeFrom: 1_000_000,
      rangeTo: 2_500_000_000,
      spanFrom: 3_000_000,
      spanTo: 4_000_000,
      last: -1,
      base: "6",
      baseFrom: 5,
      baseTo: 7_000_000,
      mode: "relative",
      layout: "functions",
      sort: "p99",
      ascending: true,
      raw: true,
      flipped: true,
      heavy: true,
      colorBy: "self",
      hidden: ["std::map<a&b, c=d>::at", "é;#", "~00000000000000ff"],
      only: "main",
      collapse: true,
      mine: "src/a b/",
    };
    assert.deepEqual(parseView(formatView(view)), view);
  });

  test("may have a range that goes on", () => {
    const view = { ...DEFAULT_VIEW, session: "4", rangeFrom: 12_300_000_000 };
    assert.equal(formatView(view), "#session=4&from=12300000000");
    assert.deepEqual(parseView(formatView(view)), view);
    assert.deepEqual([hasRange(view), isOpenRange(view)], [true, true]);
    assert.deepEqual([hasRange(DEFAULT_VIEW), isOpenRange({ rangeFrom: 3, rangeTo: 4 })], [false, false]);
    assert.equal(rangeText(view.rangeFrom, view.rangeTo).replace(/\s/g, " "), "since 12.3 s");
    assert.deepEqual(rangeOf(view, 15e9), { from: 12.3e9, to: 15e9 });
    assert.deepEqual(rangeOf(view, 0), { from: 12.3e9, to: 12.3e9 }, "it never ends before it begins");
    assert.equal(rangeOf(DEFAULT_VIEW, 15e9), null);
  });

  test("with nonsense gives defaults", () => {
    const nonsense =
      "#session=x&thread=-1&focus=zz&window=0.9-0.1&view=none&sort=<b>&order=up&times=1";
    assert.deepEqual(parseView(nonsense), DEFAULT_VIEW);
    assert.deepEqual(parseView("#window=a-b&thread=1.5"), DEFAULT_VIEW);
    for (const range of ["from=5&to=5", "from=-1&to=5", "from=1.5&to=9", "to=1e99", "from=0", "from=7&to=", "from=1e99"])
      assert.deepEqual(parseView(`#metric=rss&by=me&${range}`), DEFAULT_VIEW, range);
    for (const span of ["at=5-5", "at=5", "at=-1-5", "at=a-b", "at=1-1e99", "last=1.5", "last=-7", "last=x"])
      assert.deepEqual(parseView(`#${span}`), DEFAULT_VIEW, span);
  });
});

describe("sessions", () => {
  test("come newest first, whatever is missing", () => {
    const sessions = readSessions([
      {
        id: "1",
        program: "old",
        start: "2026-11-22T10:00:00.000Z",
        state: "crashed",
        signal: "SIGSEGV",
      },
      {
        id: "2",
        program: "new",
        start: "2026-11-22T10:00:01.000Z",
        state: "what",
        threads: [{ tid: 5, calls: 6 }],
      },
      null,
      { id: "3" },
    ]);
    assert.deepEqual(
      sessions.map(({ id }) => id),
      ["2", "1", "3"],
    );
    assert.deepEqual(sessions[0]?.threads, [{ tid: 5, calls: 6, ended: false, name: "" }]);
    assert.equal(sessions[0]?.state, "ended");
    assert.equal(stateText(sessions[1] as (typeof sessions)[0]), "crashed by SIGSEGV");
    assert.deepEqual(readSessions("nonsense"), []);
  });
});
