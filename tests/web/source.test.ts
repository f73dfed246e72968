// SPDX-License-Identifier: MIT OR Apache-2.0
/** The source of functions with what its lines cost; and files that are none to be shown. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { costsOf, readSource } from "thag-web/source_lines.ts";
import { code } from "thag-web/names.ts";
import { Daemon, drawn, launchBrowser, openTab, type Tab, until } from "./harness.ts";

const build = process.env["THAG_BUILD"] ?? "";
const sources = join(process.env["THAG_SOURCE"] ?? ".", "tests/web");

function linesOf(name: string): string[] {
  return readFileSync(join(sources, name), "utf8").split("\n");
}

/** The number of the line of a file that holds `text`. */
function lineWith(name: string, text: string): number {
  const at = linesOf(name).findIndex((line) => line.includes(text));
  assert.ok(at >= 0, text);
  return at + 1;
}

function plain(text: string | null): string {
  return (text ?? "").replaceAll("\u202f", " ");
}

describe("a source message", () => {
  test("that makes no sense is read as nothing", () => {
    const source = readSource({ lines: [1, "a"], starts: [null, 7, { line: -1, function: 3 }], memory: 5, places: "x" });
    assert.deepEqual(source.lines, ["", "a"]);
    assert.deepEqual(source.starts, [{ line: 0, function: "", shared: false }]);
    assert.equal(source.memory, null);
    assert.deepEqual(source.places, []);
    assert.deepEqual([...costsOf(source, [])], []);
  });

  test("tells of one of several functions that begin at a line, the one asked for first", () => {
    const row = (id: string, total: number) =>
      ({ id, name: `f<${id}>`, kind: "function", file: "", line: 0, calls: 1, self: 1, total, meanNs: 1, minNs: 0, maxNs: 0, p50Ns: 0, p99Ns: 0, waitNs: 0, heap: null }) as const;
    const starts = ["a", "b", "c"].map((id) => ({ line: 7, function: id, shared: id === "b" }));
    const cost = (asked: string) => costsOf(readSource({ function: asked, starts }), [row("a", 5), row("b", 9), row("c", 1)]).get(7);
    assert.deepEqual([cost("a")?.name, cost("a")?.shared, cost("a")?.crowded], ["f<a>", false, true]);
    assert.deepEqual([cost("c")?.name, cost("x")?.name, cost("x")?.shared], ["f<c>", "f<b>", true]);
  });

  test("keeps tabs, and no other control character", () => {
    assert.equal(code("\ta\u001b[31m\u202eb"), "\ta\u241b[31m\ufffdb");
    assert.equal(code(""), "");
  });
});

let browser: Browser;
let daemon: Daemon;
let tab: Tab;
let page: Page;

before(async () => {
  browser = await launchBrowser();
});

after(() => browser?.close());

afterEach(async () => {
  if (tab === undefined) return;
  const { complaints } = tab;
  await page.context().close();
  assert.deepEqual(complaints, []);
});

async function open(hash = "", options: BrowserContextOptions = {}): Promise<void> {
  tab = await openTab(browser, daemon.url + hash, options);
  page = tab.page;
  await drawn(page);
}

interface Line {
  line: number;
  text: string;
  costs: string[];
}

/** The table of the dialog. */
async function shownLines(): Promise<Line[]> {
  const rows = await page
    .locator(".source-table tbody tr")
    .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent ?? "")));
  return rows.map((cells) => ({
    line: Number(cells[cells.length - 2]),
    text: cells[cells.length - 1] ?? "",
    costs: cells.slice(0, -2).map(plain),
  }));
}

async function lines(): Promise<Line[]> {
  await until("source lines", async () => (await page.locator(".source-table tbody tr").count()) > 0);
  return shownLines();
}

/** Opens the source of a function by its row in the table. */
async function openSource(name: string): Promise<void> {
  await page.locator(".functions tbody tr").filter({ has: page.locator(`bdi:text-is("${name}")`) }).first().click();
  await until("its panel", async () => (await page.locator("#panel h2").textContent()) === name);
  await page.locator("#panel").getByRole("button", { name: "Source" }).click();
  await page.locator("#source-dialog").waitFor({ state: "visible" });
}

