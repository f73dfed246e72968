// SPDX-License-Identifier: MIT OR Apache-2.0
/** The page of programs with tasks and with names for their threads. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { Daemon, drawn, figure, frameOnRow, launchBrowser, openTab } from "./harness.ts";

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

async function pageOf(program: string, ...options: string[]): Promise<Page> {
  await once(daemon.run(program, ...options), "exit");
  const { page } = await openTab(browser, daemon.url);
  await drawn(page);
  return page;
}

describe("tasks", () => {
  test("say what they are, and how long they waited", async () => {
    const page = await pageOf("examples/tasks/tasks-coroutines");
    for (let at = 0.05; at < 1; at += 0.1) {
      await frameOnRow(page, 1, at);
      await page.waitForTimeout(300);
      if (/^task$/.test((await page.locator("#panel .source").textContent()) ?? "")) break;
    }
    assert.match(await figure(page, "Waiting"), /\d\s(ns|µs|ms|s)$/);
    assert.match(await figure(page, "Wall time"), /\d\s(ns|µs|ms|s)$/);
    assert.equal(await page.locator("#panel .source").textContent(), "task");
    await page.context().close();
  });
});

describe("threads", () => {
  test("go by the names the program gives them", async () => {
    const page = await pageOf("examples/orbits", "200");
    const names = await page.locator("#thread").innerText();
    assert.match(names, /^simulation · \d+ · /m);
    assert.match(names, /^statistics · \d+ · /m);
    await page.context().close();
  });
});
