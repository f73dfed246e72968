// SPDX-License-Identifier: MIT OR Apache-2.0
/** Programs that run are recorded to files from the page, from one moment to another. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import { isRecorded, readSessions, type Session } from "thag-web/sessions.ts";
import { drawn, focused, until } from "./harness.ts";
import { Stage } from "./stage.ts";

const stage = new Stage();

async function open(hash = ""): Promise<Page> {
  const page = await stage.open(hash);
  await drawn(page);
  return page;
}

async function only(): Promise<Session> {
  const { body } = await stage.daemon.get("/api/sessions");
  const [session] = readSessions((JSON.parse(body) as { sessions: unknown }).sessions);
  assert.ok(session);
  return session;
}

async function about(page: Page): Promise<string> {
  return (await page.locator("#session").textContent()) ?? "";
}

describe("recording a program that runs", () => {
  test("by the keyboard alone; every tab says so, and where to", async () => {
    stage.daemon.run("examples/treestat", "--seconds", "600");
    const page = await open();
    const other = await open("#session=1");
    await page.locator("#session").focus();
    await page.keyboard.press("Enter");
    await until("the list", async () => (await page.locator("#session-menu tbody tr").count()) === 1);
    await page.locator("#session-menu tbody button").first().focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    assert.match((await focused(page)) ?? "", /^Record treestat \d+ to a file$/);
    const button = page.locator("#session-menu .tape");
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    await page.keyboard.press("Enter");
    for (const tab of [page, other])
      await until("it is told", async () => /● to file/.test(await about(tab)));
    const file = (await only()).recording?.file ?? "";
    assert.match(file, /\/treestat-\d{8}-\d{6}\.thag$/);
    assert.ok(existsSync(file));
    assert.equal(await page.locator("#session-menu .taped").textContent(), `● ${file}`);
    assert.equal(await button.getAttribute("aria-pressed"), "true");
    assert.match((await button.getAttribute("title")) ?? "", /Being recorded to .*: end that/);
    assert.match((await focused(page)) ?? "", /^Record treestat/);
    await page.keyboard.press("Enter");
    for (const tab of [page, other])
      await until("it is told no more", async () => !/to file/.test(await about(tab)));
    await until("its journal is gone", async () => !existsSync(`${file}.open`));
    assert.ok(await page.locator("#session-menu .taped").isHidden());
    assert.ok(existsSync(file) && !isRecorded(await only()));
    assert.equal((await only()).state, "live");
  });

  test("says why it can't", async () => {
    stage.daemon.run("examples/treestat", "--seconds", "600");
    const page = await open();
    await page.locator("#session").click();
    await page.locator("#session-menu .tape").click();
    await until("it records", async () => isRecorded(await only()));
    await page.locator("#session-menu .tape[aria-pressed=true]").waitFor();
    await page.evaluate(() => {
      const pressed = document.querySelector<HTMLElement>("#session-menu .tape");
      pressed?.click();
      pressed?.click();
    });
    await until("the refusal", async () =>
      /is just being begun or ended|is not being recorded/.test((await page.locator("#banners").textContent()) ?? ""),
    );
  });

  test("is not offered for one that ended", async () => {
    stage.daemon.run("examples/nqueens");
    await until("it ended", async () => (await only().catch(() => null))?.state === "ended");
    const page = await open();
    await page.locator("#session").click();
    assert.equal(await page.locator("#session-menu .tape:visible").count(), 0);
  });
});

test("what isn't running isn't recorded, whatever is told", () => {
  const recording = { file: "/x.thag", error: null, on: true };
  const [ended, live, plain] = readSessions([
    { id: "3", state: "ended", recording },
    { id: "2", state: "live", recording },
    { id: "1", state: "live", recording: null },
  ]);
  assert.deepEqual([ended, live, plain].map((session) => session && isRecorded(session)), [false, true, false]);
});
