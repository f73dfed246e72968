// SPDX-License-Identifier: MIT OR Apache-2.0
/** The page when things go wrong, and the ways in that must be shut. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import {
  Daemon,
  drawn,
  figure,
  launchBrowser,
  LOST_CONNECTION,
  openTab,
  until,
} from "./harness.ts";

let daemon: Daemon;
let browser: Browser;

before(async () => {
  browser = await launchBrowser();
});

after(() => browser?.close());

afterEach(() => daemon?.stop());

function banners(page: Page): Promise<string> {
  return page
    .locator("#banners")
    .textContent()
    .then((text) => text ?? "");
}

describe("a page", () => {
  test("without a session says what to do, then shows the first one", async () => {
    daemon = await Daemon.start();
    const { page, complaints } = await openTab(browser, daemon.url);
    await page.locator("#empty", { hasText: "thag run -- ./my-program" }).waitFor();
    daemon.run("examples/treestat", "--seconds", "60");
    await drawn(page);
    assert.deepEqual(complaints, []);
  });

  test("keeps what it has when thagd is killed, and goes on with the next one", async () => {
    daemon = await Daemon.start();
    daemon.run("examples/treestat", "--seconds", "120");
    const { page, complaints } = await openTab(browser, daemon.url);
    await drawn(page);
    await daemon.kill();
    await until("the page says so", async () => /thagd is gone/.test(await banners(page)));
    assert.ok(await page.locator("#flame-canvas").isVisible());
    assert.notEqual(await figure(page, "Total"), "");
    await daemon.launch();
    await until("the connection is back", async () => !/thagd is gone/.test(await banners(page)));
    const before = await figure(page, "Total");
    await until("the program is live again", async () =>
      /live/.test((await page.locator("#session").textContent()) ?? ""),
    );
    await until("its figures change", async () => (await figure(page, "Total")) !== before);
    assert.deepEqual(
      complaints.filter((text) => !LOST_CONNECTION.test(text)),
      [],
    );
  });

  test("shows how a session ended", async () => {
    daemon = await Daemon.start();
    const program = daemon.run("examples/treestat", "--seconds", "120");
    const { page } = await openTab(browser, daemon.url);
    await drawn(page);
    program.kill("SIGKILL");
    await until("it crashed", async () =>
      /crashed by SIGKILL/.test((await page.locator("#session").textContent()) ?? ""),
    );
    await page.locator("#session").click();
    assert.match(
      (await page.locator("#session-menu tbody tr").first().textContent()) ?? "",
      /treestat.*crashed by SIGKILL/,
    );
    await until("calls were cut short", async () => /still running when/.test(await banners(page)));
  });

  test("says what was lost", async () => {
    daemon = await Daemon.start();
    daemon.run("tests/web/bushy");
    const { page } = await openTab(browser, daemon.url);
    await drawn(page);
    await daemon.stall(2000);
    const lost = (): Promise<boolean> =>
      banners(page).then((text) => /\d.*\sevents lost, .*% of all/.test(text));
    await until("a banner", lost);
    await page.locator("#session").click();
    const cell = page.locator("#session-menu tbody td:last-child");
    await until("a count in the list", async () => (await cell.textContent()) !== "0");
  });

  test("goes to a session that starts later, unless one was chosen", async () => {
    daemon = await Daemon.start();
    const first = daemon.run("examples/sections", "100");
    await new Promise((resolve) => first.once("exit", resolve));
    const { page } = await openTab(browser, daemon.url);
    await drawn(page);
    const pinned = await openTab(browser, daemon.url);
    await drawn(pinned.page);
    await pinned.page.locator("#session").click();
    await pinned.page.locator("#session-menu tbody button").first().click();
    daemon.run("examples/treestat", "--seconds", "60");
    await until("the newest", async () =>
      /treestat/.test((await page.locator("#session").textContent()) ?? ""),
    );
    await until("a hint", async () => /treestat.*is running/.test(await banners(pinned.page)));
    assert.match((await pinned.page.locator("#session").textContent()) ?? "", /sections/);
    await pinned.page.locator("#banners button").click();
    await until("the newest", async () =>
      /treestat/.test((await pinned.page.locator("#session").textContent()) ?? ""),
    );
  });
});

describe("any width and colour", () => {
  for (const colorScheme of ["light", "dark"] as const)
    test(`400 px, ${colorScheme}, are enough`, async () => {
      daemon = await Daemon.start();
      daemon.run("examples/treestat", "--seconds", "60");
      const { page } = await openTab(browser, daemon.url, {
        viewport: { width: 400, height: 800 },
        colorScheme,
      });
      await drawn(page);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      assert.equal(
        await page.evaluate(() => document.documentElement.dataset["theme"]),
        colorScheme,
      );
      for (const id of [
        "session",
        "thread",
        "search",
        "pause",
        "download",
        "theme",
        "help",
        "flame-canvas",
      ]) {
        const box = await page.locator(`#${id}`).boundingBox();
        assert.ok(box !== null && box.x >= 0 && box.x + box.width <= 400, `#${id} is in sight`);
      }
      const other = colorScheme === "light" ? "dark" : "light";
      while ((await page.evaluate(() => document.documentElement.dataset["theme"])) !== other)
        await page.locator("#theme").click();
      await page.reload();
      assert.equal(
        await page.evaluate(() => document.documentElement.dataset["theme"]),
        other,
        "the choice is kept",
      );
    });
});

describe("requests", () => {
  test("get what they ask for, or a clear no", async () => {
    daemon = await Daemon.start();
    const host = `localhost:${daemon.port}`;
    for (const [path, type] of [
      ["/app.js", "text/javascript"],
      ["/app.css", "text/css"],
      ["/favicon.svg", "image/svg+xml"],
      ["/api/sessions", "application/json"],
    ] as const) {
      const reply = await daemon.get(path, { host });
      assert.equal(reply.status, 200, path);
      assert.ok(String(reply.headers["content-type"]).startsWith(type), path);
    }
    const { etag } = (await daemon.get("/app.js", { host })).headers;
    assert.equal(
      (await daemon.get("/app.js", { host, "if-none-match": String(etag) })).status,
      304,
    );
    for (const path of ["/nothing", "/../etc/passwd", "/api/sessions/99/export?format=folded"])
      assert.equal((await daemon.get(path, { host })).status, 404, path);
    assert.equal((await daemon.get("/", { host }, "POST")).status, 405);
  });
});
