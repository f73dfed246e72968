// SPDX-License-Identifier: MIT OR Apache-2.0
// What the page makes of hostile names, and of thagd's token, in Chromium.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { Daemon, drawn, launchBrowser, openTab, until } from "../web/harness.ts";

let browser: Browser;
before(async () => {
  browser = await launchBrowser();
});
after(() => browser.close());

test("hostile names are text in every view", async () => {
  const daemon = await Daemon.start();
  try {
    daemon.run("tests/hostile-names");
    const { page, complaints } = await openTab(browser, `${daemon.url}#view=functions`);
    const names = page.locator(".function-table tbody th bdi");
    await until("all names", async () => (await names.count()) >= 22, 30000);
    const texts = await names.allTextContents();
    for (const name of [
      "semi;colon; 12",
      "line\u240afeed 13\u240d\u240a",
      "\"double\" 'single' `back` \\ \\n",
      '<img src=x onerror="window.hacked=1">',
      "<script>window.hacked=1</script>",
      "</script></style></title><svg onload=hacked()>",
      "\ufffdgnp.exe",
      "שלום",
      "<unnamed>",
    ])
      assert.ok(texts.includes(name), `${name} in ${texts.map((text) => text.slice(0, 50)).join(" | ")}`);
    assert.ok(texts.every((text) => text.length <= 4096));
    for (const key of ["1", "2", "3", "5", "6"]) {
      await page.keyboard.press(key);
      await page.locator("#main").waitFor({ state: "visible" });
      await page.mouse.move(640, 300);
      await page.mouse.move(500, 400);
    }
    await page.locator("#session").click();
    await page.locator("#session-menu tbody tr").first().waitFor();
    assert.equal(await page.evaluate(() => (globalThis as { hacked?: number }).hacked), undefined);
    assert.equal(await page.locator("img, body script, main script, svg[onload], [onerror]").count(), 0);
    assert.ok(
      await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
      "the page is wider than the window",
    );
    assert.deepEqual(complaints, []);
  } finally {
    await daemon.stop();
  }
});

test("the token of the address goes with all that is asked for", async () => {
  const daemon = new Daemon();
  const child = spawn(
    join(process.env["THAG_BUILD"] ?? "", "daemon/thagd"),
    ["--token", "--port", "0", "--socket", daemon.control, "--output-dir", daemon.directory],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  try {
    let line = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (line += text));
    const [, address, token] = await until("an address", () => /(http\S+token=([0-9a-f]{32})) /.exec(line), 30000);
    const context = await browser.newContext();
    const page = await context.newPage();
    const asked: string[] = [];
    page.on("websocket", (socket) => asked.push(socket.url()));
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(address ?? "");
    const program = daemon.run("examples/treestat", "--seconds", "1", "--top", "1", "/usr/include");
    await drawn(page);
    await new Promise((resolve) => (program.exitCode === null ? program.once("exit", resolve) : resolve(0)));
    await page.locator("#download").click();
    const link = await page.locator("#download-folded").getAttribute("href");
    assert.match(link ?? "", new RegExp(`[?&]token=${token}$`));
    await page.keyboard.press("Escape");
    await page.keyboard.press("3");
    await page.keyboard.press("1");
    assert.equal(new URL(page.url()).search, `?token=${token}`);
    const told = asked.filter((url) => /\/(ws|api)/.test(new URL(url).pathname));
    assert.ok(told.length > 0 && told.every((url) => url.includes(`token=${token}`)), told.join(" "));
    await context.close();
  } finally {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill();
    await ended;
    await daemon.stop();
  }
});
