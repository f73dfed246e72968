// SPDX-License-Identifier: MIT OR Apache-2.0
/** Two runs of a program side by side: what takes longer, less, is new or gone. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { Daemon, drawn, figure, frameNamed, launchBrowser, openTab, type Tab, until } from "./harness.ts";

const build = process.env["THAG_BUILD"] ?? "";
let daemon: Daemon;
let browser: Browser;
let tab: Tab;
let page: Page;
/** Sessions: the run before, and the run after. */
let first: string;
let second: string;

/** Ids of sessions, the oldest first. */
async function ids(): Promise<string[]> {
  const { sessions } = JSON.parse((await daemon.get("/api/sessions")).body) as {
    sessions: { id: string }[];
  };
  return sessions.map(({ id }) => id).sort((a, b) => Number(a) - Number(b));
}

async function run(...options: string[]): Promise<void> {
  const program = daemon.run("tests/web/versions", ...options);
  await new Promise((resolve) => program.once("exit", resolve));
}

before(async () => {
  daemon = await Daemon.start();
  browser = await launchBrowser();
  await run("before");
  await run("after");
  [first = "", second = ""] = await ids();
  tab = await openTab(browser, daemon.url);
  page = tab.page;
  await drawn(page);
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

const text = async (selector: string): Promise<string> =>
  (await page.locator(selector).textContent()) ?? "";

/** The rows of the table that tells the difference in words: cells by the frame's name. */
async function table(on = page): Promise<Map<string, string[]>> {
  const rows = await on.locator("#flame-table tbody tr").evaluateAll((all) =>
    all.map((row) => [...row.querySelectorAll("th, td")].map((cell) => cell.textContent ?? "")),
  );
  return new Map(rows.map(([name, ...cells]) => [name ?? "", cells]));
}

async function compared(on = page): Promise<void> {
  await until("the frames that differ", async () =>
    /differ most/.test((await on.locator("#flame-table caption").textContent({ timeout: 5000 })) ?? ""),
  );
}

/** Opens the page anew: what it showed before can't be taken for what it shows. */
async function visit(hash: string): Promise<void> {
  await page.goto("about:blank");
  await page.goto(`${daemon.url}#${hash}`);
}

async function open(hash = `session=${second}&base=${first}`): Promise<void> {
  await visit(`${hash}&view=diff`);
  await compared();
}

/** Milliseconds of an amount. */
function ms(amount: string | undefined): number {
  const [, sign, value, unit] = /^([+−]?)([\d.]+)\u202f(ns|µs|ms|s)$/.exec(amount ?? "") ?? [];
  assert.ok(value !== undefined && unit !== undefined, `a time: ${amount}`);
  const scale = { ns: 1e-6, "µs": 1e-3, ms: 1, s: 1e3 }[unit] as number;
  return (sign === "−" ? -1 : 1) * Number(value) * scale;
}

beforeEach(async () => {
  await page.mouse.move(640, 790);
});

/** The red and the blue of a frame's fill, below its name and without the line around it. */
async function fillOf(name: string): Promise<{ red: number; blue: number }> {
  const { x, y } = await frameNamed(page, name);
  const box = await page.locator("#flame-canvas").boundingBox();
  assert.ok(box);
  await page.mouse.move(640, 790);
  await until("no tip", async () => !(await page.locator("#tip").isVisible()));
  return page.evaluate(
    async ([left, top]) => {
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      const canvas = document.getElementById("flame-canvas") as HTMLCanvasElement;
      const ratio = canvas.width / canvas.clientWidth;
      const copy = document.createElement("canvas").getContext("2d");
      copy?.drawImage(canvas, -Math.round((left ?? 0) * ratio), -Math.round((top ?? 0) * ratio));
      const [red, , blue] = copy?.getImageData(0, 0, 1, 1).data ?? [];
      return { red: red ?? 0, blue: blue ?? 0 };
    },
    [x - box.x + 2, y - box.y + 6],
  );
}

describe("the difference of two runs", () => {
  test("is of the newest run and the one before it, by the key 7", async () => {
    await visit("");
    await drawn(page);
    await page.keyboard.press("7");
    await compared();
    assert.match(page.url(), /view=diff/);
    assert.match(await text("#diff-about"), /^A versions \d+: \d.* · B: \d/);
    assert.equal(await page.locator("#layouts [aria-pressed=true]").textContent(), "Diff");
    const rows = await table();
    // from, A, B, difference, relative, calls of A and of B
    const slower = rows.get("slower") ?? [];
    assert.equal(slower[0], "work");
    assert.ok(ms(slower[1]) >= 20 && ms(slower[1]) < 120, slower.join(" "));
    assert.ok(ms(slower[2]) >= 160, slower.join(" "));
    assert.ok(Math.abs(ms(slower[3]) - (ms(slower[2]) - ms(slower[1]))) < 2, slower.join(" "));
    assert.match(slower[4] ?? "", /^(\+[\d.]+\u202f%|×\u202f[\d.]+)$/);
    assert.ok(ms(rows.get("faster")?.[3]) < 0);
    assert.match(rows.get("faster")?.[4] ?? "", /^−[\d.]+\u202f%$/);
  });

  test("has frames that are new and frames that are gone, both in sight", async () => {
    await open();
    const rows = await table();
    assert.deepEqual(rows.get("gone")?.slice(2), [`0\u202fns`, `−${rows.get("gone")?.[1]}`, "gone", "1", "0"]);
    assert.deepEqual(rows.get("fresh")?.[1], `0\u202fns`);
    assert.deepEqual(rows.get("fresh")?.slice(3), [`+${rows.get("fresh")?.[2]}`, "new", "0", "1"]);
    await frameNamed(page, "gone");
    await until("what it is", async () => (await figure(page, "Presence")) === "gone: only A has it");
    assert.equal(await figure(page, "Total, B"), `0\u202fns`);
    assert.ok(ms(await figure(page, "Total, A")) >= 100);
    assert.ok(ms(await figure(page, "Difference")) <= -100);
    await frameNamed(page, "fresh");
    await until("what it is", async () => (await figure(page, "Presence")) === "new: only B has it");
    assert.equal(await figure(page, "Relative"), "new");
    assert.equal(await figure(page, "Calls, A"), "0");
    assert.equal(await figure(page, "Calls, B"), "1");
  });

  test("is orange where B has more, blue where it has less, grey where nothing changed", async () => {
    await open(`session=${second}&base=${first}&mode=relative`);
    await until("the mode", async () =>
      (await page.locator("#diff-modes [aria-pressed=true]").textContent()) === "Relative",
    );
    const more = await fillOf("slower");
    assert.ok(more.red > more.blue + 40, JSON.stringify(more));
    const less = await fillOf("faster");
    assert.ok(less.blue > less.red + 40, JSON.stringify(less));
    assert.match(await text("#diff-legend"), /−50.*\+100.*\+ only in B.*− only in A/);
    await open();
    await until("the unit", async () => /−[\d.]+\u202fms/.test(await text("#diff-legend")));
    // a busy machine has it sleep longer in one of the runs, which is to be seen
    const [full] = /[\d.]+\u202fms/.exec(await text("#diff-legend")) ?? [];
    const drift = Math.abs(ms((await table()).get("same")?.[3] ?? `0\u202fns`)) / ms(full);
    const same = await fillOf("same");
    const tinge = Math.abs(same.red - same.blue) / Math.min(more.red - more.blue, less.blue - less.red);
    assert.ok(tinge < 0.3 + drift, `unchanged: ${JSON.stringify(same)}, off by ${drift}`);
  });

  test("normalised, a run three times as long has no difference", async () => {
    await run("after", "3");
    const third = (await ids())[2];
    await open(`session=${third}&base=${second}`);
    await until("three times", async () => /×|\+[12]\d\d\.\d/.test((await table()).get("same")?.[4] ?? ""));
    await page.locator("#diff-modes button", { hasText: "Normalised" }).click();
    await until("scaled", async () => /B is scaled to be equal/.test(await text("#diff-about")));
    assert.match(page.url(), /mode=normalised/);
    await until("hardly a difference", async () => {
      const row = (await table()).get("same");
      return row !== undefined && Math.abs(ms(row[3])) < 40;
    });
    await frameNamed(page, "same");
    await until("figures", async () => (await figure(page, "Total, B scaled")) !== "");
    const [a, b] = [ms(await figure(page, "Total, A")), ms(await figure(page, "Total, B scaled"))];
    assert.ok(Math.abs(ms(await figure(page, "Difference")) - (b - a)) < 1);
  });

  test("is its address: it survives a reload, and a swap turns it round", async () => {
    await open(`session=${second}&base=${first}&mode=relative`);
    await page.reload();
    await compared();
    assert.equal(await page.locator("#base").inputValue(), first);
    assert.equal((await table()).get("fresh")?.[4], "new");
    await page.locator("#diff-swap").click();
    await until("the other way", async () => (await table()).get("fresh")?.[4] === "gone");
    assert.match(page.url(), new RegExp(`session=${first}&base=${second}&mode=relative`));
    await page.goBack();
    await until("as it was", async () => (await table()).get("fresh")?.[4] === "new");
  });

  test("is zoomed, searched and walked like the flamegraph", async () => {
    await open();
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
    await until("words", async () => /, A .*, B .*/.test(await text("#chosen")));
    await page.keyboard.press("Enter");
    await until("a crumb", async () => (await page.locator("#crumbs button").count()) > 1);
    await page.keyboard.press("0");
    await page.keyboard.press("/");
    await page.keyboard.type("gone");
    await until("both sides", async () => /^A [\d.]+\u202fms · B 0\u202fns$/.test(await text("#matched")));
    await page.keyboard.press("Escape");
  });

  test("of one run compares a range with the whole, and says so", async () => {
    await open(`session=${first}&base=${first}&from=1&to=90000000`);
    assert.match(await text("#diff-after"), /versions \d+, /);
    await until("what came later is gone", async () => (await table()).get("faster")?.[4] === "gone");
    await page.locator("#diff-keep").click();
    await until("the range is A now", async () => (await table()).get("faster")?.[4] === "new");
    assert.match(decodeURIComponent(page.url()), new RegExp(`base=${first},1,90000000`));
  });

  test("follows a program that runs, on either side", async () => {
    const program = daemon.run("tests/web/versions", "after", "0");
    await open(`base=${first}`);
    const calls = async () => Number(((await table()).get("same")?.[6] ?? "0").replace(/\D/g, ""));
    await until("calls", async () => (await calls()) > 1, 20000);
    const seen = await calls();
    await until("more calls", async () => (await calls()) > seen, 20000);
    await page.locator("#diff-swap").click();
    const callsOfA = async () =>
      Number(((await table()).get("same")?.[5] ?? "0").replace(/\D/g, ""));
    await until("it is A now", async () => (await callsOfA()) > seen, 20000);
    const then = await callsOfA();
    await until("more calls of A", async () => (await callsOfA()) > then, 20000);
    await page.locator("#diff-swap").click();
    program.kill("SIGKILL");
    await until("it has ended", async () => /lost|ended|crashed|killed/.test(await text("#session")));
  });

  test("is of memory, too: bytes, and where nothing changed none", async () => {
    for (const ticks of ["5", "80"]) {
      const options = ["run", "--memory", "--quiet", "--", join(build, "tests/web/keeper"), ticks];
      const program = daemon.run("tools/thag", ...options);
      await new Promise((resolve) => program.once("exit", resolve));
    }
    const [a, b] = (await ids()).slice(-2);
    await open(`session=${b}&base=${a}&metric=allocated`);
    await until("names", async () => (await table()).has("tick"), 20000);
    const rows = await table();
    const plain = (name: string) => rows.get(name)?.map((cell) => cell.replaceAll("\u202f", " "));
    assert.deepEqual(plain("tick")?.slice(1, 5), ["500 B", "7.81 KiB", "+7.32 KiB", "× 16.0"]);
    assert.deepEqual(plain("forget")?.slice(1, 5), ["97.7 KiB", "97.7 KiB", "0 B", "0 %"]);
    assert.match(await text("#diff-legend"), /−\d+\u202fKiB.*\+\d+\u202fKiB/);
    await frameNamed(page, "spike");
    await until("figures", async () => (await figure(page, "Total, A")) === `4.00\u202fMiB`);
    assert.equal(await figure(page, "Difference"), `0\u202fB`);
  });

  test("with a session that is not there says so, and what to do", async () => {
    await visit("view=diff&base=4711");
    await until("a note", async () => /is gone/.test(await text("#diff-note")));
    await page.locator("#base").waitFor();
    assert.ok(!(await page.locator("#flame-canvas").isVisible()), "nothing is shown as if it were compared");
  });

  test("with nothing to compare with says how to get there", async () => {
    await visit(`session=${first}&view=diff`);
    await until("a note", async () => /nothing to compare with yet/.test(await text("#diff-note")));
    assert.match(await text("#diff-note"), /Run versions once more/);
  });

  test("shows names that try to be markup as text", async () => {
    await open();
    const names = [...(await table()).keys()];
    assert.ok(names.some((name) => name.startsWith("<img src=x")), names.join("\n"));
    assert.ok(names.some((name) => name.includes("</table><script>")), names.join("\n"));
    assert.equal(await page.evaluate(() => (window as { hacked?: number }).hacked), undefined);
  });

  for (const colorScheme of ["light", "dark"] as const)
    test(`fits 400 pixels, ${colorScheme}`, async () => {
      await open();
      const narrow = await openTab(browser, page.url(), {
        viewport: { width: 400, height: 760 },
        colorScheme,
      });
      await compared(narrow.page);
      const wide = await narrow.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 400, `${wide} px`);
      const box = await narrow.page.locator("#flame-canvas").boundingBox();
      assert.ok(box && box.height > 60 && box.width > 300, JSON.stringify(box));
      assert.ok(await narrow.page.locator("#diff-legend").isVisible());
      assert.deepEqual(narrow.complaints, []);
      await narrow.page.context().close();
    });

  test("never made the page complain", () => assert.deepEqual(tab.complaints, []));
});
