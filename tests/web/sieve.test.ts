// SPDX-License-Identifier: MIT OR Apache-2.0
/** What is left out of the picture: of programs whose calls are known, by the keyboard and the mouse. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { directoryOf, idOf, NO_SIEVE, parseSieve, textOf, watchSieve } from "thag-web/sieve.ts";
import { Daemon, drawn, figure, frameOnRow, launchBrowser, openTab, type Tab, until } from "./harness.ts";

const keeper = join(process.env["THAG_BUILD"] ?? "", "tests/web/keeper");

/** main, and ten that call each other. */
const ALL = 11;

let daemon: Daemon;
let browser: Browser;
let tab: Tab;
let page: Page;

/** Ten functions that call each other five deep: 111,110 calls a round. */
async function runToEnd(program: string, ...options: string[]): Promise<void> {
  const child = daemon.run(program, ...options);
  await new Promise((resolve) => child.once("exit", resolve));
}

before(async () => {
  daemon = await Daemon.start();
  browser = await launchBrowser();
  await runToEnd("tests/web/bushy", "2");
  // a frame that glides to its place is another one at the second look
  tab = await openTab(browser, daemon.url, { reducedMotion: "reduce" });
  page = tab.page;
  await drawn(page);
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

async function functions(page: Page): Promise<string[]> {
  return page.locator(".function-table tbody tr:not([aria-hidden]) th bdi").allTextContents();
}

async function chips(page: Page): Promise<string[]> {
  const texts = await page.locator("#chips li").evaluateAll((all) => all.map((chip) => chip.getAttribute("title") ?? ""));
  return (await page.locator("#chips").isVisible()) ? texts : [];
}

/** Chooses the first frame below main; its name. */
async function chooseFirst(page: Page): Promise<string> {
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  return (await page.locator("#panel h2").textContent()) ?? "";
}

/** The exact total of the frame in the panel. */
async function total(page: Page): Promise<string> {
  return (await page.locator("#panel .figures").first().locator('dt:text-is("Total") + dd').getAttribute("title")) ?? "";
}

describe("what is left out, as text", () => {
  test("is a name where the name says which function it is, else an id", () => {
    assert.equal(idOf("main"), "1f5962a2ce9803c8");
    assert.equal(textOf("main", "1f5962a2ce9803c8"), "main");
    assert.equal(textOf("\ufffd invalid", "00000000000000ab"), "~00000000000000ab");
    assert.equal(textOf("x".repeat(4000), idOf("x".repeat(4000))).length, 17);
    assert.equal(idOf("~00000000000000ab"), "00000000000000ab");
    const sly = "~00000000000000ab";
    assert.equal(idOf(textOf(sly, idOf(" ") )), idOf(" "), "an id is what it looks like");
  });

  test("is read from an address with care", () => {
    const many = Array.from({ length: 40 }, (_, at) => `hide=f${at}`).join("&");
    assert.equal(parseSieve(new URLSearchParams(many)).hidden.length, 32);
    assert.deepEqual(parseSieve(new URLSearchParams(`hide=&hide=&only=${"x".repeat(201)}&recursion=1`)), NO_SIEVE);
    assert.deepEqual(parseSieve(new URLSearchParams(`mine=${"é".repeat(128)}`)), NO_SIEVE);
    assert.deepEqual(parseSieve(new URLSearchParams("hide=a&hide=a")).hidden, ["a"]);
  });

  test("is asked for by ids, and only where there is something", () => {
    assert.deepEqual(watchSieve(NO_SIEVE), {});
    assert.deepEqual(watchSieve({ ...NO_SIEVE, hidden: ["main"], mine: "src/" }), {
      hide: ["1f5962a2ce9803c8"],
      mine: "src/",
    });
  });

  test("takes directories from files", () => {
    assert.equal(directoryOf("../examples/treestat/scan.c"), "examples/treestat/");
    assert.equal(directoryOf("/usr/src/a.c"), "/usr/src/");
    assert.equal(directoryOf("a.c"), "");
  });
});

/** What the root has, of all stacks. */
let entire = "";

describe("what is left out", () => {
  beforeEach(async () => {
    await page.mouse.move(640, 790);
    await page.evaluate(() => (location.hash = ""));
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press("Escape");
    await until("all of it", async () => (await functions(page)).length === ALL);
    // the table comes behind the flamegraph, which the panel is of
    await until("the whole", async () => {
      const shown = await total(page);
      if (entire === "") entire = shown;
      return shown !== "" && shown === entire;
    });
  });

  test("is a function, by one key; the whole takes as long as before", async () => {
    const whole = await total(page);
    const name = await chooseFirst(page);
    await page.keyboard.press("x");
    await until("one less", async () => (await functions(page)).length === ALL - 1);
    assert.ok(!(await functions(page)).includes(name));
    assert.deepEqual(await chips(page), [`Without ${name}`]);
    assert.ok(page.url().includes(`hide=${name}`));
    assert.equal(await total(page), whole, "the root has what it had");
    await page.keyboard.press("Escape");
    await until("all again", async () => (await functions(page)).length === ALL);
    assert.deepEqual(await chips(page), []);
  });

  test("is every stack without a function", async () => {
    const name = await chooseFirst(page);
    const row = page.locator(".function-table tbody tr", { hasText: name });
    const expected = (await row.locator("td").nth(1).textContent()) ?? "";
    await page.keyboard.press("o");
    await until("a chip", async () => (await chips(page))[0] === `Only stacks with ${name}`);
    await page.keyboard.press("Shift+ArrowUp");
    await page.keyboard.press("Shift+ArrowUp");
    await until("the function's total is the whole", async () => {
      const shown = await figure(page, "Total");
      return (await page.locator("#panel h2").textContent()) === "bushy" && shown.includes(expected);
    });
    await page.keyboard.press("Escape");
    await until("no chip", async () => (await chips(page)).length === 0);
    await page.goBack();
    await until("the chip again", async () => (await chips(page)).length === 1);
  });

  test("is recursion, but no call and no time of it", async () => {
    const whole = await total(page);
    const name = await chooseFirst(page);
    const calls = await page.locator(".function-table tbody tr", { hasText: name }).locator("td").nth(2).textContent();
    await page.keyboard.press("u");
    await until("a chip", async () => (await chips(page)).length === 1);
    await page.keyboard.press("Shift+ArrowUp");
    await page.keyboard.press("Shift+ArrowUp");
    await until("the root", async () => (await page.locator("#panel h2").textContent()) === "bushy");
    await until("the same total", async () => (await total(page)) === whole);
    assert.equal(
      await page.locator(".function-table tbody tr", { hasText: name }).locator("td").nth(2).textContent(),
      calls,
    );
    await page.keyboard.press("u");
    await until("no chip", async () => (await chips(page)).length === 0);
  });

  test("is what others wrote", async () => {
    await page.keyboard.press("y");
    const input = page.locator("#mine-path");
    await input.waitFor();
    await input.fill("nowhere.c");
    await page.keyboard.press("Enter");
    await until("no function", async () => (await functions(page)).length === 0);
    assert.deepEqual(await chips(page), ["Only code in nowhere.c"]);
    await page.keyboard.press("y");
    await input.fill("tests/web/");
    await page.keyboard.press("Enter");
    await until("all functions", async () => (await functions(page)).length === ALL);
    await page.locator("#chips li button").click();
    await until("no chip", async () => (await chips(page)).length === 0);
  });

  test("comes from the menu on a frame, and is taken back by its ×", async () => {
    const { x, y, name } = await frameOnRow(page, 2, 0.3);
    await page.mouse.click(x, y, { button: "right" });
    await page.locator("#frame-menu").waitFor();
    assert.equal(await page.locator("#frame-menu p").textContent(), name);
    await page.locator("#frame-menu button", { hasText: "Hide" }).click();
    await until("a chip", async () => (await chips(page))[0] === `Without ${name}`);
    await until("one less", async () => !(await functions(page)).includes(name));
    const other = await frameOnRow(page, 2, 0.3);
    await page.mouse.click(other.x, other.y, { button: "right" });
    await page.locator("#frame-menu").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await until("two chips", async () => (await chips(page)).length === 2);
    await page.keyboard.press("e");
    await page.locator("#frame-menu").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#frame-menu").waitFor({ state: "hidden" });
    await page.locator("#chips li button").last().click();
    await until("one chip", async () => (await chips(page)).length === 1);
    await page.locator("#chips li button").last().click();
    await until("none", async () => (await functions(page)).length === ALL);
  });

  test("is in the address, and survives a reload", async () => {
    await page.evaluate(() => (location.hash = "#hide=oak&hide=pine&only=elm&recursion=collapsed"));
    await until("four chips", async () => (await chips(page)).length === 4);
    await page.reload();
    await until("four chips", async () => (await chips(page)).length === 4);
    await until("two less", async () => (await functions(page)).length === ALL - 2);
    await page.getByText("Show all of it").click();
    await until("all", async () => (await functions(page)).length === ALL);
    await page.evaluate(() => (location.hash = "#only=nobody"));
    await until("a hint", async () => /Nothing is left/.test((await page.locator("#chips").textContent()) ?? ""));
    assert.equal(await page.locator("#empty h1").textContent(), "Nothing is left");
  });

  test("is left out of a sandwich, too", async () => {
    await page.evaluate(() => (location.hash = "#hide=oak"));
    await until("one less", async () => (await functions(page)).length === ALL - 1);
    await page.keyboard.press("5");
    await until("callers", async () => (await page.locator("#callers-table tbody tr").count()) > 0);
    const names = await page.locator("#callers-table tbody th, #callees-table tbody th").allTextContents();
    assert.ok(names.length > 5 && !names.includes("oak"));
  });

  for (const colorScheme of ["light", "dark"] as const)
    test(`fits 400 pixels, ${colorScheme}`, async () => {
      const url = `${daemon.url}#hide=oak&hide=${"long_name_".repeat(12)}&only=elm&recursion=collapsed`;
      const narrow = await openTab(browser, url, { viewport: { width: 400, height: 760 }, colorScheme });
      await until("chips", async () => (await chips(narrow.page)).length === 4);
      await until("frames", async () => (await narrow.page.locator("#flame-table tbody tr").count()) > 0);
      await narrow.page.locator("#panel button", { hasText: "Leave out" }).click();
      await narrow.page.locator("#frame-menu").waitFor();
      const wide = await narrow.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 400, `${wide} px`);
      const box = await narrow.page.locator("#frame-menu").boundingBox();
      assert.ok(box && box.x >= 0 && box.x + box.width <= 400 && box.y + box.height <= 760);
      const shots = process.env["THAG_SHOTS"];
      if (shots) await narrow.page.screenshot({ path: join(shots, `sieve-${colorScheme}.png`) });
      assert.deepEqual(narrow.complaints, []);
      await narrow.page.context().close();
    });

});

describe("what is left out of memory", () => {
  test("is memory: what a hidden function allocated is its caller's", async () => {
    await runToEnd("tools/thag", "run", "--memory", "--quiet", "--", keeper, "3");
    const memory = await openTab(browser, `${daemon.url}#metric=allocated`);
    await drawn(memory.page);
    await until("memory", async () => (await figure(memory.page, "Total")) !== "");
    const whole = await total(memory.page);
    const before = await functions(memory.page);
    const name = before.find((name) => name !== "main") ?? "";
    await memory.page.evaluate((hide) => (location.hash = `#metric=allocated&hide=${hide}`), name);
    await until("one less", async () => !(await functions(memory.page)).includes(name));
    assert.equal(await total(memory.page), whole);
    assert.equal((await functions(memory.page)).length, before.length - 1);
    assert.deepEqual(memory.complaints, []);
    await memory.page.context().close();
  });

  test("never made the page complain", () => assert.deepEqual(tab.complaints, []));
});
