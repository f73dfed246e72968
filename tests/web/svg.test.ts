// SPDX-License-Identifier: MIT OR Apache-2.0
/** Pictures of `thag svg`, opened as files in Chromium, as whoever gets one sent does. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchBrowser, openTab, type Tab } from "./harness.ts";

const thag = join(process.env["THAG_BUILD"] ?? "", "tools/thag");
const LONG = "std::vector<std::pair<int, long>>::operator[](unsigned long) const";
const STACKS = [
  "main;parse;lex 300000",
  "main;parse;lex;lex 50000",
  "main;parse 100000",
  "main;Parse 50000",
  `work;${LONG} 400000`,
  "work 99000",
  "work;tiny 1000",
];

const directory = mkdtempSync(join(tmpdir(), "thag-svg-"));
let browser: Browser;
let tabs: Tab[] = [];

before(async () => {
  browser = await launchBrowser();
});
afterEach(async () => {
  for (const { page, complaints } of tabs) {
    assert.deepEqual(complaints, []);
    await page.context().close();
  }
  tabs = [];
});
after(async () => {
  await browser.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Draws stacks; the path of the file. */
function picture(stacks: readonly string[], ...options: string[]): string {
  const folded = join(directory, "input.folded");
  const file = join(directory, "picture.svg");
  writeFileSync(folded, stacks.join("\n") + "\n");
  const { status, stderr } = spawnSync(thag, ["svg", folded, "-o", file, "--count-name", "ns", ...options], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return file;
}

async function open(file: string, options: BrowserContextOptions = {}): Promise<Page> {
  const tab = await openTab(browser, pathToFileURL(file).href, { viewport: { width: 1000, height: 400 }, ...options });
  tabs.push(tab);
  return tab.page;
}

function show(...options: string[]): Promise<Page> {
  return open(picture(STACKS, ...options));
}

/** The box of that name: the first one. */
function box(page: Page, name: string) {
  return page.locator(`#frames > g[aria-label^="${name},"]`).first();
}

interface Place {
  left: number;
  width: number;
  label: string;
}

/** Where a box is, in pixels, and what it says. */
async function place(page: Page, name: string): Promise<Place> {
  return box(page, name).evaluate((group) => {
    const { left, width } = (group.querySelector("rect") as SVGRectElement).getBoundingClientRect();
    return { left, width, label: group.querySelector("text")?.textContent ?? "" };
  });
}

function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => (document.activeElement?.getAttribute("aria-label") ?? "").split(",")[0] ?? "");
}

/** What is typed into the search; its document is XML, which Playwright's own way doesn't know. */
function typed(page: Page): Promise<string> {
  return page.locator("input").evaluate((input) => (input as HTMLInputElement).value);
}

const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 0.6, `${a} is not ${b}`);

test("a picture fills its window, its names cut to the room there is", async () => {
  const page = await show();
  const main = await place(page, "main");
  near(main.left, 10);
  near(main.width, 490);
  assert.equal((await place(page, "Parse")).label, "Parse");
  const wide = (await place(page, "std::vector<std::pair<int")).label;
  assert.match(wide, /^std::vector<.*\.\.$/);
  await page.setViewportSize({ width: 3000, height: 400 });
  near((await place(page, "main")).width, 1470);
  assert.equal((await place(page, "std::vector<std::pair<int")).label, LONG);
  await page.setViewportSize({ width: 300, height: 400 });
  assert.equal((await place(page, "Parse")).label, "");
});

test("labels never leave their boxes", async () => {
  const page = await show();
  const outside = await page.evaluate(() =>
    Array.from(document.querySelectorAll("#frames > g"))
      .filter((group) => {
        const text = group.querySelector("text")?.getBoundingClientRect();
        const rect = group.querySelector("rect")?.getBoundingClientRect();
        return text && rect && text.width > 0 && text.right > rect.right;
      })
      .map((group) => group.textContent),
  );
  assert.deepEqual(outside, []);
});