async function notes(): Promise<string> {
  return until("what is said of the file", async () => {
    const text = (await page.locator("#source-dialog .notes").textContent()) ?? "";
    return text === "Reading …" ? "" : text;
  });
}

/** The cells of a function in the table behind the dialog, by its column. */
async function tableCell(name: string, column: string): Promise<string> {
  const heads = (await page.locator(".functions thead th").allTextContents()).map((text) => text.trim());
  const row = page.locator(".functions tbody tr").filter({ has: page.locator(`bdi:text-is("${name}")`) }).first();
  const text = plain(await row.locator(":scope > *").nth(heads.indexOf(column)).textContent());
  return text.replace(/ · .*$/, "");
}

describe("source of a program's functions", () => {
  before(async () => {
    daemon = await Daemon.start();
    const files = join(daemon.directory, "files");
    mkdirSync(files);
    const markup = ["", "\t<img src=x onerror=\"window.hacked=1\">", "</table><script>window.hacked=1</script>", "\u001b[31m \u202e gnp \u0001"];
    const long = "y".repeat(3_000_000);
    const bad = Buffer.concat([Buffer.from(`${markup.join("\r\n")}\r\nIN_FILE\n${long}\nlatin `), Buffer.from([0xe4, 0xff]), Buffer.from("\nend")]);
    writeFileSync(join(files, "markup.c"), bad);
    writeFileSync(join(files, "binary.c"), readFileSync(join(build, "tests/web/lines")));
    execFileSync("mkfifo", [join(files, "fifo.c")]);
    symlinkSync("/dev/zero", join(files, "device.c"));
    mkdirSync(join(files, "directory.c"));
    writeFileSync(join(files, "huge.c"), "");
    truncateSync(join(files, "huge.c"), 9 << 20);
    mkdirSync(join(daemon.directory, "away/bin/deep"), { recursive: true });
    mkdirSync(join(daemon.directory, "away/files"));
    writeFileSync(join(daemon.directory, "away/files/beside.c"), "1\n2\n3\n4\nthe fifth\n");
    for (const name of ["one", "other"])
      writeFileSync(join(files, `${name}.c`), Array.from({ length: 9 }, (_, at) => `${name} ${at + 1}`).join("\n"));
    writeFileSync(join(files, "short.c"), "one\ntwo\n");
    writeFileSync(join(files, "many.c"), Array.from({ length: 1500 }, (_, at) => `line ${at + 1}`).join("\n"));
    await new Promise((resolve) => setTimeout(resolve, 20)); // files are older than the program
    const program = join(daemon.directory, "away/bin/deep/lines");
    copyFileSync(join(build, "tests/web/lines"), program);
    await once(daemon.run(relative(build, program)), "exit");
  });

  after(() => daemon?.stop());

  test("has each function's numbers at the line where it begins, as the table has them", async () => {
    await open();
    await openSource("outer");
    const shown = await lines();
    const text = linesOf("lines.c");
    for (const { line, text: told } of shown) assert.equal(told, text[line - 1]);
    for (const [name, calls] of [["inner", "15"], ["outer", "5"], ["part", "5"]] as const) {
      const at = shown.find(({ line }) => line === lineWith("lines.c", `begin of ${name}`));
      if (name === "inner" && at === undefined) continue;
      assert.deepEqual(at?.costs, [await tableCell(name, "Total"), await tableCell(name, "Self"), calls], name);
    }
    const costly = shown.filter(({ costs }) => costs.some((cost) => cost !== "")).map(({ line }) => line);
    assert.deepEqual(costly.filter((line) => text[line - 1]?.includes("begin of") !== true && !text[line - 1]?.includes("ENABLE")), []);
    assert.equal(await page.locator(".source-table [aria-current] th").textContent(), String(lineWith("lines.c", "begin of outer")));
    assert.match((await page.locator("#source-dialog .path").textContent()) ?? "", /\/tests\/web\/lines\.c:\d+$/);
    assert.equal((await page.locator("#source-dialog .notes").isVisible()), false);
    assert.match((await page.locator("#source-about").textContent()) ?? "", /^Times and calls, of all threads, at the line/);
  });

  test("begins a little before the function, and shows more when asked to", async () => {
    await open();
    await openSource("in_many");
    const shown = await lines();
    assert.equal(shown[0]?.line, 696);
    assert.equal(shown.at(-1)?.line, 740);
    await page.getByRole("button", { name: "40 lines more above" }).click();
    await until("lines above", async () => (await shownLines())[0]?.line === 656);
    await page.getByRole("button", { name: "40 lines more below" }).click();
    await until("lines below", async () => (await shownLines()).at(-1)?.line === 780);
    assert.equal((await shownLines()).length, 125);
  });

  test("is in the address, and left by Escape and Back; by the keyboard alone", async () => {
    await open();
    const canvas = page.locator("#flame-canvas");
    await canvas.focus();
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("l");
    await lines();
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Source");
    await page.keyboard.press("ArrowDown"); // scrolls, and moves nothing else
    const { hash } = new URL(page.url());
    assert.match(hash, /source=[0-9a-f]{16}/);
    const name = await page.locator("#source-title").textContent();
    await page.keyboard.press("Escape");
    await page.locator("#source-dialog").waitFor({ state: "hidden" });
    await until("it leaves the address", () => !/source=/.test(page.url()));
    assert.equal(await page.evaluate(() => document.activeElement?.id), "flame-canvas");
    await page.context().close();
    await open(hash);
    await lines();
    assert.equal(await page.locator("#source-title").textContent(), name);
  });

  test("is left by Back", async () => {
    await open();
    await openSource("outer");
    await page.goBack();
    await page.locator("#source-dialog").waitFor({ state: "hidden" });
    await page.goForward();
    await page.locator("#source-dialog").waitFor({ state: "visible" });
    // Forward before the dialog has told that Back closed it
    await page.locator("#source-dialog").evaluate(async (dialog: HTMLDialogElement) => {
      const told = new Promise((tell) => dialog.addEventListener("close", tell, { once: true }));
      dialog.close();
      dialog.showModal();
      await told;
    });
    assert.ok(await page.locator("#source-dialog").isVisible());
    assert.match(page.url(), /source=/);
  });

  test("is text, whatever it holds", async () => {
    await open();
    await openSource("in_markup");
    const shown = await lines();
    const texts = shown.map(({ text }) => text);
    assert.equal(texts[1], "\t<img src=x onerror=\"window.hacked=1\">");
    assert.equal(texts[2], "</table><script>window.hacked=1</script>");
    assert.equal(texts[3], "\u241b[31m \ufffd gnp \u2401");
    assert.equal(texts[5]?.length, 998); // and a character of three bytes
    assert.match(texts[5] ?? "", /^y+…$/);
    assert.equal(texts[6], "latin \ufffd\ufffd");
    assert.equal(texts[7], "end");
    assert.equal(texts.length, 8);
    assert.equal(await page.evaluate(() => "hacked" in window), false);
    assert.equal(await page.locator("#source-dialog img, #source-dialog script").count(), 0);
  });

  for (const [name, why, path] of [
    ["in_binary", /^This file is not text\.$/, /\/files\/binary\.c:5$/],
    ["in_fifo", /^This is not a regular file: it is not read\.$/, /\/files\/fifo\.c:5$/],
    ["in_device", /^This is not a regular file: it is not read\.$/, /^\/dev\/zero:5$/],
    ["in_directory", /^This is a directory, not a file\.$/, /\/files\/directory\.c:5$/],
    ["in_gone", /^There is no such file where the program ran, nor beside/, /^files\/gone\.c:5$/],
    ["in_huge", /^This file is larger than 8 MiB: it is not read\.$/, /\/files\/huge\.c:5$/],
    ["in_memory", /^This is not a regular file: it is not read\.$/, /^\/proc\/\w+\/mem:5$/],
    ["in_short", /^This file ends before that line\.$/, /\/files\/short\.c:5$/],
  ] as const)
    test(`of ${name} is none, which is said`, async () => {
      await open();
      await openSource(name);
      assert.match(await notes(), why);
      assert.equal(await page.locator(".source-table").isVisible(), false);
      assert.match((await page.locator("#source-dialog .path").textContent()) ?? "", path);
      assert.equal((await daemon.get("/")).status, 200);
    });

  test("of a relative path is found beside the program, too, which is said", async () => {
    await open();
    await openSource("in_beside");
    const shown = await lines();
    assert.equal(shown[4]?.text, "the fifth");
    assert.match(await notes(), /^Its path is relative: it was found from where the program's file is\.$/);
    assert.equal(await page.locator("#source-dialog .path").textContent(), `${daemon.directory}/away/files/beside.c:5`);
  });

  test("of a name that is in two files is either, with what both have together", async () => {
    await open();
    await openSource("twin");
    const shown = await lines();
    const total = await tableCell("twin", "Total");
    assert.deepEqual(shown[4], { line: 5, text: "one 5", costs: [`${total} †`, `${total} †`, "2"] });
    assert.match((await page.locator("#source-about").textContent()) ?? "", /† There are others of this name/);
    const places = page.getByLabel("Which of the files that have it");
    assert.deepEqual(await places.locator("option").allTextContents(), ["files/one.c:5", "files/other.c:6"]);
    await places.selectOption({ index: 1 });
    await until("the other file", async () => (await shownLines())[4]?.text === "other 6");
    assert.equal((await shownLines())[4]?.costs[2], "2");
  });

  test("opens in the chart, too", async () => {
    await open("#view=chart");
    await until("calls", async () => (await page.locator("#chart-table tbody tr").count()) > 0);
    await page.locator("#chart-canvas").focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("Shift+ArrowDown");
    await page.locator("#chart-panel").getByRole("button", { name: "Source" }).click();
    assert.ok((await lines()).length > 3);
  });

  test("says when the file was changed since", async () => {
    await open();
    const path = join(daemon.directory, "files/many.c");
    writeFileSync(path, readFileSync(path));
    await openSource("in_many");
    assert.match(await notes(), /^This file was changed since the program began/);
    await lines();
  });

  for (const colorScheme of ["light", "dark"] as const)
    test(`fits 400 pixels, ${colorScheme}`, async () => {
      await open("", { viewport: { width: 400, height: 760 }, colorScheme });
      await openSource("outer");
      await lines();
      const box = await page.locator("#source-dialog").boundingBox();
      assert.ok(box !== null && box.x >= 0 && box.x + box.width <= 400 && box.y + box.height <= 760, JSON.stringify(box));
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 400));
      const code = await page.locator(".source-table [aria-current] code").boundingBox();
      assert.ok(code !== null && code.x < 300, `the text is in sight: ${code?.x}`);
      const directory = process.env["THAG_PICTURES"];
      if (directory !== undefined) await page.screenshot({ path: join(directory, `source-400-${colorScheme}.png`) });
    });

  test("is read in its theme's colours", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await open("", { colorScheme });
      await openSource("outer");
      await lines();
      const directory = process.env["THAG_PICTURES"];
      if (directory !== undefined) await page.screenshot({ path: join(directory, `source-${colorScheme}.png`) });
      if (colorScheme === "light") await page.context().close();
    }
  });
});

