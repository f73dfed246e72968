// SPDX-License-Identifier: MIT OR Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Searches } from "thag-web/searches.ts";

const refused = (text: string) => ({ field: "search", text, message: "no", at: 0 });

describe("searches", () => {
  test("are asked for as they are", () => {
    const searches = new Searches();
    assert.equal(searches.ask("a"), "a");
    assert.equal(searches.ask(""), "");
    assert.equal(searches.fault("a"), null);
  });

  test("that make no sense leave the last one that did", () => {
    const searches = new Searches();
    searches.ask("a");
    searches.ask("a(");
    searches.refuse(refused("a("));
    assert.equal(searches.ask("a("), "a");
    assert.deepEqual(searches.fault("a("), refused("a("));
    assert.equal(searches.ask("a(b)"), "a(b)");
  });

  test("may be refused late, several at once", () => {
    const searches = new Searches();
    for (const text of ["a", "a(", "a(b"]) searches.ask(text);
    searches.refuse(refused("a("));
    searches.refuse(refused("a(b"));
    assert.equal(searches.ask("a(b"), "a");
  });

  test("begin with none", () => {
    const searches = new Searches();
    searches.ask("(");
    searches.refuse(refused("("));
    assert.equal(searches.ask("("), "");
  });
});