test("a click zooms, and the way back is the root, the button and Escape", async () => {
  const page = await show();
  const reset = page.getByRole("button", { name: "Reset zoom" });
  for (const back of [
    () => reset.click(),
    () => box(page, "all").click(),
    () => page.keyboard.press("Escape"),
  ]) {
    assert.equal(await reset.isDisabled(), true);
    await box(page, "parse").click();
    const parse = await place(page, "parse");
    near(parse.left, 10);
    near(parse.width, 980);
    near((await place(page, "main")).width, 980);
    near((await place(page, "lex")).width, (980 * 350) / 450);
    assert.equal(await box(page, "work").isVisible(), false);
    assert.equal(await box(page, "main").getAttribute("class").then((text) => /above/.test(text ?? "")), true);
    await back();
    near((await place(page, "main")).width, 490);
    assert.equal(await box(page, "work").isVisible(), true);
    assert.equal(await page.locator("g.above").count(), 0);
  }
});

test("numbers beyond those a script counts in exactly zoom as others do", async () => {
  const half = 2n ** 62n;
  const stacks = [`a;b;c ${half - 1n}`, `a;d ${half + 1n}`, `e;f ${half}`, `e;g ${half - 1n}`];
  const page = await open(picture(stacks, "--count-name", "samples"));
  for (const [name, inner] of [
    ["a", ["b", "c", "d"]],
    ["e", ["f", "g"]],
    ["b", ["c"]],
  ] as const) {
    await box(page, name).click();
    near((await place(page, name)).width, 980);
    for (const other of inner) assert.equal(await box(page, other).isVisible(), true, other);
    await page.keyboard.press("Escape");
  }
  const label = await box(page, "c").getAttribute("aria-label");
  assert.match((label ?? "").replaceAll("\u202f", ""), new RegExp(`^c, ${half - 1n}samples`));
});

test("names that had no room get it by zooming", async () => {
  const page = await show();
  assert.equal((await place(page, "tiny")).label, "");
  await box(page, "tiny").click({ force: true });
  assert.equal((await place(page, "tiny")).label, "tiny");
});

test("what is pointed at is explained, exactly and in shares", async () => {
  const page = await show();
  const tip = page.locator("#tip");
  assert.equal(await tip.isVisible(), false);
  await box(page, "lex").hover();
  const text = ((await tip.textContent()) ?? "").replaceAll("\u202f", " ");
  assert.equal(
    text,
    "lex\n350.0 µs (350 000 ns)\n35.00 % of all, 77.78 % of its caller\nitself 300.0 µs (300 000 ns)",
  );
  for (const [x, y] of [
    [995, 395],
    [5, 395],
    [995, 45],
  ] as const) {
    await page.mouse.move(x, y);
    const at = await tip.isVisible().then((visible) => (visible ? tip.boundingBox() : null));
    if (at) assert.ok(at.x >= 0 && at.x + at.width <= 1000 && at.y >= 0);
  }
  await page.mouse.move(500, 399);
  assert.equal(await tip.isVisible(), false);
});

test("a search marks what an expression matches, and says its share", async () => {
  const page = await show();
  const said = page.locator("output");
  await page.keyboard.press("/");
  await page.keyboard.type("^lex$|tiny");
  // lex within lex counts once
  assert.equal(await said.textContent(), "35.10 % in 3 boxes");
  assert.equal(await page.locator("g.match").count(), 3);
  await page.keyboard.press("Control+A");
  await page.keyboard.type("parse");
  assert.equal(await said.textContent(), "50.00 % in 2 boxes");
  const exact = page.getByRole("button", { name: "Match case" });
  await exact.click();
  assert.equal(await exact.getAttribute("aria-pressed"), "true");
  assert.equal(await said.textContent(), "45.00 % in 1 box");
  await box(page, "main").click();
  assert.equal(await said.textContent(), "90.00 % in 1 box");
  await page.locator("input").fill("nothing of the kind");
  assert.equal(await said.textContent(), "no match");
  await page.locator("input").fill("");
  assert.equal(await said.textContent(), "");
  assert.equal(await page.locator("svg.searched").count(), 0);
});

