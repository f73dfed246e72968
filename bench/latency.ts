// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * From an event to the pixel: a program enters functions that were never seen before, each setting a
 * value, and writes when; the page, open in headless Chromium, draws a function's name in the
 * flamegraph and the most that the value was in the chart, and a look over its shoulder tells when.
 * Nothing glides: what does is there a frame after it began to move.
 *
 *   latency.ts   THAG_BUILD names the build; bench/page.sh compiles the program
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { Daemon, launchBrowser, openTab } from "../tests/web/harness.ts";
import { show } from "./samples.ts";

const ROUNDS = 10;

/** Keeps when each text was first drawn on a canvas: the end of the frame that did it. */
function watchTexts(): void {
  const seen = new Map<string, number>();
  (window as unknown as { seen: Map<string, number> }).seen = seen;
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    if (!seen.has(text)) {
      seen.set(text, NaN);
      // what a frame's callbacks drew is shown once they are done
      requestAnimationFrame(() => seen.set(text, Date.now()));
    }
    fillText.call(this, text, ...place);
  };
}

const options = {
  viewport: { width: 1920, height: 1080 },
  reducedMotion: "reduce",
} as const;

/** How long after each function was entered the text that tells of it was drawn. */
async function waitsOf(browser: Browser, { view, text }: Look): Promise<number[]> {
  const daemon = await Daemon.start();
  const { page } = await openTab(browser, "about:blank", options);
  await page.addInitScript(watchTexts);
  await page.goto(`${daemon.url}#view=${view}`);
  await once(daemon.run("bench/pulse", "times"), "exit");
  await page.waitForTimeout(1000);
  const seen = await page.evaluate(() => [...(window as unknown as { seen: Map<string, number> }).seen]);
  await page.context().close();
  const entered = readFileSync(join(daemon.directory, "times"), "utf8").trim().split("\n").map(Number);
  await daemon.stop();
  return entered.flatMap((at, number) => {
    const found = seen.find(([drawn]) => text(number).test(drawn));
    return found === undefined ? [] : [found[1] - at];
  });
}

interface Look {
  view: string;
  /** The text that tells of the function of that number. */
  text(number: number): RegExp;
}

const LOOKS: Look[] = [
  { view: "flame", text: (number) => new RegExp(`^p${number}$`) },
  { view: "chart", text: (number) => new RegExp(`^pulse .*… ${number}$`) },
];

const browser = await launchBrowser();
try {
  for (const look of LOOKS) {
    const waits: number[] = [];
    for (let round = 0; round < ROUNDS; round++) waits.push(...(await waitsOf(browser, look)));
    show(`event to pixel, ${look.view}`, waits, "ms", 0);
  }
} finally {
  await browser.close();
}
