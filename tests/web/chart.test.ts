// SPDX-License-Identifier: MIT OR Apache-2.0
/** The flamechart of programs whose parts are known. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { Daemon, launchBrowser, openTab, type Tab, until } from "./harness.ts";

const UNITS: Record<string, number> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };

/** A time as the page writes it, in nanoseconds. */
function ns(text: string): number {
  const [, value, unit] = /([\d.\u202f]+)\u202f(ns|µs|ms|s)$/.exec(text.trim()) ?? [];
  assert.ok(value !== undefined && unit !== undefined, `a time: ${text}`);
  return Number(value.replace(/\u202f/g, "")) * (UNITS[unit] as number);
}

interface Row {
  name: string;
  thread: string;
  begins: number;
  lasts: number;
}

/** The chart in words. */
async function rows(page: Page): Promise<Row[]> {
  const cells = await page
    .locator("#chart-table tbody tr")
    .evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent ?? "")));
  return cells.map(([name, thread, begins, lasts]) => ({
    name: name ?? "",
    thread: thread ?? "",
    begins: ns(begins ?? ""),
    lasts: ns(lasts ?? ""),
  }));
}

/** Waits until the chart has a call in sight. */
async function charted(page: Page): Promise<void> {
  await until("calls in the chart", async () => (await page.locator("#chart-table tbody tr").count()) > 0);
}

