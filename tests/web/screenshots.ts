// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Writes the pictures of the documentation, docs/images/*.png, from programs that run:
 *
 *   node tests/web/run.mjs --script --proto build/proto/proto.ts --out build/screenshots screenshots.ts
 */
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { Daemon, drawn, frameOnRow, launchBrowser, openTab } from "./harness.ts";

const build = process.env["THAG_BUILD"] ?? "build";
const source = process.env["THAG_SOURCE"] ?? ".";
const images = join(source, "docs/images");

interface Picture {
  name: string;
  hash?: string;
  options: BrowserContextOptions;
  /** What a user does before it is taken. */
  act?: (page: Page) => Promise<unknown>;
}

const wide = { viewport: { width: 1280, height: 760 }, deviceScaleFactor: 1.5 };

/** The row of a function in the table. */
function rowOf(page: Page, name: string) {
  const called = page.locator(`bdi:text-is("${name}")`);
  return page.locator(".functions tbody tr").filter({ has: called }).first();
}

/** Its numbers, its durations and its slowest calls in the panel. */
async function choose(page: Page, name: string): Promise<void> {
  await rowOf(page, name).locator("bdi").click();
  await page.locator("#durations svg").first().waitFor();
}

async function openSource(page: Page, name: string): Promise<void> {
  await rowOf(page, name).locator("bdi").click();
  await page.locator("#panel").getByRole("button", { name: "Source" }).click();
  await page.locator(".source-table tbody tr").first().waitFor();
}

async function openSandwich(page: Page, name: string): Promise<void> {
  await rowOf(page, name).hover();
  await rowOf(page, name).locator(".more").click();
  await page.locator("#callees-table tbody tr").first().waitFor({ state: "attached" });
}

const pictures: readonly Picture[] = [
  {
    name: "flame-light",
    options: { ...wide, colorScheme: "light" },
    act: (page) => frameOnRow(page, 4, 0.62),
  },
  { name: "flame-dark", options: { ...wide, colorScheme: "dark" } },
  {
    name: "search",
    hash: "#search=table",
    options: { ...wide, colorScheme: "light" },
  },
  {
    name: "zoom",
    options: { ...wide, colorScheme: "dark" },
    act: async (page) => {
      const { x, y } = await frameOnRow(page, 3, 0.5);
      await page.mouse.click(x, y);
      await page.mouse.move(640, 740);
    },
  },
  {
    name: "sessions",
    hash: "#view=functions&sort=p99",
    options: { ...wide, colorScheme: "light" },
    act: (page) => page.locator("#session").click(),
  },
  { name: "left-heavy", hash: "#view=flame&root=bottom&siblings=heavy", options: { ...wide, colorScheme: "light" } },
  {
    name: "functions",
    options: { ...wide, colorScheme: "light" },
    act: (page) => choose(page, "read_file"),
  },
  {
    name: "sandwich",
    hash: "#view=functions",
    options: { ...wide, colorScheme: "dark" },
    act: (page) => openSandwich(page, "scan_text"),
  },
  {
    name: "source",
    options: { ...wide, colorScheme: "light" },
    act: (page) => openSource(page, "read_file"),
  },
  { name: "chart-light", hash: "#view=chart", options: { ...wide, colorScheme: "light" } },
  { name: "chart-dark", hash: "#view=chart", options: { ...wide, colorScheme: "dark" } },
  {
    name: "narrow",
    options: { viewport: { width: 400, height: 760 }, deviceScaleFactor: 2, colorScheme: "dark" },
  },
];

/** Of two runs of a program, over other directories. */
const diffPictures: readonly Picture[] = [
  {
    name: "diff-light",
    hash: "#view=diff&mode=normalised",
    options: { ...wide, colorScheme: "light" },
    act: (page) => frameOnRow(page, 3, 0.3),
  },
  { name: "diff-dark", hash: "#view=diff&mode=normalised", options: { ...wide, colorScheme: "dark" } },
];

/** Of a program's memory: words of examples/memory for what leaked, an interpreter for the rest. */
const memoryPictures: readonly Picture[] = [
  {
    name: "memory-leaks",
    hash: "#view=memory",
    options: { ...wide, colorScheme: "dark" },
  },
  {
    name: "memory-narrow",
    hash: "#view=memory",
    options: { viewport: { width: 400, height: 760 }, deviceScaleFactor: 2, colorScheme: "light" },
  },
];
const livePictures: readonly Picture[] = [
  {
    name: "memory",
    hash: "#metric=live",
    options: { ...wide, colorScheme: "light" },
    act: async (page) => {
      const box = await page.locator("#timeline-chart .u-over").boundingBox();
      if (box === null) return;
      await page.mouse.move(box.x + 0.35 * box.width, box.y + 30);
      await page.mouse.down();
      await page.mouse.move(box.x + 0.5 * box.width, box.y + 30);
      await page.mouse.move(box.x + 0.7 * box.width, box.y + 30);
      await page.mouse.up();
      await page.mouse.move(640, 740);
      await page.waitForTimeout(3000);
    },
  },
];

/** Builds lists and tables of ever more text, and drops most of them from time to time. */
const SCRIPT = `
import json, time
kept = {}
def parse(text): return json.loads(text)
def keep(i): kept[i] = parse(json.dumps([str(n) * 9 for n in range(i % 400)]))
for i in range(100000):
    keep(i)
    if i % 900 == 899:
        for key in list(kept)[:700]: del kept[key]
    time.sleep(0.004)
`;

async function take(browser: Browser, url: string, picture: Picture): Promise<void> {
  const { page } = await openTab(browser, url + (picture.hash ?? ""), picture.options);
  await page.locator("#main").waitFor();
  await page.waitForTimeout(1500);
  await picture.act?.(page);
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(images, `${picture.name}.png`) });
  await page.context().close();
}

const daemon = await Daemon.start();
const browser = await launchBrowser();
/** Where sites' paths lead from where the programs run: the pictures show it, not this folder. */
const examples = join(daemon.directory, "../examples");
try {
  cpSync(join(source, "examples/treestat"), join(examples, "treestat"), { recursive: true });
  mkdirSync(images, { recursive: true });
  const before = daemon.run("examples/sections", "3000");
  await new Promise((resolve) => before.once("exit", resolve));
  const tree = daemon.run("examples/treestat", "--seconds", "120", "--threads", "4");
  const first = await openTab(browser, daemon.url);
  await drawn(first.page);
  for (const picture of pictures) await take(browser, daemon.url, picture);
  tree.kill();
  for (const directory of ["/usr/include", "/etc"]) {
    const run = daemon.run("examples/treestat", "--seconds", "4", "--threads", "2", directory);
    await new Promise((resolve) => run.once("exit", resolve));
  }
  for (const picture of diffPictures) await take(browser, daemon.url, picture);
  const memory = ["run", "--memory", "--quiet", "--"];
  const texts = readdirSync("/usr/include")
    .filter((name) => name.endsWith(".h"))
    .map((name) => `/usr/include/${name}`);
  const words = daemon.run("tools/thag", ...memory, join(build, "examples/words"), ...texts);
  await new Promise((resolve) => words.once("exit", resolve));
  for (const picture of memoryPictures) await take(browser, daemon.url, picture);
  daemon.run("tools/thag", ...memory, "timeout", "25", "python3", "-c", SCRIPT);
  await new Promise((resolve) => setTimeout(resolve, 9000));
  for (const picture of livePictures) await take(browser, daemon.url, picture);
} finally {
  rmSync(examples, { recursive: true, force: true });
  await browser.close();
  await daemon.stop();
}