describe("memory of source lines", () => {
  before(async () => {
    daemon = await Daemon.start();
    const keeper = join(build, "tests/web/keeper");
    await once(daemon.run("tools/thag", "run", "--memory", "--quiet", "--", keeper, "50"), "exit");
  });

  after(() => daemon?.stop());

  test("is that of the native stacks that go through them", async () => {
    await open();
    await openSource("main");
    await lines();
    for (let more = page.getByRole("button", { name: "more above" }); await more.isVisible(); ) {
      const first = (await shownLines())[0]?.line ?? 0;
      await more.click();
      await until("lines above", async () => ((await shownLines())[0]?.line ?? 0) < first);
    }
    const shown = await shownLines();
    const costs = (text: string): string[] | undefined =>
      shown.find(({ line }) => line === lineWith("keeper.c", text))?.costs;
    const heads = await page.locator(".source-table thead th").allTextContents();
    assert.deepEqual(heads, ["Allocated bytes", "Self", "Allocs", "Live", "Line", "Source"]);
    assert.deepEqual(costs("the line that is looked for"), ["97.7 KiB", "97.7 KiB", "100", "97.7 KiB"]);
    assert.deepEqual(costs("\tforget();"), ["97.7 KiB", "0 B", "100", "97.7 KiB"]);
    assert.deepEqual(costs("malloc(33)"), ["33 B", "33 B", "1", "33 B"]);
    assert.deepEqual(costs("(size_t)4 << 20"), ["4.00 MiB", "4.00 MiB", "1", "0 B"]);
    assert.deepEqual(costs("\tspike();"), ["4.00 MiB", "0 B", "1", "0 B"]);
    assert.deepEqual(costs("malloc(100)"), ["4.88 KiB", "4.88 KiB", "50", "0 B"]);
    assert.deepEqual(costs("free(block);"), ["", "", "", ""]);
    assert.match((await page.locator("#source-about").textContent()) ?? "", /^Memory of the native stacks/);
    const directory = process.env["THAG_PICTURES"];
    if (directory !== undefined) await page.screenshot({ path: join(directory, "source-memory.png") });
  });

  test("is of the metric in force", async () => {
    await open("#metric=leaked");
    await openSource("forget");
    const shown = await lines();
    const heads = await page.locator(".source-table thead th").allTextContents();
    assert.deepEqual(heads, ["Leaked", "Self", "Allocated", "Allocs", "Live", "Line", "Source"]);
    const at = shown.find(({ line }) => line === lineWith("keeper.c", "the line that is looked for"));
    assert.deepEqual(at?.costs, ["97.7 KiB", "97.7 KiB", "97.7 KiB", "100", "97.7 KiB"]);
  });
});