/** The window, from the address. */
function windowOf(page: Page): [number, number] | null {
  const [, from, to] = /[#&]at=(\d+)-(\d+)/.exec(page.url()) ?? [];
  return from === undefined ? null : [Number(from), Number(to)];
}

/** The window that `act` leads to, once it rests. */
async function windowAfter(page: Page, act: () => Promise<unknown>): Promise<[number, number]> {
  const before = JSON.stringify(windowOf(page));
  await act();
  let last = before;
  return until("another window that rests", async () => {
    const now = JSON.stringify(windowOf(page));
    const rests = now === last && now !== before;
    last = now;
    if (rests) return windowOf(page);
    await page.waitForTimeout(300);
    return null;
  });
}

async function box(page: Page, selector: string): Promise<{ x: number; y: number; width: number; height: number }> {
  const found = await page.locator(selector).boundingBox();
  if (found === null) throw new Error(`no ${selector}`);
  return found;
}

/** Drags over an element from one share of its width to another. */
async function drag(page: Page, selector: string, from: number, to: number, y = 0.5): Promise<void> {
  const { x, y: top, width, height } = await box(page, selector);
  const at = top + y * height;
  await page.mouse.move(x + from * width, at);
  await page.mouse.down();
  await page.mouse.move(x + ((from + to) / 2) * width, at);
  await page.mouse.move(x + to * width, at);
  await page.mouse.up();
}

function about(page: Page): Promise<string> {
  return page.locator("#chart-about").textContent().then((text) => text ?? "");
}

describe("the flamechart of a run that has ended", () => {
  let daemon: Daemon;
  let browser: Browser;
  let tab: Tab;
  let page: Page;
  let all: Row[];

  before(async () => {
    daemon = await Daemon.start();
    browser = await launchBrowser();
    await once(daemon.run("tests/web/phases"), "exit");
    tab = await openTab(browser, `${daemon.url}#view=chart`);
    page = tab.page;
    await charted(page);
    all = await rows(page);
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  beforeEach(async () => {
    await page.mouse.move(640, 790);
    await page.evaluate(() => (location.hash = "#view=chart"));
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.waitForTimeout(300);
  });

  const named = (name: string): Row => {
    const row = all.find((entry) => entry.name === name);
    assert.ok(row !== undefined, `${name} among ${all.map((entry) => entry.name).join(", ")}`);
    return row;
  };

  test("has each part where and as long as it was", () => {
    const [load, steps, save, help] = ["load", "steps", "save", "help"].map(named) as [Row, Row, Row, Row];
    for (const part of [load, save]) assert.ok(part.lasts >= 199e6, `${part.name}: ${part.lasts}`);
    assert.ok(steps.lasts >= 138e6, String(steps.lasts));
    assert.ok(help.begins >= load.begins + load.lasts - 5e6);
    assert.ok(steps.begins >= help.begins + help.lasts - 5e6);
    assert.ok(save.begins >= steps.begins + steps.lasts - 5e6);
    assert.match(help.thread, /^helper · \d+$/);
    assert.notEqual(load.thread, help.thread);
  });

  test("is moved and zoomed by keys; the address has the window; Escape leads back", async () => {
    const zoomed = await windowAfter(page, async () => {
      await page.keyboard.press("w");
      await page.keyboard.press("w");
    });
    const moved = await windowAfter(page, () => page.keyboard.press("ArrowRight"));
    assert.ok(moved[0] > zoomed[0]);
    assert.ok(Math.abs(moved[1] - moved[0] - (zoomed[1] - zoomed[0])) < 10);
    const shown = await about(page);
    await page.reload();
    await charted(page);
    assert.equal(await about(page), shown);
    assert.deepEqual(windowOf(page), moved);
    await page.keyboard.press("f");
    await until("all of the run", () => windowOf(page) === null);
    await page.keyboard.press("Escape");
    await until("the window before", () => windowOf(page)?.[0] === moved[0]);
  });

  test("is zoomed at the pointer by the wheel, and dragged", async () => {
    const { x, y, width } = await box(page, "#chart-canvas");
    const main = named("main");
    await page.mouse.move(x + 0.25 * width, y + 60);
    const zoomed = await windowAfter(page, () => page.mouse.wheel(0, -400));
    const fixed = zoomed[0] + 0.25 * (zoomed[1] - zoomed[0]);
    const before = main.begins + 0.25 * main.lasts;
    assert.ok(Math.abs(fixed - before) < 0.03 * main.lasts, `${fixed}, not ${before}`);
    assert.ok(zoomed[1] - zoomed[0] < 0.5 * main.lasts);
    const moved = await windowAfter(page, () => drag(page, "#chart-canvas", 0.6, 0.4, 0.8));
    const length = zoomed[1] - zoomed[0];
    assert.ok(Math.abs(moved[0] - zoomed[0] - 0.2 * length) < 0.02 * length);
  });

  test("chooses the range of time that all views are of", async () => {
    const main = named("main");
    const save = named("save");
    const at = (share: number): number => (save.begins + share * save.lasts - main.begins) / main.lasts;
    await drag(page, "#chart-axis", at(0.2), at(0.8));
    const chip = page.locator("#range-chip");
    await chip.waitFor({ state: "visible" });
    assert.match(page.url(), /from=\d+&to=\d+/);
    await page.keyboard.press("2");
    const frames = page.locator("#flame-table tbody th");
    await until("a flamegraph of that time alone", async () => {
      const names = await frames.allTextContents();
      return names.includes("save") && !names.includes("load") && !names.includes("steps");
    });
    const total = await page.locator("#panel .figures dd").first().textContent();
    assert.ok(Math.abs(ns((total ?? "").split(" ·")[0] ?? "") - 0.6 * save.lasts) < 0.1 * save.lasts, total ?? "");
    await chip.getByRole("button").click();
    await until("all of it", async () => (await frames.allTextContents()).includes("load"));
    assert.ok(!(await chip.isVisible()));
  });

  test("makes its window the range by a key", async () => {
    const window = await windowAfter(page, () => page.keyboard.press("w"));
    await page.keyboard.press("g");
    await page.locator("#range-chip").waitFor({ state: "visible" });
    const [, from, to] = /from=(\d+)&to=(\d+)/.exec(page.url()) ?? [];
    assert.deepEqual([Number(from), Number(to)], window);
  });

  test("tells of a call that is chosen, and of its function's slowest ones", async () => {
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
    const chosen = page.locator("#chart-chosen");
    await until("a choice", async () => /, .* at .*, /.test((await chosen.textContent()) ?? ""));
    await page.evaluate(() => (location.hash = ""));
    await page.locator("#main[data-layout=split] .functions").waitFor();
    await page.locator(".functions tbody tr", { hasText: "step" }).first().click();
    const slowest = page.locator("#panel .slowest li");
    await until("slow calls", async () => (await slowest.count()) > 3);
    const longest = ns((await slowest.first().locator(".number").textContent()) ?? "");
    assert.ok(longest >= 39e6, String(longest));
    await slowest.first().getByRole("button").click();
    await until("the call in the chart", async () => /^steps?, /.test((await chosen.textContent()) ?? ""));
    assert.match(page.url(), /view=chart/);
    assert.ok((windowOf(page) ?? [0, 0])[0] > named("steps").begins);
    assert.match((await page.locator("#chart-panel h2").textContent()) ?? "", /^steps?$/);
    assert.ok(await page.locator("#chart-panel .slowest").isVisible());
  });

  test("goes on to the sandwich of the call's function", async () => {
    await page.keyboard.press("Shift+ArrowDown");
    await until("a function in the panel", async () => /function=/.test(page.url()));
    await page.keyboard.press("c");
    await page.locator("#callees-note").waitFor({ state: "visible" });
    assert.match(page.url(), /view=sandwich/);
  });

  test("shows what is searched for, and the tip of what is pointed at", async () => {
    const canvas = page.locator("#chart-canvas");
    const before = await canvas.screenshot();
    await page.keyboard.press("/");
    await page.keyboard.type("save");
    await page.waitForTimeout(600);
    assert.ok(!before.equals(await canvas.screenshot()), "nothing is highlighted");
    await page.keyboard.press("Escape");
    const { x, y, width } = await box(page, "#chart-canvas");
    const tip = page.locator("#chart-tip");
    for (let down = 30; down < 200 && !(await tip.isVisible()); down += 10)
      await page.mouse.move(x + 0.1 * width, y + down);
    assert.match((await tip.textContent()) ?? "", /(main|load|loaded)/);
  });

  test("has lanes that collapse", async () => {
    const head = page.locator(".chart-head").first();
    const second = page.locator(".chart-head").nth(1);
    const before = await second.evaluate((element) => element.getBoundingClientRect().top);
    await head.focus();
    await page.keyboard.press("Enter");
    assert.equal(await head.getAttribute("aria-expanded"), "false");
    await until("less room", async () =>
      (await second.evaluate((element) => element.getBoundingClientRect().top)) < before - 20,
    );
    await head.click();
    assert.equal(await head.getAttribute("aria-expanded"), "true");
  });

  test("never made the page complain", () => assert.deepEqual(tab.complaints, []));
});

describe("the flamechart of a program that runs", () => {
  let daemon: Daemon;
  let browser: Browser;

  before(async () => {
    daemon = await Daemon.start();
    browser = await launchBrowser();
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  test("follows the newest until it is moved, and again when asked to", async () => {
    daemon.run("tests/web/phases", "on");
    const { page, complaints } = await openTab(browser, `${daemon.url}#view=chart`);
    await charted(page);
    const goesOn = async (): Promise<void> => {
      const text = await about(page);
      await until("it goes on", async () => (await about(page)) !== text);
    };
    await goesOn();
    const follow = page.locator("#chart-follow");
    assert.ok(!(await follow.isVisible()));
    await page.keyboard.press("w");
    await goesOn();
    await page.keyboard.press("a");
    await follow.waitFor({ state: "visible" });
    const still = await about(page);
    await page.waitForTimeout(700);
    assert.equal(await about(page), still);
    await follow.click();
    await page.mouse.move(640, 790);
    await goesOn();
    await page.keyboard.press("p");
    await page.waitForTimeout(500);
    const paused = await about(page);
    await page.waitForTimeout(700);
    assert.equal(await about(page), paused);
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("takes names for names, light and dark, in 400 px", async () => {
    daemon.run("tests/web/hostile", "2"); // so few calls that all are told in words
    for (const colorScheme of ["light", "dark"] as const) {
      const options = { viewport: { width: 400, height: 760 }, colorScheme };
      const { page, complaints } = await openTab(browser, `${daemon.url}#view=chart`, options);
      await charted(page);
      // one after the other: the first chart may be of what was before
      await until("its names", async () => (await rows(page)).some(({ name }) => name.includes("<script>")));
      assert.equal(await page.evaluate(() => "hacked" in window), false);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 400, `${wide} px wide`);
      const { width, height } = await box(page, "#chart-canvas");
      assert.ok(width > 300 && height > 100, `${width} × ${height}`);
      assert.deepEqual(complaints, []);
      await page.context().close();
    }
  });
});