test("an expression that is none is said to be, and breaks nothing", async () => {
  const page = await show();
  await page.keyboard.press("Control+F");
  const input = page.locator("input");
  for (const bad of ["(", "[a", "a{2,1}", "\\"]) {
    await input.fill(bad);
    assert.equal(await page.locator("output").textContent(), "no valid expression");
    assert.equal(await input.getAttribute("aria-invalid"), "true");
    assert.notEqual(await input.getAttribute("title"), "");
    assert.equal(await page.locator("g.match").count(), 0);
  }
  await input.fill("lex");
  assert.equal(await input.getAttribute("aria-invalid"), "false");
  assert.equal(await page.locator("g.match").count(), 2);
  await page.keyboard.press("Escape");
  assert.equal(await typed(page), "");
  assert.equal(await page.locator("g.match").count(), 0);
});

test("a picture is opened with the search it was drawn with", async () => {
  const page = await show("--search", "^work$");
  assert.equal(await typed(page), "^work$");
  assert.equal(await page.locator("output").textContent(), "50.00 % in 1 box");
});

for (const [type, deeper, back] of [
  ["flamegraph", "ArrowUp", "ArrowDown"],
  ["icicle", "ArrowDown", "ArrowUp"],
] as const)
  test(`keys lead through the boxes of an ${type}`, async () => {
    const page = await show("--type", type);
    await page.locator('#frames > g[tabindex="0"]').focus();
    assert.equal(await focusedName(page), "all");
    await page.keyboard.press(deeper);
    assert.equal(await focusedName(page), "main");
    assert.equal(await page.locator("#tip").isVisible(), true, "the keyboard explains, too");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focusedName(page), "work");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focusedName(page), "work", "the last of its row");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press(deeper);
    assert.equal(await focusedName(page), "parse", "the widest within");
    await page.keyboard.press("Enter");
    near((await place(page, "parse")).width, 980);
    await page.keyboard.press(back);
    assert.equal(await focusedName(page), "main");
    await page.keyboard.press("Escape");
    near((await place(page, "main")).width, 490);
    const stroke = await box(page, "main").evaluate((g) => getComputedStyle(g.querySelector("rect") as Element).strokeWidth);
    assert.equal(stroke, "2.5px", "the focus is seen");
  });

test("Tab goes to one box, the search and the buttons", async () => {
  const page = await show();
  await page.locator('#frames > g[tabindex="0"]').focus();
  const seen: string[] = [];
  for (let i = 0; i < 2; i++) {
    await page.keyboard.press("Tab");
    seen.push(await focusedName(page));
  }
  assert.deepEqual(seen, ["Search by regular expression", "Match case"]);
  assert.equal(await page.locator('[tabindex="0"]').count(), 1);
});

test("assistive technology is told a tree with levels and numbers", async () => {
  const page = await show();
  const lex = box(page, "lex");
  assert.equal(await lex.getAttribute("role"), "treeitem");
  assert.equal(await lex.getAttribute("aria-level"), "4");
  assert.match((await lex.getAttribute("aria-label")) ?? "", /^lex, 350.0.µs .*35\.00.% of all/);
  assert.equal(await page.locator('#frames[role="tree"]').getAttribute("aria-label"), "Flame graph");
});

function paper(page: Page): Promise<string> {
  return page.evaluate(() => getComputedStyle(document.getElementById("paper") as Element).fill);
}

test("light and dark are as the viewer prefers, or as it was drawn", async () => {
  const colors = { light: "rgb(255, 255, 255)", dark: "rgb(22, 24, 29)" };
  for (const theme of ["auto", "light", "dark"] as const) {
    const file = picture(STACKS, "--theme", theme);
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await open(file, { colorScheme });
      assert.equal(await paper(page), colors[theme === "auto" ? colorScheme : theme]);
      await page.emulateMedia({ media: "print" });
      assert.equal(await paper(page), colors.light, "paper is light");
      assert.equal(await page.locator("#bar").isVisible(), false);
    }
  }
});

