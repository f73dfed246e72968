// SPDX-License-Identifier: MIT OR Apache-2.0
/** The page beside a program whose memory is profiled: one of known allocations, keeper.c. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, afterEach, before, describe, test } from "node:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import {
  Daemon,
  drawn,
  figure,
  frameOnRow,
  launchBrowser,
  LOST_CONNECTION,
  openTab,
  type Tab,
  until,
  zoomedTo,
} from "./harness.ts";

const keeper = join(process.env["THAG_BUILD"] ?? "", "tests/web/keeper");
const source = readFileSync(
  join(process.env["THAG_SOURCE"] ?? ".", "tests/web/keeper.c"),
  "utf8",
).split("\n");

/** FILE:LINE of the line of keeper.c that holds `text`. */
function placeOf(text: string): string {
  return `keeper.c:${source.findIndex((line) => line.includes(text)) + 1}`;
}

const FORGOTTEN = placeOf("the line that is looked for");

/** Text with its narrow no-break spaces as plain ones. */
function plain(text: string | null): string {
  return (text ?? "").replaceAll("\u202f", " ");
}

async function textOf(page: Page, selector: string): Promise<string> {
  return plain(await page.locator(selector).textContent());
}

async function textsOf(page: Page, selector: string): Promise<string[]> {
  return (await page.locator(selector).allTextContents()).map(plain);
}

/** Runs keeper with its memory profiled: for so many ticks, or until the daemon is stopped. */
function runKeeper(daemon: Daemon, ...ticks: string[]): ReturnType<Daemon["run"]> {
  return daemon.run("tools/thag", "run", "--memory", "--quiet", "--", keeper, ...ticks);
}

/** The names of the frames shown, with their totals. */
async function frames(page: Page): Promise<Map<string, string>> {
  const names = await textsOf(page, "#flame-table tbody th");
  const totals = await textsOf(page, "#flame-table tbody td:nth-child(3)");
  return new Map(names.map((name, at) => [name, totals[at] ?? ""]));
}

/** The chart's area in which ranges are dragged. */
async function chartBox(page: Page): Promise<{ x: number; y: number; width: number }> {
  const box = await page.locator("#timeline-chart .u-over").boundingBox();
  if (box === null) throw new Error("no chart");
  return box;
}

/** Drags over the chart, from and to a part of its width. */
async function drag(page: Page, from: number, to: number): Promise<void> {
  const { x, y, width } = await chartBox(page);
  await page.mouse.move(x + from * width, y + 30);
  await page.mouse.down();
  await page.mouse.move(x + ((from + to) / 2) * width, y + 35);
  await page.mouse.move(x + to * width, y + 30);
  await page.mouse.up();
}

/** What the address says after the #. */
function addressOf(page: Page): Promise<string> {
  return page.evaluate(() => location.hash);
}

/** The address's range, nanoseconds; null for none. */
async function rangeOf(page: Page): Promise<[number, number] | null> {
  const fields = new URLSearchParams((await addressOf(page)).slice(1));
  const [from, to] = [fields.get("from"), fields.get("to")];
  return from === null || to === null ? null : [Number(from), Number(to)];
}

