// SPDX-License-Identifier: MIT OR Apache-2.0
/** What the tests of a file have in common: a browser, and for each of them a thagd of its own. */
import { after, afterEach, before, beforeEach } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { Daemon, launchBrowser, openTab, type Tab } from "./harness.ts";

/** Made once, outside all tests. */
export class Stage {
  browser!: Browser;
  daemon!: Daemon;
  /** What the test opened; closed after it. */
  tabs: Tab[] = [];

  constructor() {
    before(async () => {
      this.browser = await launchBrowser();
    });
    after(() => this.browser?.close());
    beforeEach(async () => {
      this.daemon = await Daemon.start();
      this.tabs = [];
    });
    afterEach(async () => {
      for (const { page } of this.tabs) await page.context().close();
      await this.daemon?.stop();
    });
  }

  async open(hash = "", options: BrowserContextOptions = {}): Promise<Page> {
    const tab = await openTab(this.browser, this.daemon.url + hash, options);
    this.tabs.push(tab);
    return tab.page;
  }
}