test("on paper a picture is as it was written", async () => {
  const page = await show();
  const written = await page.evaluate(() => {
    dispatchEvent(new Event("beforeprint"));
    const svg = document.documentElement;
    const state = [svg.getAttribute("width"), svg.getAttribute("viewBox")];
    dispatchEvent(new Event("afterprint"));
    return [...state, svg.getAttribute("width"), svg.getAttribute("viewBox")];
  });
  assert.deepEqual(written, ["1200", "0 0 1200 165", "100%", null]);
});

test("a difference is red where it is more and blue where it is less", async () => {
  const page = await open(picture(["a 400 800", "b 600 0", "same 500 500"]));
  const fills = await page.evaluate(() =>
    Object.fromEntries(
      Array.from(document.querySelectorAll("#frames > g"), (group) => {
        const fill = getComputedStyle(group.querySelector("rect") as Element).fill;
        return [group.getAttribute("aria-label")?.split(",")[0] ?? "", fill.match(/\d+/g)?.map(Number) ?? []];
      }),
    ),
  );
  const [more, less, same] = [fills["a"], fills["b"], fills["same"]] as [number[], number[], number[]];
  assert.ok((more[0] as number) > (more[2] as number) + 50);
  assert.ok((less[2] as number) > (less[0] as number) + 50);
  assert.ok(Math.abs((same[0] as number) - (same[2] as number)) < 8);
  await box(page, "a").hover();
  const text = ((await page.locator("#tip").textContent()) ?? "").replaceAll("\u202f", " ");
  assert.match(text, /before 400 ns, 26.67 % of all\nafter 800 ns, 61.54 % of all\n\+400 ns, \+100 %/);
});

test("hostile names are text and nothing else", async () => {
  const names = ['</title><script>document.title="owned"</script>', "]]>", '"><g onclick="x()">', "&lt", "a'b\\"];
  const page = await open(picture(names.map((name) => `${name} 10`)));
  for (const name of names) {
    const shown = await page.evaluate(
      (wanted) => Array.from(document.querySelectorAll("#frames > g")).some((g) => g.getAttribute("aria-label")?.startsWith(wanted)),
      name,
    );
    assert.ok(shown, name);
  }
  assert.equal(await page.locator("script").count(), 1);
  assert.equal(await page.title(), "");
});

test("it asks for nothing from outside, and is an image as well", async () => {
  const file = picture(STACKS);
  const context = await browser.newContext({ viewport: { width: 700, height: 300 } });
  const page = await context.newPage();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  const html = join(directory, "page.html");
  writeFileSync(html, '<body style="margin:0"><img src="picture.svg" style="width:600px">');
  await page.goto(pathToFileURL(html).href);
  const size = await page.evaluate(() => {
    const image = document.querySelector("img") as HTMLImageElement;
    return [image.complete, image.naturalWidth, image.naturalHeight];
  });
  assert.deepEqual(size, [true, 1200, 165]);
  await page.goto(pathToFileURL(file).href);
  assert.deepEqual(
    asked.filter((url) => !url.startsWith("file:")),
    [],
  );
  await context.close();
  // as an image no script runs: the names are there as they were cut when it was drawn
  assert.match(readFileSync(file, "utf8"), /<text[^>]*>std::vector&lt;[^<]*\.\.<\/text>/);
});

test("ten thousand boxes are zoomed and searched at once", async () => {
  const stacks = Array.from({ length: 10000 }, (_, i) => `main;f${i % 100};g${i} ${1000 + (i % 7)}`);
  const page = await open(picture(stacks, "--min-width", "0"));
  assert.equal(await page.locator("#frames > g").count(), 10102);
  const start = Date.now();
  await box(page, "f7").click();
  await page.locator("input").fill("g\\d*7$");
  assert.match((await page.locator("output").textContent()) ?? "", /^100.00 % in 100 boxes$/);
  assert.ok(Date.now() - start < 10000, `${Date.now() - start} ms`);
});