describe("memory of a program that has ended", () => {
  let daemon: Daemon;
  let browser: Browser;
  let tab: Tab;
  let page: Page;

  before(async () => {
    daemon = await Daemon.start();
    browser = await launchBrowser();
    await once(runKeeper(daemon, "50"), "exit");
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  afterEach(async () => {
    const { complaints } = tab;
    await page.context().close();
    assert.deepEqual(complaints, []);
  });

  async function open(hash = "", options = {}): Promise<void> {
    tab = await openTab(browser, daemon.url + hash, options);
    page = tab.page;
    await drawn(page);
  }

  test("opens on a metric of memory, by native stacks", async () => {
    await open();
    assert.equal(await page.locator("#metric").inputValue(), "allocated");
    assert.equal(await page.locator("#by").inputValue(), "traces");
    const options = await textsOf(page, "#metric option");
    assert.ok(options.includes("Leaked"), options.join());
    assert.ok(!options.includes("Time"), options.join());
    assert.equal(await page.locator("#thread").isVisible(), false);
    assert.equal(await page.locator("#raw").isVisible(), false);
    assert.match(await textOf(page, "#status"), /bytes allocated.*by native stack/);
    const shown = await frames(page);
    for (const name of ["main", "forget", "spike", "tick"]) assert.ok(shown.has(name), name);
    assert.equal(shown.get("forget"), "97.7 KiB");
    assert.equal(shown.get("spike"), "4.00 MiB");
    assert.equal(shown.get("tick"), "4.88 KiB");
  });

  test("is a lane of the chart, above those of threads", async () => {
    tab = await openTab(browser, `${daemon.url}#view=chart`);
    page = tab.page;
    await page.locator(".chart-head", { hasText: "Process" }).waitFor();
    const box = await page.locator(".chart-head", { hasText: "Process" }).boundingBox();
    const canvas = await page.locator("#chart-canvas").boundingBox();
    assert.ok(box !== null && canvas !== null);
    const liveAt = async (share: number): Promise<string> => {
      await page.mouse.move(canvas.x + share * canvas.width, box.y + box.height + 20);
      return textOf(page, "#chart-tip");
    };
    const texts = [];
    for (let share = 0.02; share < 1; share += 0.04) texts.push(await liveAt(share));
    // the blocks of forget(), the one of spike(), then without that
    const peak = texts.findIndex((text) => /^4\.\d+ MiB live/.test(text));
    assert.ok(peak > 2 && peak < 20, texts.join("\n"));
    assert.match(texts[peak - 3] ?? "", /^9\d\.\d KiB live/);
    assert.match(texts.at(-1) ?? "", /^9\d\.\d KiB live/);
    if (process.env["THAG_SHOTS"]) await page.screenshot({ path: join(process.env["THAG_SHOTS"], "memory-lane.png") });
  });

  test("is switched between metrics by keys and in the address", async () => {
    await open("#metric=leaked");
    await until("what leaked", async () => (await frames(page)).get("forget") === "97.7 KiB");
    assert.ok(!(await frames(page)).has("tick"), "tick leaks nothing");
    await page.keyboard.press("m");
    assert.match(await addressOf(page), /metric=temporary/);
    await until("counts", async () => (await frames(page)).get("tick") === "50");
    await page.keyboard.press("Shift+M");
    await page.keyboard.press("Shift+M");
    assert.match(await addressOf(page), /metric=peak/);
    await until("the peak", async () => (await frames(page)).get("spike") === "4.00 MiB");
    await page.locator("#metric").selectOption("allocations");
    await until("counts", async () => (await frames(page)).get("forget") === "100");
    await page.locator("#metric").selectOption("freed");
    await until("who freed it", async () => (await frames(page)).get("spike") === "4.00 MiB");
    assert.ok(!(await frames(page)).has("forget"), "forget frees nothing");
    await page.goBack();
    assert.match(await addressOf(page), /metric=allocations/);
    await page.reload();
    await drawn(page);
    assert.equal(await page.locator("#metric").inputValue(), "allocations");
  });

  test("has calls and native stacks", async () => {
    await open();
    await page.locator("#by").waitFor();
    await page.keyboard.press("b");
    assert.match(await addressOf(page), /by=calls/);
    await until("calls", async () => /by profiled call/.test(await textOf(page, "#status")));
    await until("none was profiled", async () => !(await frames(page)).has("forget"));
    await page.locator("#by").selectOption("traces");
    await until("stacks", async () => (await frames(page)).has("forget"));
  });

  test("tells all of a frame's record", async () => {
    await open("#search=forget");
    await page.locator(".function-table tbody tr", { hasText: "forget" }).first().click();
    await until("forget", async () => (await textOf(page, "#panel h2")) === "forget");
    assert.match(plain(await figure(page, "Allocated")), /^97\.7 KiB$/);
    assert.equal(plain(await figure(page, "Allocations")), "100");
    assert.equal(plain(await figure(page, "Leaked")), "97.7 KiB · 100");
    assert.equal(plain(await figure(page, "Live")), "97.7 KiB · 100");
    assert.equal(plain(await figure(page, "At the peak")), "97.7 KiB");
    assert.equal(plain(await figure(page, "Mean size")), "1 000 B");
    assert.equal(plain(await figure(page, "Temporary")), "0 · 0.0 %");
    assert.equal(plain(await figure(page, "Reallocations")), "0");
    assert.equal(plain(await figure(page, "Freed here")), "0 B · 0");
  });

  test("has a table of leaks, by function, file and line", async () => {
    await open("#view=memory");
    const row = page.locator("#places-scroll tbody tr", { hasText: FORGOTTEN });
    await row.waitFor();
    assert.match(plain(await row.textContent()), /^forget ?keeper\.c:\d+97\.7 KiB · .*%100/);
    assert.match(await textOf(page, "#places-title"), / leaked, by place$/);
    const first = page.locator("#places-scroll tbody tr:not([aria-hidden])").first();
    assert.match(plain(await first.textContent()), /^forget/);
    await page.locator("#places-scroll thead button", { hasText: "Allocated" }).click();
    assert.match(await addressOf(page), /sort=allocated/);
    assert.match(plain(await first.textContent()), /^spike/);
    await page.keyboard.press("/");
    await page.keyboard.type(FORGOTTEN);
    await until("one place", async () => {
      const places = await textsOf(page, "#places-scroll tbody tr:not([aria-hidden])");
      return places.length === 1 && places[0]?.startsWith("forget");
    });
    // the row that has the focus keeps it, wherever it is in the table
    await row.focus();
    await page.keyboard.press("Escape");
    const rows = page.locator("#places-scroll tbody tr:not([aria-hidden])");
    await until("all places", async () => (await rows.count()) > 1);
    await page.keyboard.press("Enter");
    await until("the zoom", async () => /^(forget|malloc)$/.test(await zoomedTo(page)));
    assert.match(await addressOf(page), /focus=[0-9a-f]{16}/);
    assert.ok(await page.locator("#flame-canvas").isVisible());
  });

  test("has a histogram of sizes", async () => {
    await open("#view=memory");
    const row = (name: string): Promise<string> =>
      page.locator("#sizes tbody tr").filter({ hasText: name }).first().innerText().then(plain);
    await page.locator("#sizes tbody tr").first().waitFor();
    const names = await textsOf(page, "#sizes tbody th");
    assert.deepEqual(names, ["0–64", "65–256", "257–1K", "1K–4K", "4K–16K", "16K–64K", "> 64K"]);
    assert.match(await row("257–1K"), /10\d\s/);
    assert.match(await row("> 64K"), /1\s+4\.00 MiB/);
    await page.locator("#sizes-finer").click();
    const finer = await textsOf(page, "#sizes tbody th");
    assert.ok(finer.some((name) => /96–/.test(name)), finer.join());
    assert.ok(!finer.includes("0–64"), finer.join());
    assert.equal(await page.locator("#sizes-finer").getAttribute("aria-pressed"), "true");
    assert.match(await textOf(page, "#process"), /Peak4\.\d+ MiB/);
  });

  test("is shown of a range of time that is dragged, and of all again", async () => {
    await open();
    // ticks begin at 1.2 s and take at least 0.5 s: the last tenth has nothing else
    await drag(page, 0.9, 0.99);
    await until("ticks alone", async () => {
      const shown = await frames(page);
      return shown.has("tick") && !shown.has("forget") && !shown.has("spike");
    });
    const [from, to] = (await rangeOf(page)) ?? [0, 0];
    assert.ok(from > 1e9 && to > from, `${from} ${to}`);
    assert.match(await textOf(page, "#timeline-range"), / s – .* s$/);
    assert.match(await textOf(page, "#status"), /from .* to /);
    await page.reload();
    await drawn(page);
    assert.deepEqual((await rangeOf(page)), [from, to], "after a reload");
    assert.ok(!(await frames(page)).has("forget"));
    const { x, y, width } = await chartBox(page);
    await page.mouse.dblclick(x + 0.2 * width, y + 30);
    assert.equal((await rangeOf(page)), null);
    await until("all of it", async () => (await frames(page)).has("forget"));
    await drag(page, 0.8, 0.97);
    await page.keyboard.press("Escape");
    assert.equal((await rangeOf(page)), null);
    await page.goBack();
    assert.notEqual((await rangeOf(page)), null, "Back brings the range back");
  });

  test("is shown of a range that is set by keys", async () => {
    await open();
    const from = page.getByRole("slider", { name: "Range of time: from" });
    const to = page.getByRole("slider", { name: "Range of time: to" });
    await to.focus();
    for (let step = 0; step < 8; step++) await page.keyboard.press("PageDown");
    const range = await rangeOf(page);
    assert.equal(range?.[0], 0);
    await until("what came first", async () => {
      const shown = await frames(page);
      return shown.has("forget") && !shown.has("tick") && !shown.has("spike");
    });
    assert.match((await to.getAttribute("aria-valuetext")) ?? "", /\d\u202fm?s$/);
    await page.keyboard.press("End");
    assert.equal((await rangeOf(page)), null);
    await from.focus();
    await page.keyboard.press("ArrowRight");
    assert.ok(((await rangeOf(page))?.[0] ?? 0) > 0);
    await page.keyboard.press("Escape");
    assert.equal((await rangeOf(page)), null);
  });

  test("is shown of a range that a finger chose, on a narrow screen", async () => {
    await open("", { viewport: { width: 400, height: 800 }, hasTouch: true });
    const { x, y, width } = await chartBox(page);
    const client = await page.context().newCDPSession(page);
    const touch = (type: string, at: number | null): Promise<unknown> =>
      client.send("Input.dispatchTouchEvent", {
        type: type as "touchStart",
        touchPoints: at === null ? [] : [{ x: x + at * width, y: y + 40 }],
      });
    await touch("touchStart", 0.9);
    for (const at of [0.88, 0.8, 0.75, 0.7]) await touch("touchMove", at);
    await touch("touchEnd", null);
    await until("a range", async () => (await rangeOf(page)) !== null);
    await until("its frames", async () => !(await frames(page)).has("forget"));
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 400);
    await page.locator("#timeline-clear").click();
    assert.equal((await rangeOf(page)), null);
  });

  test("is told to those who do not see it", async () => {
    await open("#view=memory");
    const rows = page.locator("#timeline-table tbody tr");
    await rows.first().waitFor({ state: "attached" });
    assert.match(plain(await rows.first().textContent()), /live.*at most.*\/s/);
    const slider = page.getByRole("slider").first();
    for (const name of ["aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext"])
      assert.notEqual(await slider.getAttribute(name), null, name);
    for (const id of ["metric", "by"])
      assert.ok(await page.locator(`#${id}`).getAttribute("aria-label"), id);
  });

  test("is downloaded as folded stacks of the metric", async () => {
    await open("#metric=leaked");
    await page.locator("#download").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.locator("#download-folded").click(),
    ]);
    assert.match(download.suggestedFilename(), /leaked.*\.folded$/);
    const text = readFileSync(await download.path(), "utf8");
    assert.match(text, /;main;forget(;[^;\n]+)* 100000$/m);
  });
});

