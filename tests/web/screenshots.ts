// SPDX-License-Identifier: MIT OR Apache-2.0
/** Writes the pictures of the documentation, docs/images/*.png, from a program that runs. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { Daemon, drawn, frameOnRow, launchBrowser, openTab } from "./harness.ts";

const images = join(process.env["THAG_SOURCE"] ?? ".", "docs/images");

interface Picture {
  name: string;
  hash?: string;
  options: BrowserContextOptions;
  /** What a user does before it is taken. */
  act?: (page: Page) => Promise<unknown>;
}

const wide = { viewport: { width: 1280, height: 760 }, deviceScaleFactor: 1.5 };

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
  {
    name: "narrow",
    options: { viewport: { width: 400, height: 760 }, deviceScaleFactor: 2, colorScheme: "dark" },
  },
];

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
try {
  mkdirSync(images, { recursive: true });
  const before = daemon.run("examples/sections", "3000");
  await new Promise((resolve) => before.once("exit", resolve));
  daemon.run("examples/treestat", "--seconds", "120", "--threads", "4");
  const first = await openTab(browser, daemon.url);
  await drawn(first.page);
  for (const picture of pictures) await take(browser, daemon.url, picture);
} finally {
  await browser.close();
  await daemon.stop();
}
