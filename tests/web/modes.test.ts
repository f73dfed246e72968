// SPDX-License-Identifier: MIT OR Apache-2.0
/** Recording switched from the page, in a program that runs. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { drawn, figure, until } from "./harness.ts";
import { Stage } from "./stage.ts";

const stage = new Stage();
let page: Page;

async function open(...options: string[]): Promise<void> {
  stage.daemon.run("examples/treestat", "--seconds", "600", ...options);
  page = await stage.open();
}

function text(selector: string): Promise<string> {
  return page
    .locator(selector)
    .textContent()
    .then((found) => found ?? "");
}

interface Listed {
  events: number;
  active: string;
  wished: string | null;
}

/** The newest session, as thagd tells it. */
async function listed(): Promise<Listed> {
  const { sessions } = JSON.parse((await stage.daemon.get("/api/sessions")).body) as {
    sessions: Listed[];
  };
  return sessions.at(-1) as Listed;
}

function activeIs(kinds: string): Promise<boolean> {
  return until(`recording: ${kinds}`, async () => (await listed()).active === kinds);
}

describe("recording", () => {
  test("is switched off and on, and only what it is on for is counted", async () => {
    await open();
    await drawn(page);
    assert.equal(await page.locator("#record").inputValue(), "time");
    await page.locator("#record").selectOption("none");
    await activeIs("none");
    await until("the page says so", async () => /Recording is off/.test(await text("#banners")));
    assert.match(await text("#session"), /recording off/);
    assert.match(await page.title(), /recording off/);
    assert.ok(await page.locator("#flame-canvas").isVisible(), "what was recorded stays");
    await page.waitForTimeout(500); // what waits in the rings is read
    const { events } = await listed();
    await page.waitForTimeout(500);
    const more = (await listed()).events - events;
    assert.ok(more < 100, `${more}: calls that were open end, but thousands would begin`);
    await page.locator("#banners button", { hasText: "Switch it on" }).click();
    await page.mouse.move(640, 790); // off the flamegraph, which stands still under it
    await activeIs("time");
    await until("the notice goes", async () => !/Recording is off/.test(await text("#banners")));
    const before = await figure(page, "Total");
    await until("it goes on", async () => (await figure(page, "Total")) !== before);
    for (const { complaints } of stage.tabs) assert.deepEqual(complaints, []);
  });

  test("is switched by the keyboard alone", async () => {
    await open();
    await drawn(page);
    await page.locator("#thread").focus();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "record");
    await page.keyboard.press("Home");
    await activeIs("none");
    await page.keyboard.press("End");
    await activeIs("both");
    assert.equal(await page.locator("#record").inputValue(), "both");
  });

  test("is named for those who do not see it", async () => {
    await open();
    await drawn(page);
    const control = page.getByRole("combobox", { name: "What the program records" });
    assert.equal(await control.count(), 1);
    assert.ok(await control.isVisible());
    assert.deepEqual(await control.locator("option").allTextContents(), [
      "Recording off",
      "Recording time",
      "Recording memory",
      "Recording both",
    ]);
  });

  test("switched elsewhere is seen here", async () => {
    await open();
    await drawn(page);
    const env = { ...process.env, THAG_SOCKET: join(stage.daemon.directory, "thagd.sock") };
    const thag = join(process.env["THAG_BUILD"] ?? "", "tools/thag");
    execFileSync(thag, ["disable", "latest"], { env });
    await until(
      "the switch follows",
      async () => (await page.locator("#record").inputValue()) === "none",
    );
    execFileSync(thag, ["enable", "latest", "memory"], { env });
    await until(
      "the switch follows",
      async () => (await page.locator("#record").inputValue()) === "memory",
    );
  });

  test("of a program that started paused says so, and is switched on", async () => {
    stage.daemon.environment = { THAG_PAUSED: "1" };
    await open();
    await until("the page says so", async () => /Recording is off/.test(await text("#empty")));
    assert.match(await text("#empty"), /thag enable \d+/);
    await page.locator("#record").selectOption("time");
    await drawn(page);
    for (const { complaints } of stage.tabs) assert.deepEqual(complaints, []);
  });

  test("of a program that makes no event is waited for, and said to be", async () => {
    stage.daemon.run("tests/web/sleeper");
    page = await stage.open();
    await until(
      "it records",
      async () => (await page.locator("#record").inputValue()) === "time",
    );
    await page.locator("#record").selectOption("none");
    await until("the page says so", async () =>
      /made no event since recording was switched off/.test(await text("#banners")),
    );
    const { active, wished } = await listed();
    assert.deepEqual({ active, wished }, { active: "time", wished: "none" });
    assert.equal(await page.locator("#record").getAttribute("aria-busy"), "true");
  });

  test("of a program that has ended is no switch any more", async () => {
    const program = stage.daemon.run("examples/treestat", "--seconds", "600");
    page = await stage.open();
    await drawn(page);
    assert.ok(await page.locator("#record").isVisible());
    program.kill("SIGKILL");
    await until("it is gone", async () => !(await page.locator("#record").isVisible()));
  });
});
