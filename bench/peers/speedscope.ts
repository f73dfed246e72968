// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * speedscope beside our chart, each with the same calls in headless Chromium, which draws by
 * software here: until the first picture, frame times while zooming and panning by wheel and keys,
 * and the heap. speedscope gets the calls in a file of its own format, a profile a thread, over a local
 * server.
 *
 *   speedscope.ts DIRECTORY RECORDING…   DIRECTORY: of speedscope's built page; THAG_BUILD names
 *                                        the build
 */
import { execFileSync } from "node:child_process";
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, extname, join, normalize } from "node:path";
import type { Browser, Page } from "playwright-core";
import { Daemon, launchBrowser } from "../../tests/web/harness.ts";
import { framesDuring, heapOf, hold, isChart, middle, settled, VIEWPORT, wheel } from "../drive.ts";
import { show } from "../samples.ts";

/** After this a page that shows nothing is given up. */
const PATIENCE_MS = 240_000;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Serves speedscope's files, and the export as /calls.json. */
async function serve(directory: string, calls: string): Promise<Server> {
  const server = createServer(({ url = "/" }, response) => {
    const path = normalize(new URL(url, "http://localhost").pathname);
    const file = path === "/calls.json" ? calls : join(directory, path === "/" ? "index.html" : path);
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    createReadStream(file)
      .on("error", () => response.writeHead(404).end())
      .pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** A call, as thag exports it for Chrome: µs. Those of a thread come in the order of their starts. */
interface Call {
  name: string;
  ph: string;
  tid: number;
  ts: number;
  dur: number;
}

/** The calls as speedscope's own events, "evented": what it reads fastest. */
function toSpeedscope(calls: readonly Call[]): string {
  const frames = new Map<string, number>();
  const threads = new Map<number, { events: string[]; open: { frame: number; end: number }[]; last: number }>();
  for (const { name, ph, tid, ts, dur } of calls) {
    if (ph !== "X") continue;
    const thread = threads.get(tid) ?? { events: [], open: [], last: 0 };
    threads.set(tid, thread);
    closeUntil(thread, ts);
    const frame = frames.get(name) ?? frames.size;
    frames.set(name, frame);
    thread.events.push(`{"type":"O","frame":${frame},"at":${ts}}`);
    // of rounded times one may end after the call that it is in
    thread.open.push({ frame, end: Math.min(ts + dur, thread.open.at(-1)?.end ?? Infinity) });
  }
  const profiles = [...threads].map(([tid, thread]) => {
    closeUntil(thread, Infinity);
    return `{"type":"evented","name":"${tid}","unit":"microseconds","startValue":0,"endValue":${thread.last},"events":[${thread.events.join(",")}]}`;
  });
  return `{"$schema":"https://www.speedscope.app/file-format-schema.json","shared":{"frames":${JSON.stringify(
    [...frames.keys()].map((name) => ({ name })),
  )}},"profiles":[${profiles.join(",")}]}`;
}

function closeUntil(
  thread: { events: string[]; open: { frame: number; end: number }[]; last: number },
  now: number,
): void {
  for (let top = thread.open.at(-1); top !== undefined && top.end <= now; top = thread.open.at(-1)) {
    thread.events.push(`{"type":"C","frame":${top.frame},"at":${top.end}}`);
    thread.last = top.end;
    thread.open.pop();
  }
}

/** Keys of either page: in, out, to the left, to the right. */
interface Keys {
  in: string;
  out: string;
  left: string;
  right: string;
  /** Held down while the wheel zooms. */
  zoom: string | null;
}

async function move(page: Page, keys: Keys): Promise<void> {
  const zoom = async (by: number): Promise<void> => {
    if (keys.zoom !== null) await page.keyboard.down(keys.zoom);
    await wheel(page, 20, by);
    if (keys.zoom !== null) await page.keyboard.up(keys.zoom);
  };
  await page.mouse.move(middle.x, middle.y / 2);
  for (let round = 0; round < 2; round++) {
    await zoom(-120);
    for (const key of [keys.right, keys.left, keys.in, keys.out]) await hold(page, key, 700);
    await zoom(120);
  }
}

/** Opens an address and prints what it costs; `shown` waits for the first picture. */
async function measure(
  browser: Browser,
  what: string,
  address: string,
  keys: Keys,
  shown: (page: Page) => Promise<unknown>,
): Promise<void> {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  try {
    const crash = new Promise((_, fail) => page.once("crash", () => fail(new Error("its tab crashed"))));
    const begun = Date.now();
    const picture = shown(page);
    await page.goto(address);
    await Promise.race([picture, crash]);
    await Promise.race([settled(page), crash]);
    console.log(`  ${what}: the first picture after ${Date.now() - begun} ms`);
    show("  frames", await framesDuring(page, () => move(page, keys)), "ms");
    console.log(`    heap after that: ${(await heapOf(session)).toFixed(1)} MiB`);
  } catch (error) {
    console.log(`  ${what}: no picture: ${(error as Error).message.split("\n")[0]}`);
  }
  await context.close();
}

async function compare(browser: Browser, daemon: Daemon, directory: string, file: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "thag-speedscope."));
  const calls = join(work, "calls.json");
  const thag = (...given: string[]): string =>
    execFileSync(join(process.env["THAG_BUILD"] ?? "build", "tools/thag"), given, {
      env: { ...process.env, THAG_SOCKET: daemon.control },
      encoding: "utf8",
    });
  const address = /http:\S+/.exec(thag("open", file))?.[0] ?? "";
  const session = /session=(\w+)/.exec(address)?.[1] ?? "latest";
  thag("export", session, "--format", "chrome", "-o", calls);
  const { traceEvents } = JSON.parse(readFileSync(calls, "utf8")) as { traceEvents: Call[] };
  writeFileSync(calls, toSpeedscope(traceEvents));
  const server = await serve(directory, calls);
  const port = (server.address() as AddressInfo).port;
  const mebibytes = (path: string): number => Math.ceil(statSync(path).size / 2 ** 20);
  console.log(`${basename(file)}: ${mebibytes(file)} MiB; for speedscope ${mebibytes(calls)} MiB`);
  await measure(
    browser,
    "thag",
    `${address}${address.includes("#") ? "&" : "#"}view=chart`,
    { in: "w", out: "s", left: "a", right: "d", zoom: null },
    (page) =>
      page.waitForEvent("websocket").then((socket) =>
        socket.waitForEvent("framereceived", {
          predicate: ({ payload }) => typeof payload !== "string" && isChart(payload),
          timeout: PATIENCE_MS,
        }),
      ),
  );
  await measure(
    browser,
    "speedscope",
    `http://127.0.0.1:${port}/#profileURL=${encodeURIComponent(`http://127.0.0.1:${port}/calls.json`)}`,
    { in: "+", out: "-", left: "a", right: "d", zoom: "Control" },
    (page) =>
      page.waitForFunction(() => / - speedscope$/.test(document.title), null, { timeout: PATIENCE_MS }),
  );
  server.close();
  rmSync(work, { recursive: true });
}

const [directory = "", ...recordings] = process.argv.slice(2);
const daemon = await Daemon.start();
const browser = await launchBrowser();
try {
  for (const file of recordings) await compare(browser, daemon, directory, file);
} finally {
  await browser.close();
  await daemon.stop();
}
