// SPDX-License-Identifier: MIT OR Apache-2.0
/** Views that begin now: what was before is left out, and not lost. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { SessionClock } from "thag-web/session_clock.ts";
import { readSessions, type Session } from "thag-web/sessions.ts";
import { Daemon, drawn, launchBrowser, openTab, type Tab, until } from "./harness.ts";

let browser: Browser;
let daemon: Daemon;
let tab: Tab;
let page: Page;

before(async () => {
  browser = await launchBrowser();
});

after(() => browser?.close());

afterEach(async () => {
  const complaints = tab?.complaints;
  await page?.context().close();
  await daemon?.stop();
  assert.deepEqual(complaints, []);
});

async function open(hash = ""): Promise<void> {
  tab = await openTab(browser, daemon.url + hash);
  page = tab.page;
  await drawn(page);
}

function names(): Promise<string[]> {
  return page.locator("#flame-table tbody th").allTextContents();
}

function textOf(selector: string): Promise<string> {
  return page.locator(selector).first().textContent().then((text) => (text ?? "").replace(/\s/g, " "));
}

/** Runs phases, whose steps go on, until the first part is over, and shows it. */
async function runPhases(): Promise<void> {
  daemon = await Daemon.start();
  daemon.run("tests/web/phases", "on");
  await until("a session", async () => /"live"/.test((await daemon.get("/api/sessions")).body));
  await open("#view=flame");
  await until("steps", async () => (await names()).includes("step"));
  assert.ok((await names()).includes("load"));
}

/** Where the range of the address begins; it must have no end. */
function beginOf(): number {
  const fields = new URLSearchParams(new URL(page.url()).hash.slice(1));
  assert.equal(fields.get("to"), null, page.url());
  return Number(fields.get("from"));
}

async function reset(): Promise<number> {
  await page.keyboard.press("n");
  await until("only what is new", async () => {
    const shown = await names();
    return shown.includes("step") && !shown.includes("load");
  });
  return beginOf();
}

/** The sum of a folded export, nanoseconds. */
async function sum(query: string): Promise<number> {
  const { status, body } = await daemon.get(`/api/sessions/1/export?format=folded&raw=1&${query}`);
  assert.equal(status, 200, body);
  return body.split("\n").reduce((all, line) => all + Number(line.slice(line.lastIndexOf(" ")) || "0"), 0);
}

