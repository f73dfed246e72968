// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * How the page's chart moves: opens a recording in headless Chromium, zooms and pans by wheel, mouse
 * and keys, and prints frame times, how long thagd's answers took and how big they were, and the
 * heap. Chromium draws by software here: a machine with a graphics processor is faster.
 *
 *   page.ts RECORDING…   THAG_BUILD names the build
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Browser, CDPSession, Page } from "playwright-core";
import { Daemon, launchBrowser, openTab, until } from "../tests/web/harness.ts";
import { framesDuring, heapOf, hold, isChart, middle, settled, VIEWPORT, wheel } from "./drive.ts";
import { show } from "./samples.ts";

const build = process.env["THAG_BUILD"] ?? "build";

/** What went over the page's WebSocket. */
class Traffic {
  readonly answers: number[] = [];
  readonly sizes: number[] = [];
  private asked: number | null = null;

  constructor(session: CDPSession) {
    session.on("Network.webSocketFrameSent", ({ timestamp, response }) => {
      if (response.payloadData.includes('"op":"chart"')) this.asked = timestamp;
    });
    session.on("Network.webSocketFrameReceived", ({ timestamp, response }) => {
      if (response.opcode !== 2 || this.asked === null) return;
      const bytes = Buffer.from(response.payloadData, "base64");
      if (!isChart(bytes)) return;
      this.answers.push((timestamp - this.asked) * 1000);
      this.sizes.push(bytes.length / 1024);
      this.asked = null;
    });
  }

  forget(): void {
    this.answers.length = this.sizes.length = 0;
  }
}

async function drag(page: Page, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const by = i % 2 === 0 ? 600 : -500;
    await page.mouse.move(middle.x - by / 2, middle.y);
    await page.mouse.down();
    await page.mouse.move(middle.x + by / 2, middle.y, { steps: 30 });
    await page.mouse.up();
  }
}

/** In, to and fro on the way, and out again. */
async function move(page: Page): Promise<void> {
  await page.mouse.move(middle.x, middle.y);
  for (let round = 0; round < 3; round++) {
    await wheel(page, 25, -120);
    await drag(page, 4);
    for (const key of ["d", "a", "w", "s"]) await hold(page, key, 700);
  }
  await wheel(page, 75, 120);
}

/** Opens the file: the address once it is in the list, the rest once all of it is read. */
async function openFile(daemon: Daemon, file: string) {
  const begun = performance.now();
  const opening = spawn(join(build, "tools/thag"), ["open", file], {
    env: { ...process.env, THAG_SOCKET: daemon.control },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  opening.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const read = once(opening, "close").then(() => performance.now() - begun);
  await until("an address", () => /http:\S+\s/.test(printed), 60000);
  const address = /http:\S+/.exec(printed)?.[0];
  if (address === undefined) throw new Error(`no address in ${printed}`);
  return { address, line: printed.trim().split("\n")[0], listed: performance.now() - begun, read };
}

async function measure(browser: Browser, daemon: Daemon, file: string): Promise<void> {
  const { page } = await openTab(browser, "about:blank", { viewport: VIEWPORT });
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Performance.enable");
  const traffic = new Traffic(session);
  const { address, line, listed, read } = await openFile(daemon, file);
  const start = performance.now();
  await page.goto(`${address}${address.includes("#") ? "&" : "#"}view=chart`);
  await until("an answer", () => traffic.answers.length > 0, 60000);
  await settled(page);
  const painted = performance.now() - start;
  console.log(`${file.replace(/.*\//, "")}: ${line}`);
  console.log(
    `  in the list after ${listed.toFixed()} ms, the first picture ${painted.toFixed()} ms later`,
  );
  console.log(`  all of it was read after ${(await read).toFixed()} ms`);
  traffic.forget();
  show("frames", await framesDuring(page, () => move(page)), "ms");
  show("answers", traffic.answers, "ms");
  show("sizes", traffic.sizes, "KiB", 0);
  console.log(`  heap after that: ${(await heapOf(session)).toFixed(1)} MiB`);
  await page.context().close();
}

const daemon = await Daemon.start();
const browser = await launchBrowser();
try {
  for (const file of process.argv.slice(2)) await measure(browser, daemon, file);
} finally {
  await browser.close();
  await daemon.stop();
}