describe("names that are markup", () => {
  test("stay text in every view of memory", async () => {
    const daemon = await Daemon.start();
    const browser = await launchBrowser();
    try {
      const memory = ["run", "--memory", "--quiet", "--"];
      await once(daemon.run("tools/thag", ...memory, `${keeper}-bare`, "3"), "exit");
      const { page, complaints } = await openTab(browser, `${daemon.url}#metric=leaked`);
      await drawn(page);
      const name = "<img src=x onerror=alert(1)>";
      await until("its row", async () =>
        (await textsOf(page, ".functions tbody bdi")).includes(name),
      );
      await page.locator(".functions tbody tr", { hasText: name }).click();
      await page.locator("#metric").selectOption("allocations");
      await until("its frame", async () => (await frames(page)).get(name) === "1");
      await page.keyboard.press("4");
      await page.locator("#places-scroll tbody tr").nth(1).waitFor();
      assert.ok((await textsOf(page, "#places-scroll tbody bdi")).includes(name));
      assert.equal(await page.locator("body img, body i:not(.legend i)").count(), 0);
      assert.deepEqual(complaints, []);
    } finally {
      await browser.close();
      await daemon.stop();
    }
  });
});

describe("memory of a program that runs", () => {
  let daemon: Daemon;
  let browser: Browser;
  let tab: Tab;
  let page: Page;

  before(async () => {
    daemon = await Daemon.start();
    browser = await launchBrowser();
    runKeeper(daemon);
    tab = await openTab(browser, daemon.url);
    page = tab.page;
    await drawn(page);
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  const ticks = async (): Promise<number> =>
    Number((await frames(page)).get("tick")?.replace(/\D/g, "") ?? "0");

  test("grows as it allocates, and nothing of the page moves", async () => {
    await page.locator("#metric").selectOption("temporary");
    await until("ticks", async () => (await ticks()) > 0);
    const tops = (): Promise<number[]> =>
      page
        .locator("#timeline, #main, #flame-canvas, .functions, #crumbs")
        .evaluateAll((elements) => elements.map((element) => element.getBoundingClientRect().top));
    const before = await tops();
    const first = await ticks();
    await until("more ticks", async () => (await ticks()) > first);
    assert.deepEqual(await tops(), before);
  });

  test("says of blocks only that they are not freed so far", async () => {
    assert.ok((await textsOf(page, "#metric option")).includes("Not freed so far"));
    assert.ok(!(await textsOf(page, "#metric option")).includes("Leaked"));
    await page.keyboard.press("4");
    await page.locator("#places-scroll tbody tr", { hasText: FORGOTTEN }).waitFor();
    assert.match(await textOf(page, "#places-title"), /not freed so far/);
    await page.keyboard.press("1");
  });

  test("keeps a range that was chosen while time goes on", async () => {
    await page.locator("#metric").selectOption("allocated");
    await until("the spike", async () => (await frames(page)).has("spike"));
    await page.keyboard.press("Escape");
    await drag(page, 0.9, 0.95);
    const range = await rangeOf(page);
    assert.notEqual(range, null);
    await until("ticks alone", async () => {
      const shown = await frames(page);
      return shown.has("tick") && !shown.has("spike");
    });
    const { width } = await chartBox(page);
    const left = (): Promise<number> =>
      page
        .locator(".brush-handle.from")
        .evaluate((handle) => parseFloat((handle as HTMLElement).style.left));
    const before = await left();
    await until("time goes on", async () => (await left()) < before - 100 / width);
    assert.deepEqual((await rangeOf(page)), range);
    await page.keyboard.press("Escape");
  });

  test("is seen in two tabs, each with its own metric and range", async () => {
    const other = await openTab(browser, `${daemon.url}#metric=leaked&from=1&to=300000000`);
    await drawn(other.page);
    await until("what it asked for", async () => (await frames(other.page)).has("forget"));
    await page.locator("#metric").selectOption("freed");
    await until("the first tab", async () => !(await frames(page)).has("forget"));
    assert.ok((await frames(other.page)).has("forget"));
    assert.deepEqual(other.complaints, []);
    await other.page.context().close();
  });

  test("is kept when thagd goes away, and comes back with it", async () => {
    await page.locator("#metric").selectOption("allocations");
    await until("counts", async () => (await frames(page)).get("forget") === "100");
    await daemon.kill();
    await until("it says so", async () => /thagd is gone/.test(await textOf(page, "#banners")));
    assert.ok((await frames(page)).has("forget"));
    assert.ok(await page.locator("#timeline-chart canvas").isVisible());
    await daemon.launch();
    await until("it is back", async () => !/thagd is gone/.test(await textOf(page, "#banners")));
    await until("its frames", async () => (await frames(page)).has("tick"), 20000);
  });

  test("never made the page complain", () =>
    assert.deepEqual(
      tab.complaints.filter((text) => !LOST_CONNECTION.test(text)),
      [],
    ));
});

describe("a program whose memory is switched on while it runs", () => {
  test("has times and memory, by the same calls", async () => {
    const daemon = await Daemon.start();
    const browser = await launchBrowser();
    try {
      daemon.run("examples/treestat", "--seconds", "600");
      const { page, complaints } = await openTab(browser, daemon.url);
      await drawn(page);
      assert.equal(await page.locator("#metric").isVisible(), false);
      await page.locator("#record").selectOption("both");
      await page.locator("#metric").waitFor();
      assert.equal(await page.locator("#metric").inputValue(), "time");
      await page.locator("#metric").selectOption("allocated");
      await until("bytes", async () => / (Ki|Mi|Gi)?B · /.test(plain(await figure(page, "Total"))));
      assert.equal(await page.locator("#by").isVisible(), false, "there are no native stacks");
      await until("frees", async () => (await frames(page)).size > 2);
      const [name] = [...(await frames(page)).keys()];
      await page.locator("#metric").selectOption("time");
      await until("times", async () => /s · /.test(plain(await figure(page, "Total"))));
      assert.ok((await textsOf(page, ".function-table tbody bdi")).includes(name ?? ""), name);
      await page.locator("#metric").selectOption("live");
      await page.locator("#record").selectOption("time");
      await until("the page says so", async () =>
        /Memory isn't recorded now/.test(await textOf(page, "#banners")),
      );
      await page.locator("#record").selectOption("both");
      await until("it says that it was off", async () =>
        /Memory was switched off once/.test(await textOf(page, "#banners")),
      );
      assert.deepEqual(complaints, []);
    } finally {
      await browser.close();
      await daemon.stop();
    }
  });
});

describe("a session of times", () => {
  test("has no switch of metrics, and no memory to look at", async () => {
    const daemon = await Daemon.start();
    const browser = await launchBrowser();
    try {
      await once(daemon.run("examples/sections", "100"), "exit");
      const { page } = await openTab(browser, `${daemon.url}#metric=live&view=memory`);
      await drawn(page);
      assert.equal(await page.locator("#metric").isVisible(), false);
      assert.equal(await page.locator("#timeline").isVisible(), false);
      assert.equal(await page.locator("#layouts button", { hasText: "Memory" }).isVisible(), false);
      await frameOnRow(page, 1);
      assert.match(await textOf(page, "#tip"), /Mean/);
      await page.keyboard.press("m");
      await page.keyboard.press("4");
      assert.ok(await page.locator("#flame-canvas").isVisible());
    } finally {
      await browser.close();
      await daemon.stop();
    }
  });
});
