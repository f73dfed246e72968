// SPDX-License-Identifier: MIT OR Apache-2.0
/** Sessions that ended are forgotten from the page. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import { drawn, focused, until } from "./harness.ts";
import { Stage } from "./stage.ts";

const stage = new Stage();

interface Listed {
  id: string;
  state: string;
}

function listed(): Promise<Listed[]> {
  return stage.daemon.sessions();
}

/** Runs a program to its end, and waits for its profile. */
async function record(count: number): Promise<void> {
  stage.daemon.run("examples/nqueens");
  await until("it ended", async () => {
    const sessions = await listed();
    return sessions.length === count && sessions.every(({ state }) => state === "ended");
  });
}

function rows(page: Page): Promise<number> {
  return page.locator("#session-menu tbody tr").count();
}

describe("forgetting a session", () => {
  test("by the keyboard alone, after a question; another tab that showed it says so", async () => {
    await record(1);
    await record(2);
    const page = await stage.open();
    const other = await stage.open("#session=2");
    await drawn(page);
    await drawn(other);
    await page.locator("#session").focus();
    await page.keyboard.press("Enter");
    await until("the list", async () => (await rows(page)) === 2);
    await page.keyboard.press("ArrowDown"); // the newest session
    await page.keyboard.press("Tab");
    assert.match((await focused(page)) ?? "", /^Forget nqueens \d+$/);
    await page.keyboard.press("Enter");
    assert.ok(await page.getByRole("dialog", { name: /^Forget nqueens \d+\?$/ }).isVisible());
    assert.equal(await focused(page), "Keep it");
    await page.keyboard.press("Escape");
    await page.locator("#forget-dialog").waitFor({ state: "hidden" });
    assert.equal((await listed()).length, 2, "nothing is forgotten without a yes");
    assert.match((await focused(page)) ?? "", /^Forget nqueens \d+$/);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+Tab");
    assert.equal(await focused(page), "Forget it");
    await page.keyboard.press("Enter");
    await until("the list is shorter", async () => (await rows(page)) === 1);
    assert.deepEqual((await listed()).map(({ id }) => id), ["1"]);
    assert.match((await focused(page)) ?? "", /^Newest session/);
    await drawn(page); // of the newest there is now
    await until("the other tab says so", async () =>
      /This session was forgotten.*The list above/s.test((await other.locator("#empty").textContent()) ?? ""),
    );
    assert.ok(await other.locator("#main").isHidden());
    await other.locator("#session").click();
    await other.locator("#session-menu tbody tr button").first().click();
    await drawn(other);
    for (const { complaints } of stage.tabs) assert.deepEqual(complaints, []);
  });

  test("done by the command is seen; the last one leaves an empty list", async () => {
    await record(1);
    const page = await stage.open("#session=1");
    await drawn(page);
    const env = { ...process.env, THAG_SOCKET: join(stage.daemon.directory, "thagd.sock") };
    execFileSync(join(process.env["THAG_BUILD"] ?? "", "tools/thag"), ["forget", "1"], { env });
    await until("the page says so", async () =>
      /This session was forgotten/.test((await page.locator("#empty").textContent()) ?? ""),
    );
    assert.deepEqual(stage.tabs[0]?.complaints, []);
  });

  test("is not offered for one whose program runs", async () => {
    stage.daemon.run("examples/treestat", "--seconds", "600");
    const page = await stage.open();
    await drawn(page);
    await page.locator("#session").click();
    await until("the list", async () => (await rows(page)) === 1);
    assert.equal(await page.locator("#session-menu .forget:visible").count(), 0);
  });
});
