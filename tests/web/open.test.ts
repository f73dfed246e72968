// SPDX-License-Identifier: MIT OR Apache-2.0
/** Recordings are opened by dropping them on the page, or by choosing them. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { count } from "thag-web/format.ts";
import { Daemon, drawn, type Reply, until } from "./harness.ts";
import { Stage } from "./stage.ts";

const build = process.env["THAG_BUILD"] ?? "build";

const stage = new Stage();
let recording: Buffer;

/** What a real program leaves. */
async function record(): Promise<Buffer> {
  const recorder = await Daemon.start();
  try {
    const file = join(recorder.directory, "queens");
    execFileSync(join(build, "tools/thag"), ["run", "-q", "-o", file, "--", join(build, "examples/nqueens")], {
      env: { ...process.env, THAG_SOCKET: recorder.control },
      cwd: recorder.directory,
    });
    return readFileSync(`${file}.thag`);
  } finally {
    await recorder.stop();
  }
}

before(async () => {
  recording = await record();
});

async function open(options = {}): Promise<Page> {
  const page = await stage.open("", options);
  await page.locator("#empty h1", { hasText: "Nothing profiled yet" }).waitFor();
  return page;
}

/** Drags files over the page, and drops them. */
async function drop(page: Page, files: readonly { name: string; bytes: Buffer }[]): Promise<void> {
  const data = files.map(({ name, bytes }) => ({ name, text: bytes.toString("base64") }));
  await page.evaluate((given) => {
    const transfer = new DataTransfer();
    for (const { name, text } of given)
      transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
    const send = (type: string): boolean =>
      document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
    send("dragover");
    if (document.getElementById("drop-target")?.hidden !== false) throw new Error("nothing says where to drop");
    send("drop");
    if (document.getElementById("drop-target")?.hidden !== true) throw new Error("it stays");
  }, data);
}

interface Listed {
  program: string;
  state: string;
  recording: { file: string } | null;
  threads: { calls: number }[];
}

function listed(): Promise<Listed[]> {
  return stage.daemon.sessions();
}

function post(body: Buffer, headers: http.OutgoingHttpHeaders = {}): Promise<Reply> {
  const { daemon } = stage;
  const host = `localhost:${daemon.port}`;
  return daemon.get("/api/recordings?name=x.thag", { host, origin: `http://${host}`, ...headers }, "POST", body);
}

/** The status that a request without a body that matters gets, or 0 when it is cut off. */
async function refusal(headers: http.OutgoingHttpHeaders): Promise<number> {
  return post(Buffer.from("x"), headers).then(
    ({ status }) => status,
    () => 0,
  );
}

