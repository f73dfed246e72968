// SPDX-License-Identifier: MIT OR Apache-2.0
/** Callers and callees of a function of a program that runs. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { Daemon, drawn, figure, launchBrowser, openTab, type Tab, until } from "./harness.ts";

let daemon: Daemon;
let browser: Browser;
let tab: Tab;
let page: Page;

before(async () => {
  daemon = await Daemon.start();
  browser = await launchBrowser();
  const program = daemon.run("examples/treestat", "--seconds", "3", "--threads", "2", daemon.directory);
  await new Promise((resolve) => program.once("exit", resolve));
  tab = await openTab(browser, daemon.url);
  page = tab.page;
  await drawn(page);
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

beforeEach(async () => {
  await page.mouse.move(640, 790);
  await page.evaluate(() => (location.hash = ""));
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
});

const rows = (half: string) => page.locator(`#${half}-table tbody tr`);

/** Opens the sandwich of the first function of the table; its name and total. */
async function open(): Promise<{ name: string; total: string }> {
  const row = page.locator(".function-table tbody tr:not([aria-hidden])").first();
  const name = (await row.locator("th bdi").textContent()) ?? "";
  const total = (await row.locator("td").nth(1).textContent()) ?? "";
  await row.hover();
  await row.locator(".more").click();
  await until("both halves", async () =>
    ((await page.locator("#callees-note").textContent()) ?? "").startsWith(name),
  );
  return { name, total };
}

describe("the sandwich", () => {
  test("is reached from the table, and its total is the function's", async () => {
    const { name, total } = await open();
    assert.match(page.url(), /function=[0-9a-f]{16}&view=sandwich/);
    const about = (await page.locator("#callees-note").textContent()) ?? "";
    assert.ok(about.includes(total), `${total} in ${about}`);
    assert.match((await page.locator("#callers-note").textContent()) ?? "", new RegExp("^Callers of "));
    assert.equal(await page.locator("#panel h2").textContent(), name);
    await until("callers in words", async () => (await rows("callers").count()) > 0);
    const shares = await rows("callers").locator("td:nth-of-type(3)").allTextContents();
    assert.equal(shares[0]?.replace("\u202f", ""), "100%", "one of the callers leads to all of it");
  });

  test("has the durations of its function beside it, in a picture and in words", async () => {
    await open();
    await until("the histogram", () => page.locator("#durations").isVisible());
    const figures = page.locator("#durations dl");
    for (const name of ["Min", "p50", "Mean", "p90", "p99", "Max"])
      assert.match(
        (await figures.locator(`dt:text-is("${name}") + dd`).getAttribute("title")) ?? "",
        /^[\d\u202f]+\u202fns$/,
      );
    assert.ok((await page.locator("#durations rect").count()) > 3);
    const calls = await page.locator("#durations-table td:nth-of-type(1)").allTextContents();
    const sum = calls.reduce((sum, text) => sum + Number(text.replaceAll("\u202f", "")), 0);
    const title = await page
      .locator("#panel .figures")
      .first()
      .locator('dt:text-is("Calls") + dd')
      .getAttribute("title");
    assert.equal(sum, Number(title?.replaceAll("\u202f", "")), "every call is in a bucket");
  });

  test("is its address: it survives a reload, and Back leads out of it", async () => {
    const { name } = await open();
    await page.reload();
    await until("the same again", async () =>
      ((await page.locator("#callees-note").textContent()) ?? "").startsWith(name),
    );
    await page.goBack();
    await until("the flamegraph", () => page.locator("#flame-canvas").isVisible());
  });

  test("is walked by the keyboard alone, up to callers and down to callees", async () => {
    await page.keyboard.press("5");
    await until("both halves", async () => (await rows("callers").count()) > 0);
    const name = (await page.locator("#panel h2").textContent()) ?? "";
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowUp");
    await until("a caller", async () => (await page.locator("#panel h2").textContent()) !== name);
    assert.match((await page.locator("#panel section h3").first().textContent()) ?? "", /called through this/);
    const caller = (await page.locator("#panel h2").textContent()) ?? "";
    await page.keyboard.press("c");
    await until("the caller's own", async () =>
      ((await page.locator("#callees-note").textContent()) ?? "").startsWith(caller),
    );
    for (let i = 0; i < 4 && page.url().includes("sandwich"); i++) await page.keyboard.press("Escape");
    await until("the flamegraph", () => page.locator("#flame-canvas").isVisible());
  });

  test("zooms into one half by a click", async () => {
    await page.keyboard.press("3");
    await page.locator(".function-table th button", { hasText: "Total" }).click();
    await open();
    const box = await page.locator("#callees-canvas").boundingBox();
    assert.ok(box);
    await page.mouse.click(box.x + 12, box.y + 19 + 9);
    await until("two crumbs", async () => (await page.locator("#crumbs button").count()) === 2);
    assert.ok((await figure(page, "Total")) !== "");
    await page.keyboard.press("Escape");
    await until("one crumb", async () => (await page.locator("#crumbs button").count()) === 1);
  });

  test("of a function that is not there says so", async () => {
    await page.evaluate(() => (location.hash = "#function=00000000000000ff&view=sandwich"));
    await until("a note", async () =>
      /no call/.test((await page.locator("#callers-note").textContent()) ?? ""),
    );
  });

  for (const colorScheme of ["light", "dark"] as const)
    test(`fits 400 pixels, ${colorScheme}`, async () => {
      await open();
      const narrow = await openTab(browser, page.url(), {
        viewport: { width: 400, height: 760 },
        colorScheme,
      });
      await narrow.page.locator("#callees-canvas").waitFor();
      const wide = await narrow.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 400, `${wide} px`);
      const box = await narrow.page.locator("#callees-canvas").boundingBox();
      assert.ok(box && box.height > 60 && box.width > 300);
      await until("callers in words", async () =>
        (await narrow.page.locator("#callers-table tbody tr").count()) > 0,
      );
      assert.deepEqual(narrow.complaints, []);
      await narrow.page.context().close();
    });

  test("never made the page complain", () => assert.deepEqual(tab.complaints, []));
});