describe("views that begin now", () => {
  test("show what happens from then on, in the address, until × shows all again", async () => {
    await runPhases();
    assert.ok(await page.locator("#range-chip").isHidden());
    assert.ok(await page.locator(".bar").evaluate((bar) => bar.scrollWidth <= bar.clientWidth), "the bar fits its window");
    const begin = await reset();
    assert.match(page.url(), /#session=1&from=\d+&view=flame$/);
    assert.match(await textOf("#range-chip-text"), /^since [\d.]+ m?s$/);
    assert.match(await textOf("#status"), /· since [\d.]+ m?s/);
    const first = await textOf("#panel .figures dd");
    await until("it goes on", async () => (await textOf("#panel .figures dd")) !== first);
    await page.reload();
    await drawn(page);
    assert.equal(beginOf(), begin);
    assert.ok(!(await names()).includes("load"));
    await page.locator("#reset").click();
    await until("a later begin", () => beginOf() > begin);
    await page.goBack();
    await until("the one before", () => beginOf() === begin);
    await page.locator("#range-chip-clear").click();
    await until("all again", async () => (await names()).includes("load"));
    assert.ok(await page.locator("#range-chip").isHidden());
    await page.goBack();
    await until("since then", async () => !(await names()).includes("load"));
    await page.keyboard.press("Escape");
    await until("all again", async () => (await names()).includes("load"));
    assert.doesNotMatch(page.url(), /from=/);
  });

  test("lose nothing: with what was before they add up to the whole", async () => {
    await runPhases();
    const begin = await reset();
    await page.waitForTimeout(300);
    for (const program of daemon.processes) program.kill("SIGKILL");
    await until("it ended", async () => /"crashed"/.test((await daemon.get("/api/sessions")).body));
    const whole = await sum("");
    const parts = (await sum(`to=${begin}`)) + (await sum(`from=${begin}`));
    assert.ok(Math.abs(parts - whole) < 1e-4 * whole, `${parts}, not ${whole}`);
    await page.locator("#reset").waitFor({ state: "hidden" }); // there is no now any more
    assert.match(await textOf("#range-chip-text"), /^since/);
    assert.ok(!(await names()).includes("load"));
  });

  test("are all views: functions, durations, slowest calls, the sandwich, the chart and downloads", async () => {
    await runPhases();
    const begin = await reset();
    for (const format of ["folded", "speedscope", "chrome"]) {
      const href = (await page.locator(`#download-${format}`).getAttribute("href")) ?? "";
      assert.match(href, new RegExp(`[?&]from=${begin}(&|$)`), format);
      assert.doesNotMatch(href, /[?&]to=/, format);
      const { status, body } = await daemon.get(href);
      assert.equal(status, 200);
      assert.match(body, /step/);
      assert.doesNotMatch(body, /load/, format);
    }
    await page.keyboard.press("1");
    const rows = page.locator(".functions tbody tr");
    await until("the table of then", async () =>
      (await rows.count()) > 1 && (await rows.filter({ hasText: "load" }).count()) === 0,
    );
    await rows.filter({ hasText: "step" }).first().click();
    const slowest = page.locator("#panel .slowest li bdi");
    await until("slow calls", async () => (await slowest.count()) > 0);
    const ats = (await slowest.allTextContents()).map((text) => parseFloat(text.replace(/^at /, "")) * (/ms$/.test(text) ? 1e6 : 1e9));
    for (const at of ats) assert.ok(at > begin - 60e6, `${at} is long before ${begin}`);
    await page.keyboard.press("c");
    await page.locator("#callees-note").waitFor({ state: "visible" });
    await until("callers", async () => (await page.locator("#callers-table tbody tr").count()) > 0);
    assert.match(page.url(), /from=\d+/);
    await page.keyboard.press("6");
    await page.locator("#chart-overview .chart-range").waitFor({ state: "visible" });
    const right = await page.locator("#chart-overview .chart-range").evaluate((range) => (range as HTMLElement).style.right);
    assert.equal(right, "0%", "it goes on to the newest event");
  });

  test("kept for a comparison stand still", async () => {
    await runPhases();
    const begin = await reset();
    await page.keyboard.press("7");
    await until("the whole run as A", async () => /A.*B/.test(await textOf("#diff-about")));
    await page.locator("#diff-keep").click();
    await until("both", () => /base=1%2C\d+%2C\d+/.test(page.url()));
    const [, from, to] = /base=1%2C(\d+)%2C(\d+)/.exec(page.url()) ?? [];
    assert.equal(Number(from), begin);
    assert.ok(Number(to) > begin);
    assert.doesNotMatch(page.url(), /[#&]from=/);
    await until("a difference", async () => /difference/.test(await textOf("#diff-about")));
  });

  test("can't begin where thagd keeps no timeline, and the button says so", async () => {
    daemon = await Daemon.start("--timeline", "off");
    daemon.run("tests/web/phases", "on");
    await until("a session", async () => /"live"/.test((await daemon.get("/api/sessions")).body));
    await open();
    const button = page.locator("#reset");
    assert.ok(await button.isDisabled());
    assert.match((await button.getAttribute("title")) ?? "", /keeps no timeline/);
    await page.keyboard.press("n");
    await page.waitForTimeout(200);
    assert.doesNotMatch(page.url(), /from=/);
  });

  test("are of memory, too", async () => {
    daemon = await Daemon.start();
    daemon.run("tools/thag", "run", "--memory", "--quiet", "--", `${process.env["THAG_BUILD"]}/tests/web/keeper`);
    await until("a session", async () => /"live"/.test((await daemon.get("/api/sessions")).body));
    await open("#metric=allocated");
    await until("ticks", async () => (await names()).includes("tick"), 20000);
    assert.ok((await names()).includes("forget"));
    await page.keyboard.press("n");
    await until("ticks alone", async () => {
      const shown = await names();
      return shown.includes("tick") && !shown.includes("forget");
    });
    assert.match(await textOf("#range-chip-text"), /^since/);
    assert.match(await textOf("#timeline-range"), /^Since/);
    const begin = beginOf();
    const handle = page.locator("#timeline-chart .brush-handle.from");
    await handle.focus();
    await page.keyboard.press("ArrowLeft");
    await until("an earlier begin", () => beginOf() < begin);
    await page.locator("#timeline-clear").click();
    await until("all again", async () => (await names()).includes("forget"));
  });
});

describe("the time in a session", () => {
  const [live] = readSessions([{ id: "1", state: "live", duration_ns: 1e9 }]) as [Session];

  test("goes on between what thagd tells, and not back for what comes late", () => {
    const clock = new SessionClock();
    assert.equal(clock.now(live, 5000), 1e9);
    assert.equal(clock.now(live, 5500), 1.5e9);
    clock.tell("1", 1.4e9, 5600);
    assert.equal(clock.now(live, 5600), 1.6e9);
    clock.tell("1", 2e9, 5700);
    assert.equal(clock.now(live, 5800), 2.1e9);
  });

  test("is thagd's when the clock here went on by itself", () => {
    const clock = new SessionClock();
    clock.tell("1", 1e9, 5000);
    clock.tell("1", 2e9, 3_600_000);
    assert.equal(clock.now({ ...live, durationNs: 2e9 }, 3_600_000), 2e9);
  });

  test("is how long it was when it is over, and that of the session asked for", () => {
    const clock = new SessionClock();
    clock.tell("7", 9e9, 5000);
    assert.equal(clock.now(live, 5000), 1e9);
    assert.equal(clock.now({ ...live, state: "ended" }, 9000), 1e9);
  });
});