describe("opening recordings on the page", () => {
  test("one that is dropped is shown, with its timeline, its program long gone", async () => {
    const page = await open();
    await drop(page, [{ name: "queens.thag", bytes: recording }]);
    await drawn(page);
    await until("all of it", async () => (await listed())[0]?.state === "recorded");
    const [session] = await listed();
    assert.equal(session?.recording?.file, "queens.thag");
    await page.keyboard.press("6");
    await until("slices", async () => (await page.locator("#chart-table tbody tr").count()) > 0);
    assert.equal(await page.locator("#open-note").isHidden(), true);
    assert.deepEqual(stage.tabs[0]?.complaints, []);
  });

  test("several, of which one is cut short and two are none: what can be is opened, the others are told", async () => {
    const page = await open();
    await drop(page, [
      { name: "<img src=x onerror=alert(1)>.thag", bytes: Buffer.from("no recording at all") },
      { name: "half.thag", bytes: recording.subarray(0, Math.floor(recording.length * 0.9)) },
      { name: "queens.thag", bytes: recording },
      { name: "empty.thag", bytes: Buffer.alloc(0) },
    ]);
    await until("all but the broken ones", async () => (await listed()).length === 2);
    const note = page.locator("#open-note span");
    await until("what went wrong", async () => /empty\.thag/.test((await note.textContent()) ?? ""));
    assert.match((await note.textContent()) ?? "", /^<img src=x onerror=alert\(1\)>\.thag: .*empty\.thag: the file is empty/);
    assert.equal(await page.locator("#open-note img").count(), 0);
    await page.locator("#open-note button").click();
    assert.equal(await page.locator("#open-note").isHidden(), true);
  });

  test("by the keyboard alone, from the empty page and from the list", async () => {
    const page = await open({ viewport: { width: 400, height: 700 } });
    const file = { name: "queens.thag", mimeType: "", buffer: recording };
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      page.locator("#empty button", { hasText: "Open a recording" }).press("Enter"),
    ]);
    await chooser.setFiles([file]);
    await drawn(page);
    await page.locator("#session").press("Enter");
    const [again] = await Promise.all([
      page.waitForEvent("filechooser"),
      page.locator("#session-menu button", { hasText: "Open recordings" }).press("Enter"),
    ]);
    await again.setFiles([file, { ...file, name: "more.thag" }]);
    await until("all three", async () => (await listed()).length === 3);
  });

  test("a long one is there at once, and says how far it is read", async () => {
    const { daemon } = stage;
    const thag = (...given: string[]): ChildProcess =>
      spawn(join(build, "tools/thag"), given, {
        env: { ...process.env, THAG_SOCKET: daemon.control, THAG_ON_FULL: "wait" },
        cwd: daemon.directory,
        stdio: "ignore",
      });
    await once(thag("run", "-q", "-o", "long.thag", "--", join(build, "bench/bench_emit"), "nested", "50"), "exit");
    await once(thag("forget", "latest"), "exit");
    const page = await open();
    const opened = once(thag("open", "long.thag"), "exit");
    await page.waitForFunction(() => /opening, \d+\u202f%/.test(document.getElementById("session")?.textContent ?? ""));
    await page.waitForFunction(() =>
      /being read: \d+\u202f% of its events/.test(document.getElementById("banners")?.textContent ?? ""),
    );
    await drawn(page);
    const total = (await page.locator("#flame-table tbody tr").first().locator("td").nth(1).textContent()) ?? "";
    assert.match(total, /ms$|^[\d.]+\u202fs$/, "calls that are open go on to the end of what was read");
    await opened;
    await until("all of it", async () => /· recorded ·/.test((await page.locator("#session").textContent()) ?? ""));
    assert.equal(await page.locator("#banners .banner").count(), 0);
    const calls = (await listed())[0]?.threads[0]?.calls ?? NaN;
    await until("each call", async () =>
      (await page.locator("#flame-table tbody tr").first().locator("td").last().textContent()) === count(calls / 8),
    );
    assert.deepEqual(stage.tabs[0]?.complaints, []);
  });

  test("what is dropped and is no file changes nothing", async () => {
    const page = await open();
    await page.evaluate(() => {
      const transfer = new DataTransfer();
      transfer.setData("text/uri-list", "http://localhost:1/");
      for (const type of ["dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
    });
    assert.equal(await page.locator("#drop-target").isHidden(), true);
    assert.equal(await page.locator("#open-note").isHidden(), true);
    assert.equal(page.url(), stage.daemon.url);
  });
});

describe("sending recordings", () => {
  test("another site's page, a foreign name, no length and too long a one are refused", async () => {
    assert.ok([403, 0].includes(await refusal({ origin: "http://example.org" })));
    assert.ok([403, 0].includes(await refusal({ origin: "" })));
    assert.ok([403, 0].includes(await refusal({ host: "example.org" })));
    assert.ok([413, 0].includes(await refusal({ "content-length": "99999999999999999999" })));
    assert.deepEqual(await listed(), []);
    assert.match((await post(recording)).body, /"program":"nqueens"/);
  });

  test("those that stop in the middle cost nothing, and others wait for their turn", async () => {
    const head = `POST /api/recordings HTTP/1.1\r\nHost: localhost:${stage.daemon.port}\r\nOrigin: http://localhost:${stage.daemon.port}\r\nContent-Length: ${recording.length + 1}\r\n\r\n`;
    const sockets = Array.from({ length: 6 }, () => {
      const socket = net.connect(stage.daemon.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(head);
      socket.write(recording);
      return socket;
    });
    await until("no room for more", async () => (await refusal({})) === 503);
    for (const socket of sockets) socket.destroy();
    await until("room again", async () => (await post(recording).catch(() => ({ body: "" }))).body.includes("nqueens"));
    assert.equal((await listed()).length, 1);
  });
});
