// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * speedscope's own importer, from npm, in Chromium: what it makes of our files, which it writes as
 * a file of its own format when it is told to save.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, extname, join, normalize } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { Daemon, launchBrowser, until } from "./harness.ts";

const build = process.env["THAG_BUILD"] ?? "";
const web = join(dirname(process.argv[1] ?? ""), "../../../web/package.json");
const release = join(dirname(createRequire(web).resolve("speedscope/package.json")), "dist/release");

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
};

interface Saved {
  shared: { frames: { name: string }[] };
  profiles: {
    type: string;
    unit: string;
    samples?: number[][];
    weights?: number[];
    events?: { type: "O" | "C"; frame: number; at: number }[];
  }[];
}

const PER_UNIT: Readonly<Record<string, number>> = { none: 1, nanoseconds: 1, microseconds: 1e3, milliseconds: 1e6, seconds: 1e9 };

/** Of Chrome's events it puts the "args" behind the name. */
function nameOf(frame: string): string {
  return frame.replace(/ \{.*$/s, "");
}

/** Own nanoseconds by stack, of all threads. */
function stacksOf({ shared, profiles }: Saved): Map<string, number> {
  const sums = new Map<string, number>();
  const add = (stack: readonly number[], value: number): void => {
    const text = stack.map((frame) => nameOf(shared.frames[frame]?.name ?? "?")).join(";");
    if (text !== "" && value > 0) sums.set(text, (sums.get(text) ?? 0) + value);
  };
  for (const { samples = [], weights = [], events = [], unit } of profiles) {
    const factor = PER_UNIT[unit] ?? NaN;
    samples.forEach((stack, index) => add(stack, (weights[index] ?? NaN) * factor));
    const open: number[] = [];
    let last = 0;
    for (const { type, frame, at } of events) {
      add(open, (at - last) * factor);
      last = at;
      if (type === "O") open.push(frame);
      else assert.equal(open.pop(), frame);
    }
    assert.equal(open.length, 0);
  }
  return sums;
}

function foldedOf(text: string): Map<string, number> {
  const lines = text.trimEnd().split("\n");
  return new Map(lines.map((line) => [line.replace(/ \d+$/, ""), Number(line.replace(/.* /, ""))]));
}

describe("speedscope", () => {
  let daemon: Daemon;
  let browser: Browser;
  let server: Server;

  const thag = (...options: string[]): void => {
    execFileSync(join(build, "tools/thag"), ["export", "latest", ...options], {
      env: { ...process.env, THAG_SOCKET: daemon.control },
    });
  };

  before(async () => {
    daemon = await Daemon.start();
    const program = daemon.run("examples/treestat", "--repeat", "2", "--top", "1", "/usr/include/linux");
    await new Promise((resolve) => program.once("exit", resolve));
    await until("the end", async () => (await daemon.sessions<{ state: string }>())[0]?.state === "ended");
    server = createServer(({ url = "/" }, response) => {
      const path = normalize(new URL(url, "http://localhost").pathname);
      const own = path.startsWith("/export/");
      const file = own ? join(daemon.directory, path.slice(8)) : join(release, path === "/" ? "index.html" : path);
      response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
      createReadStream(file)
        .on("error", () => response.writeHead(404).end())
        .pipe(response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await launchBrowser();
  });

  after(async () => {
    await browser.close();
    server.close();
    await daemon.stop();
  });

  /** What it saves of an export. */
  async function read(name: string): Promise<Map<string, number>> {
    const page = await browser.newPage();
    const port = (server.address() as AddressInfo).port;
    await page.goto(`http://127.0.0.1:${port}/#profileURL=/export/${name}`);
    await page.getByText("Left Heavy").first().waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Control+s")]);
    const saved = JSON.parse(readFileSync(await download.path(), "utf8"));
    await page.close();
    return stacksOf(saved);
  }

  for (const { format, name } of [
    { format: "speedscope", name: "all.json" },
    { format: "pprof", name: "all.pb.gz" },
    { format: "folded", name: "all.folded.txt" },
    { format: "chrome", name: "calls.json" },
  ])
    test(`reads what is written as ${format}`, async () => {
      thag("--raw", "-o", join(daemon.directory, "want.folded"));
      thag("--raw", "--format", format, "-o", join(daemon.directory, name));
      const want = foldedOf(readFileSync(join(daemon.directory, "want.folded"), "utf8"));
      const got = await read(name);
      if (format === "chrome") {
        // it has its own mind of calls that begin or end together, which costs more on a busy machine:
        // about as much time in all
        const sum = (stacks: Map<string, number>): number => [...stacks.values()].reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum(want) - sum(got)) <= sum(want) / 10, `${sum(want)}, speedscope ${sum(got)}`);
        assert.ok([...got.keys()].some((stack) => stack.startsWith("main;run_once;")));
        return;
      }
      for (const stack of new Set([...want.keys(), ...got.keys()])) {
        const [a, b] = [want.get(stack) ?? 0, got.get(stack) ?? 0];
        assert.ok(Math.abs(a - b) <= 10 + a / 1000, `${stack}: ${a}, speedscope ${b}`);
      }
    });
});
