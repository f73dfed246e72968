// SPDX-License-Identifier: MIT OR Apache-2.0
/** A thagd of its own, programs that report to it, and a browser that looks at it. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const build = process.env["THAG_BUILD"] ?? "";
if (!existsSync(join(build, "daemon/thagd")))
  throw new Error("THAG_BUILD must name a build folder with thagd in it");

/** Waits until `holds` gives something true; says what was awaited if it never does. */
export async function until<T>(
  what: string,
  holds: () => Promise<T> | T,
  ms = 10000,
): Promise<NonNullable<T>> {
  for (const end = Date.now() + ms; ;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}

export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** thagd in a directory of its own. */
export class Daemon {
  readonly directory = mkdtempSync(join(tmpdir(), "thag-web-"));
  private readonly socket = join(this.directory, "thagd.sock");
  private readonly programs: ChildProcess[] = [];
  private child: ChildProcess | null = null;
  /** Beside the usual, for programs to come. */
  environment: NodeJS.ProcessEnv = {};
  port = 0;

  /** `options`: beside the usual ones. */
  constructor(private readonly options: readonly string[] = []) {}

  static async start(...options: string[]): Promise<Daemon> {
    const daemon = new Daemon(options);
    daemon.port = await freePort();
    await daemon.launch();
    return daemon;
  }

  /** The programs it was told to run. */
  get processes(): readonly ChildProcess[] {
    return this.programs;
  }

  /** Its control socket. */
  get control(): string {
    return this.socket;
  }

  get url(): string {
    return `http://localhost:${this.port}/`;
  }

  /** Starts it, on the port it had before. */
  async launch(): Promise<void> {
    const options = [
      "--foreground",
      "--port",
      String(this.port),
      "--socket",
      this.socket,
      "--output-dir",
      this.directory,
      ...this.options,
    ];
    this.child = spawn(join(build, "daemon/thagd"), options, {
      stdio: ["ignore", "ignore", "ignore"],
    });
    await until("thagd answers", () =>
      this.get("/").then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  }

  async kill(): Promise<void> {
    this.child?.kill("SIGKILL");
    if (this.child !== null) await ended(this.child);
  }

  /** Stops it for a while, as a machine under load may. */
  async stall(ms: number): Promise<void> {
    this.child?.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.child?.kill("SIGCONT");
  }

  /** Runs a program of the build folder that reports to this thagd. */
  run(program: string, ...options: string[]): ChildProcess {
    const env = { ...process.env, ...this.environment, THAG_SOCKET: this.socket };
    const child = spawn(join(build, program), options, {
      env,
      cwd: this.directory,
      stdio: "ignore",
    });
    this.programs.push(child);
    return child;
  }

  /** Ends the programs, then thagd. */
  async stop(): Promise<void> {
    for (const program of this.programs) program.kill("SIGKILL");
    await Promise.all(this.programs.map(ended));
    this.child?.kill("SIGTERM");
    if (this.child !== null) await ended(this.child);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** What a plain request gets, with these headers. */
  get(path: string, headers: http.OutgoingHttpHeaders = {}, method = "GET", sent?: Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: "127.0.0.1",
        port: this.port,
        path,
        method,
        headers,
        timeout: 5000,
      });
      request.on("error", reject);
      request.on("timeout", () => request.destroy(new Error("timeout")));
      request.on("upgrade", (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: "" });
      });
      request.on("response", (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      });
      request.end(sent);
    });
  }

  /** The sessions it lists, as JSON. */
  async sessions<T>(): Promise<T[]> {
    const { body } = await this.get("/api/sessions");
    return (JSON.parse(body) as { sessions: T[] }).sessions;
  }
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["THAG_CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page, and what it complained about. */
export interface Tab {
  page: Page;
  complaints: string[];
}

/** What the console says when a connection is lost: expected when thagd is killed. */
export const LOST_CONNECTION = /WebSocket connection to/;

/** Opens the UI; every error and every breach of the content security policy is kept. */
export async function openTab(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** What has the focus: its label, or its text. */
export function focused(page: Page): Promise<string | null | undefined> {
  return page.evaluate(
    () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent,
  );
}

/** Waits until a flamegraph is drawn. */
export async function drawn(page: Page): Promise<void> {
  await page.locator("#main").waitFor({ state: "visible" });
  await until(
    "frames below the root",
    async () => (await page.locator("#flame-table tbody tr").count()) > 0,
  );
}

export interface PointedFrame {
  x: number;
  y: number;
  name: string;
}

/**
 * Points at the first frame of the flamegraph, from a row on (0: the root's) and from a part of its width
 * on, that has the name, or any. Where it is the page finds by events of its own, without a mouse that
 * has to be there first.
 */
async function pointAt(page: Page, rows: number[], from: number, name?: string): Promise<PointedFrame> {
  let found: PointedFrame | null = null;
  // what is in the page's tables may not be drawn yet
  await until(`a frame ${name ?? ""} on rows ${rows}`, async () => {
    found = await seek(page, rows, from, name);
    return found !== null;
  });
  const { x, y } = found as unknown as PointedFrame;
  await page.mouse.move(x, y);
  return found as unknown as PointedFrame;
}

function seek(page: Page, rows: number[], from: number, name?: string): Promise<PointedFrame | null> {
  const wanted = { rows, from, name };
  return page.locator("#flame-canvas").evaluate((canvas, { rows, from, name }) => {
    const tip = document.getElementById("tip") as HTMLElement;
    const box = canvas.getBoundingClientRect();
    for (const row of rows)
      for (let x = 8 + from * box.width; x < box.width; x += 8) {
        const clientX = box.x + x;
        const clientY = box.y + row * 19 + 9;
        canvas.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY }));
        const named = tip.querySelector("strong")?.textContent ?? "";
        if (!tip.hidden && (name === undefined || name === named)) return { x: clientX, y: clientY, name: named };
      }
    return null;
  }, wanted);
}

/** Points at the first frame on a row, from `from` of its width on. */
export function frameOnRow(page: Page, row: number, from = 0): Promise<PointedFrame> {
  return pointAt(page, [row], from);
}

/** Points at a frame of that name below the root. */
export function frameNamed(page: Page, name: string): Promise<PointedFrame> {
  return pointAt(page, [1, 2, 3, 4, 5, 6, 7, 8], 0, name);
}

/** The last of the crumbs: the frame zoomed to. */
export function zoomedTo(page: Page): Promise<string> {
  return page
    .locator("#crumbs button[aria-current]")
    .textContent()
    .then((text) => text ?? "");
}

/** A figure of the panel, as text. */
export function figure(page: Page, name: string): Promise<string> {
  return page
    .locator("#panel .figures")
    .first()
    .locator(`dt:text-is("${name}") + dd`)
    .textContent()
    .then((text) => text ?? "");
}
