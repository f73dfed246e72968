// SPDX-License-Identifier: MIT OR Apache-2.0
/** What a hand does on a page, and what it costs there. */
import type { CDPSession, Page } from "playwright-core";
import { FrameType } from "thag-proto";

export const VIEWPORT = { width: 1920, height: 1080 };

export const middle = { x: VIEWPORT.width / 2, y: VIEWPORT.height / 2 };

/** Where a frame's header has its type: after 4 bytes of magic and 2 of version. */
const TYPE_AT = 6;

/** Whether a message of thagd's is one that the chart is drawn from. */
export function isChart(message: Buffer): boolean {
  return message.readUInt16LE(TYPE_AT) === FrameType.CHART;
}

/** Once what was asked for is on the screen. */
export function settled(page: Page): Promise<unknown> {
  return page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** Milliseconds between the frames that the page drew while `act` went on. */
export async function framesDuring(page: Page, act: () => Promise<void>): Promise<number[]> {
  await page.evaluate(() => {
    const state = window as unknown as { frames: number[]; recording: boolean };
    state.frames = [];
    state.recording = true;
    const step = (now: number): void => {
      state.frames.push(now);
      if (state.recording) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  await act();
  const frames = await page.evaluate(() => {
    const state = window as unknown as { frames: number[]; recording: boolean };
    state.recording = false;
    return state.frames;
  });
  return frames.slice(1).map((at, i) => at - (frames[i] as number));
}

export async function wheel(page: Page, steps: number, by: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    await page.mouse.wheel(0, by);
    await page.waitForTimeout(20);
  }
}

export async function hold(page: Page, key: string, ms: number): Promise<void> {
  await page.keyboard.down(key);
  await page.waitForTimeout(ms);
  await page.keyboard.up(key);
}

export async function heapOf(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  return (metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? NaN) / 2 ** 20;
}
