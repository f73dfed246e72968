// SPDX-License-Identifier: MIT OR Apache-2.0
/** The page beside a program that runs. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import {
  Daemon,
  drawn,
  figure,
  frameOnRow,
  launchBrowser,
  openTab,
  type Tab,
  until,
  zoomedTo,
} from "./harness.ts";

let daemon: Daemon;
let browser: Browser;
let tab: Tab;
let page: Page;

before(async () => {
  daemon = await Daemon.start();
  browser = await launchBrowser();
  daemon.run("examples/treestat", "--seconds", "600", "--threads", "2");
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

/** The panel's first figure. */
const TOTAL = "#panel dl:first-of-type dd:nth-of-type(1)";

/** How often an element's text changes in `ms`. */
function changes(selector: string, ms: number): Promise<number> {
  return page.evaluate(
    ([selector, ms]) =>
      new Promise<number>((resolve) => {
        let count = 0;
        const observer = new MutationObserver(() => count++);
        observer.observe(document.querySelector(selector as string) as Element, {
          subtree: true,
          childList: true,
          characterData: true,
        });
        setTimeout(() => resolve((observer.disconnect(), count)), ms as number);
      }),
    [selector, ms] as const,
  );
}

/** The canvas as drawn, once nothing glides any more. */
async function picture(): Promise<string> {
  await page.waitForTimeout(400);
  return (await page.locator("#flame-canvas").screenshot()).toString("base64");
}