describe("source of other sessions", () => {
  before(async () => {
    daemon = await Daemon.start();
  });

  after(() => daemon?.stop());

  test("of a program that runs has numbers that grow; a wrong id has none", async () => {
    daemon.run("examples/treestat", "--seconds", "600");
    await open();
    await page.locator("#flame-canvas").focus();
    await page.keyboard.press("l");
    await lines();
    const calls = async (): Promise<string> => (await shownLines()).map(({ costs }) => costs[2] ?? "").join(" ");
    const first = await calls();
    await until("more calls", async () => (await calls()) !== first);
    const session = /session=\d+/.exec(page.url())?.[0] ?? "";
    await page.evaluate((hash) => (location.hash = hash), `${session}&source=00000000000000ff`);
    await until("it is not known", async () => /^The file of this function isn't known\.$/.test(await notes()));
    await page.keyboard.press("Escape");
  });

  test("of a recording is found where its program ran", async () => {
    const thag = (...words: string[]): string =>
      execFileSync(join(build, "tools/thag"), words, {
        env: { ...process.env, THAG_SOCKET: daemon.control },
        cwd: daemon.directory,
      }).toString();
    const file = join(daemon.directory, "lines");
    thag("run", "-q", "-o", file, "--", join(build, "tests/web/lines"));
    thag("open", `${file}.thag`);
    const { sessions } = JSON.parse((await daemon.get("/api/sessions")).body) as { sessions: { id: string; state: string }[] };
    const opened = sessions.find(({ state }) => state === "recorded");
    await open(`#session=${opened?.id}`);
    await openSource("outer");
    const at = (await lines()).find(({ line }) => line === lineWith("lines.c", "begin of outer"));
    assert.equal(at?.costs[2], "5");
  });
});
