// SPDX-License-Identifier: MIT OR Apache-2.0
/** Sessions of programs that run are ended from the page; the programs go on. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import { readSessions, stateText } from "thag-web/sessions.ts";
import { drawn, focused, until } from "./harness.ts";
import { Stage } from "./stage.ts";

const stage = new Stage();

async function open(hash = ""): Promise<Page> {
  const page = await stage.open(hash);
  await drawn(page);
  return page;
}

interface Listed {
  id: string;
  state: string;
  saved: boolean;
}

async function listed(): Promise<Listed[]> {
  const { body } = await stage.daemon.get("/api/sessions");
  return (JSON.parse(body) as { sessions: Listed[] }).sessions;
}

describe("ending a session", () => {
  test("by the keyboard alone, after a question; it is saved, and its program goes on", async () => {
    const program = stage.daemon.run("examples/treestat", "--seconds", "600");
    const page = await open();
    const other = await open("#session=1");
    await page.locator("#session").focus();
    await page.keyboard.press("Enter");
    await until("the list", async () => (await page.locator("#session-menu tbody tr").count()) === 1);
    await page.locator("#session-menu tbody button").first().focus();
    await page.keyboard.press("Tab");
    assert.match((await focused(page)) ?? "", /^End treestat \d+$/);
    await page.keyboard.press("Enter");
    assert.ok(await page.getByRole("dialog", { name: /^End treestat \d+\?$/ }).isVisible());
    assert.match((await page.locator("#end-dialog").textContent()) ?? "", /The program goes on/);
    assert.equal(await focused(page), "Let it go on");
    await page.keyboard.press("Escape");
    await page.locator("#end-dialog").waitFor({ state: "hidden" });
    assert.ok((await listed()).every(({ state }) => state === "live"), "nothing ends without a yes");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+Tab");
    assert.equal(await focused(page), "End it");
    await page.keyboard.press("Enter");
    await until("it ended", async () => {
      const [session] = await listed();
      return session?.state === "ended" && session.saved;
    });
    assert.equal(program.exitCode, null);
    assert.equal(program.signalCode, null);
    for (const tab of [page, other]) {
      await until("it is told", async () => /· ended ·/.test((await tab.locator("#session").textContent()) ?? ""));
      await until("it is told how", async () =>
        /it was ended while the program ran/.test((await tab.locator("#banners").textContent()) ?? ""),
      );
      assert.ok(await tab.locator("#record").isHidden());
      await drawn(tab); // what it recorded stays
    }
    assert.equal(await page.locator("#session-menu .end:visible").count(), 0);
    assert.equal(await page.locator("#session-menu .forget:visible").count(), 1);
    await page.waitForTimeout(500);
    assert.equal((await listed()).length, 1, "it came back");
    for (const { complaints } of stage.tabs) assert.deepEqual(complaints, []);
  });

  test("is said to be under way while its program hasn't heeded it", async () => {
    stage.daemon.run("tests/web/sleeper");
    const page = await open();
    await page.locator("#session").click();
    await page.locator("#session-menu .end").click();
    await page.locator("#end-dialog").getByRole("button", { name: "End it" }).click();
    await until("it is told", async () => /ending …/.test((await page.locator("#session").textContent()) ?? ""));
    assert.equal(await page.locator("#session-menu .end:visible").count(), 0);
    assert.ok(await page.locator("#record").isDisabled());
    await until("it ended", async () => /· ended ·/.test((await page.locator("#session").textContent()) ?? ""));
    for (const { complaints } of stage.tabs) assert.deepEqual(complaints, []);
  });

  test("that ended meanwhile is said to have ended", async () => {
    const program = stage.daemon.run("examples/treestat", "--seconds", "600");
    const page = await open();
    await page.locator("#session").click();
    await page.locator("#session-menu .end").click();
    program.kill("SIGKILL");
    await until("it crashed", async () => (await listed()).every(({ state }) => state === "crashed"));
    await page.locator("#end-dialog").getByRole("button", { name: "End it" }).click();
    await until("the refusal", async () =>
      /that session has ended already/.test((await page.locator("#banners").textContent()) ?? ""),
    );
  });

  test("is not offered for one that ended", async () => {
    stage.daemon.run("examples/nqueens");
    await until("it ended", async () => (await listed()).some(({ state }) => state === "ended"));
    const page = await open();
    await page.locator("#session").click();
    assert.equal(await page.locator("#session-menu .end:visible").count(), 0);
  });
});

test("a session that is being ended says so until it has", () => {
  const texts = readSessions([
    { id: "1", state: "live", ending: true, active: "none" },
    { id: "2", state: "ended", ending: true },
    { id: "3", state: "live" },
  ]).map(stateText);
  assert.deepEqual(texts, ["live", "ended", "ending …"]);
});