describe("a running program", () => {
  test("is found by itself, and its figures change four times a second or more", async () => {
    assert.match((await page.locator("#session").textContent()) ?? "", /treestat.*pid \d+ · live/);
    // a machine that does something else at the moment gets two more tries
    let count = 0;
    for (let round = 0; round < 3 && count < 12; round++) count = await changes(TOTAL, 3000);
    assert.ok(count >= 12, `${count} changes in 3 seconds`);
  });

  test("grows in the flamegraph", async () => {
    const seconds = (text: string): number =>
      parseFloat(text) * (/min/.test(text) ? 60 : /ms/.test(text) ? 0.001 : 1);
    const before = seconds(await figure(page, "Total"));
    await until("a larger total", async () => seconds(await figure(page, "Total")) > before);
  });

  test("stands still under the pointer and while paused, and goes on after", async () => {
    const { x, y } = await frameOnRow(page, 2);
    const held = await picture();
    assert.equal(await picture(), held, "moved under the pointer");
    await page.mouse.move(x, y + 400);
    await page.keyboard.press("p");
    await page.waitForTimeout(300);
    const paused = await figure(page, "Total");
    await page.waitForTimeout(500);
    assert.equal(await figure(page, "Total"), paused);
    assert.match((await page.locator("#status").textContent()) ?? "", /paused/);
    await page.locator("#pause").click();
    await until("it goes on", async () => (await figure(page, "Total")) !== paused);
  });

  test("shows a frame's figures under the pointer", async () => {
    const { name } = await frameOnRow(page, 1);
    const tip = (await page.locator("#tip").textContent()) ?? "";
    for (const figure of ["Total", "Self", "Calls", "Mean", "Min", "Max"])
      assert.ok(tip.includes(figure), `${figure} in: ${tip}`);
    assert.match(tip, /%/);
    assert.equal(await page.locator("#panel h2").textContent(), name);
  });

  test("zooms on a click, and back by the crumbs, Escape and Back", async () => {
    const { x, y, name } = await frameOnRow(page, 2);
    await page.mouse.click(x, y);
    await until("the zoom", async () => (await zoomedTo(page)) === name);
    assert.match(page.url(), /#session=\d+&focus=[0-9a-f]{16}$/);
    assert.equal(await page.locator("#crumbs button").count(), 3);
    await page.keyboard.press("Escape");
    await until("the parent", async () => (await page.locator("#crumbs button").count()) === 2);
    await page.locator("#crumbs button").first().click();
    await until("the root", async () => (await page.locator("#crumbs button").count()) === 1);
    await page.goBack();
    await page.goBack();
    await until("the zoom again", async () => (await zoomedTo(page)) === name);
    await page.reload();
    await drawn(page);
    assert.equal(await zoomedTo(page), name, "after a reload");
  });

  test("is coloured as is chosen: what that means is in the address, the palette is remembered", async () => {
    await page.keyboard.press("p");
    await page.waitForTimeout(500);
    const before = await picture();
    await page.keyboard.press("k");
    await page.locator('#colors-dialog input[value="self"]').check();
    await page.locator('#colors-dialog input[value="rust"]').check();
    await page.keyboard.press("Escape");
    assert.match(page.url(), /colours=self/);
    assert.doesNotMatch(page.url(), /rust/);
    assert.notEqual(await picture(), before);
    assert.match((await page.locator("#status").textContent()) ?? "", /the stronger a colour/);
    await page.reload();
    await drawn(page);
    await page.keyboard.press("k");
    for (const chosen of ["self", "rust"])
      assert.ok(await page.locator(`#colors-dialog input[value="${chosen}"]`).isChecked());
    await page.locator('#colors-dialog input[value="even"]').check();
    await page.keyboard.press("Escape");
  });

  test("is put left-heavy by a key, and back", async () => {
    const first = (): Promise<number> =>
      page.locator("#flame-canvas").boundingBox().then((box) => box?.x ?? 0);
    await page.keyboard.press("h");
    assert.match(page.url(), /siblings=heavy/);
    assert.equal(await page.locator("#heavy").getAttribute("aria-pressed"), "true");
    await page.waitForTimeout(600);
    const most = await page.locator("#panel .callees bdi").first().textContent();
    const { x, name } = await frameOnRow(page, 1);
    assert.ok(x - (await first()) < 20);
    assert.equal(name, most, "the first is the one with most");
    await page.keyboard.press("h");
    assert.doesNotMatch(page.url(), /siblings/);
  });

  test("is searched by an expression; a bad one is said in place, and nothing is lost", async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("^(main|walk.*)$");
    const names = page.locator(".function-table tbody th bdi");
    const matching = async (): Promise<boolean> => {
      const texts = await names.allTextContents();
      return texts.length > 0 && texts.every((text) => /^(main|walk.*)$/i.test(text));
    };
    await until("only functions that match", matching);
    await page.keyboard.type("(");
    await until("what is wrong", async () =>
      /missing closing parenthesis after “\^\(main/.test((await page.locator("#matched").textContent()) ?? ""),
    );
    assert.equal(await page.locator("#search").getAttribute("aria-invalid"), "true");
    assert.ok(await matching(), "what was found before stays");
    assert.equal(await page.locator("#banners .banner").count(), 0);
    await page.keyboard.press("Backspace");
    await until("the share again", async () =>
      /%/.test((await page.locator("#matched").textContent()) ?? ""),
    );
    assert.equal(await page.locator("#search").getAttribute("aria-invalid"), "false");
    await page.keyboard.press("Escape");
  });

  test("is searched, with the time that matches", async () => {
    const name = (
      (await page.locator(".function-table tbody th bdi").first().textContent()) ?? ""
    ).toUpperCase();
    await page.keyboard.press("/");
    await page.keyboard.type(name.slice(0, 8));
    await until("a match", async () =>
      /\d.*%/.test((await page.locator("#matched").textContent()) ?? ""),
    );
    const names = page.locator(".function-table tbody th bdi");
    await until("only functions that match", async () => {
      const texts = await names.allTextContents();
      return (
        texts.length > 0 && texts.every((text) => text.toUpperCase().includes(name.slice(0, 8)))
      );
    });
    assert.match(page.url(), /search=/);
    await page.locator("#search").fill("nothing is called this");
    await until("no match", async () =>
      /no match/.test((await page.locator("#matched").textContent()) ?? ""),
    );
    await page.keyboard.press("Escape");
    await until("all functions", async () => (await names.count()) > 5);
    assert.equal(await page.locator("#search").inputValue(), "");
  });

  test("has its functions sorted by any column, by mouse and keyboard", async () => {
    await page.keyboard.press("3");
    const column = (at: number): Promise<string[]> =>
      page.locator(`.function-table tbody tr :nth-child(${at})`).allTextContents();
    const calls = page.locator(".function-table thead button", { hasText: "Calls" });
    await calls.click();
    assert.equal(
      await page.locator(".function-table thead th").nth(3).getAttribute("aria-sort"),
      "descending",
    );
    await calls.press("Enter");
    assert.equal(
      await page.locator(".function-table thead th").nth(3).getAttribute("aria-sort"),
      "ascending",
    );
    await page.locator(".function-table thead button", { hasText: "Function" }).click();
    await page.waitForTimeout(300);
    const names = await page.locator(".function-table tbody th bdi").allTextContents();
    assert.deepEqual(names, [...names].sort());
    assert.equal((await column(8)).filter((text) => text !== "").length >= names.length, true);
    await page.locator(".function-table tbody tr[tabindex='0']").focus();
    await page.keyboard.press("ArrowDown");
    assert.equal(
      await page.evaluate(() => document.activeElement?.getAttribute("aria-rowindex")),
      "3",
    );
  });

  test("shows one thread", async () => {
    const options = page.locator("#thread option");
    await until("threads", async () => (await options.count()) >= 3);
    const tid = (await options.nth(1).getAttribute("value")) ?? "";
    await page.locator("#thread").selectOption(tid);
    assert.match(page.url(), new RegExp(`thread=${tid}`));
    await until("its frames", async () =>
      (await page.locator("#download-folded").getAttribute("href"))?.includes(`thread=${tid}`),
    );
    await drawn(page);
  });

  test("downloads as folded stacks", async () => {
    await page.locator("#download").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.locator("#download-folded").click(),
    ]);
    await page.locator("#export-menu").waitFor({ state: "hidden" });
    assert.match(download.suggestedFilename(), /^treestat-[\d-]+\.folded$/);
    const lines = readFileSync(await download.path(), "utf8")
      .trimEnd()
      .split("\n");
    for (const line of lines) assert.match(line, /^[^;]+(;[^;]+)* \d+$/);
    assert.ok(lines.length > 3);
  });

  test("downloads for speedscope, by the keyboard", async () => {
    await page.locator("#download").focus();
    await page.keyboard.press("Enter");
    await page.locator("#export-menu").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#export-menu").waitFor({ state: "hidden" });
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowDown");
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
    assert.match(download.suggestedFilename(), /^treestat-[\d-]+\.speedscope\.json$/);
    const file = JSON.parse(readFileSync(await download.path(), "utf8"));
    assert.equal(file.profiles[0].unit, "nanoseconds");
    assert.ok(file.shared.frames.some(({ name }: { name: string }) => name === "main"));
  });

  test("is moved and zoomed by keys", async () => {
    await page.keyboard.press("w");
    await page.keyboard.press("w");
    await page.keyboard.press("d");
    assert.match(page.url(), /window=0\.\d+-0\.\d+/);
    await page.keyboard.press("Escape");
    assert.doesNotMatch(page.url(), /window=/);
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowDown");
    const chosen = (await page.locator("#panel h2").textContent()) ?? "";
    await page.keyboard.press("Enter");
    await until("the zoom", async () => (await zoomedTo(page)) === chosen);
    await page.keyboard.press("0");
    await page.keyboard.press("?");
    assert.ok(await page.locator("#help-dialog").isVisible());
    await page.keyboard.press("Escape");
    assert.ok(!(await page.locator("#help-dialog").isVisible()));
    await page.keyboard.press("f");
    assert.match(page.url(), /root=bottom/);
  });

  test("switches between corrected and raw times", async () => {
    await until("corrected", async () =>
      /corrected/.test((await page.locator("#status").textContent()) ?? ""),
    );
    await page.keyboard.press("r");
    await until("raw", async () => /raw/.test((await page.locator("#status").textContent()) ?? ""));
    assert.match(page.url(), /times=raw/);
  });

  test("is told to those who do not see it", async () => {
    const rows = page.locator("#flame-table tbody tr");
    assert.ok((await rows.count()) > 2);
    assert.match((await rows.first().textContent()) ?? "", /\d.*%/);
    const unnamed = await page
      .locator("button, a.button, select, input")
      .evaluateAll((elements) =>
        elements
          .filter(
            (element) =>
              !(
                element.textContent?.trim() ||
                element.getAttribute("aria-label") ||
                (element as HTMLInputElement).labels?.length
              ),
          )
          .map(({ outerHTML }) => outerHTML),
      );
    assert.deepEqual(unnamed, []);
  });

  test("is seen in two tabs, each with its own view", async () => {
    const other = await openTab(browser, `${daemon.url}#view=functions`);
    await other.page.locator(".function-table tbody tr th").first().waitFor();
    assert.ok(!(await other.page.locator("#flame-canvas").isVisible()));
    assert.ok(await page.locator("#flame-canvas").isVisible());
    const before = await figure(page, "Total");
    await until("the first tab goes on", async () => (await figure(page, "Total")) !== before);
    await other.page.context().close();
  });

  test("with 100,000 frames is drawn as they come", async () => {
    daemon.run("tests/web/bushy");
    const other = await openTab(browser, daemon.url);
    await drawn(other.page);
    await until("all frames", async () => {
      const text = (await other.page.locator("#status").textContent()) ?? "";
      return /of 111\u202fk\u202fframes too narrow or deep/.test(text);
    });
    for (let round = 0; round < 4; round++) {
      const before = await figure(other.page, "Total");
      await until("it goes on", async () => (await figure(other.page, "Total")) !== before);
    }
    await other.page.locator("#flame-canvas").hover();
    await other.page.keyboard.press("w");
    assert.match(other.page.url(), /window=/);
    await other.page.context().close();
  });

  test("never made the page complain", () => assert.deepEqual(tab.complaints, []));
});
