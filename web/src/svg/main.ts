// SPDX-License-Identifier: MIT OR Apache-2.0
/** What a picture does in a browser. It is written into each of them by core/svg/thag_svg.c. */
import { makeBar } from "./bar.ts";
import { type Box, readBoxes } from "./box.ts";
import { fit } from "./fit.ts";
import { neighbour } from "./keys.ts";
import { compile, findMarked, mark } from "./search.ts";
import { Tip } from "./tip.ts";
import { Zoom } from "./zoom.ts";

const TITLE_LETTER = 9.6; // pixels, of its font

function start(svg: SVGSVGElement, frames: SVGGElement, boxes: readonly Box[], root: Box): void {
  const byGroup = new Map<Element, Box>(boxes.map((box) => [box.group, box]));
  const size = { width: svg.getAttribute("width") ?? "", viewBox: svg.getAttribute("viewBox") ?? "" };
  const title = document.getElementById("title");
  const titleText = title?.querySelector("title")?.textContent ?? "";
  const rootOnTop = svg.dataset["root"] === "top";
  const bar = makeBar(svg);
  const tip = new Tip(svg);
  const zoom = new Zoom(svg, boxes, root);
  let current: Box = root; // the one that Tab goes to

  /** In a window the picture is as wide as that; on paper it is as it was written. */
  function fill(): void {
    svg.removeAttribute("viewBox");
    svg.setAttribute("width", "100%");
    const width = svg.clientWidth || svg.getBoundingClientRect().width;
    const barWidth = Math.min(560, width - 16);
    bar.holder.setAttribute("x", String(width * 0.99 - barWidth));
    bar.holder.setAttribute("width", String(barWidth));
    const label = title?.lastChild;
    if (label) label.textContent = fit(titleText, Math.floor((width * 0.98 - barWidth) / TITLE_LETTER));
    zoom.fitLabels();
  }

  function shrink(): void {
    svg.setAttribute("width", size.width);
    svg.setAttribute("viewBox", size.viewBox);
    tip.hide();
  }

  function tellFound(): void {
    const searching = svg.classList.contains("searched");
    const { count, part } = findMarked(boxes, zoom.focus);
    bar.said.textContent = searching
      ? count === 0
        ? "no match"
        : `${(100 * part).toFixed(2)} % in ${count} ${count === 1 ? "box" : "boxes"}`
      : "";
  }

  function zoomTo(box: Box): void {
    zoom.to(box);
    bar.reset.disabled = box === root;
    tellFound();
    if (!current.shown) makeCurrent(box);
  }

  function search(): void {
    const pattern = bar.input.value;
    const found = compile(pattern, bar.exactCase.getAttribute("aria-pressed") === "true");
    const invalid = typeof found === "string";
    bar.input.setAttribute("aria-invalid", String(invalid));
    bar.input.title = invalid ? found : "";
    svg.classList.toggle("searched", pattern !== "" && !invalid);
    mark(boxes, pattern === "" || invalid ? null : found);
    tellFound();
    if (invalid) bar.said.textContent = "no valid expression";
  }

  function makeCurrent(box: Box): void {
    current.group.setAttribute("tabindex", "-1");
    current = box;
    box.group.setAttribute("tabindex", "0");
  }

  function boxOf(target: EventTarget | null): Box | undefined {
    const group = target instanceof Element ? target.closest("#frames > g") : null;
    return group === null ? undefined : byGroup.get(group);
  }

  function showBeside(box: Box): void {
    const { left, bottom } = box.rect.getBoundingClientRect();
    tip.show(box, Math.max(0, left), bottom - 8);
  }

  function openSearch(event: Event): void {
    event.preventDefault();
    bar.input.focus();
    bar.input.select();
  }

  function onFrameKey(event: KeyboardEvent, box: Box): void {
    const next = neighbour(boxes, box, event.key, rootOnTop);
    if (event.key === "Enter" || event.key === " ") zoomTo(box);
    else if (next === undefined) return;
    else (next ?? box).group.focus();
    event.preventDefault();
  }

  function onKey(event: KeyboardEvent): void {
    const typing = event.target === bar.input;
    if (event.key === "F3" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f")) openSearch(event);
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "/" && !typing) openSearch(event);
    else if (event.key === "Escape" && typing) {
      bar.input.value = "";
      search();
      current.group.focus();
    } else if (event.key === "Escape") {
      tip.hide();
      zoomTo(root);
    } else {
      const box = boxOf(event.target);
      if (box !== undefined) onFrameKey(event, box);
    }
  }

  svg.addEventListener("click", (event) => {
    const box = boxOf(event.target);
    if (box === undefined) return;
    tip.hide();
    makeCurrent(box);
    zoomTo(box);
  });
  svg.addEventListener("mousemove", (event) => {
    const box = boxOf(event.target);
    if (box === undefined) tip.hide();
    else tip.show(box, event.clientX, event.clientY);
  });
  svg.addEventListener("mouseleave", () => tip.hide());
  frames.addEventListener("focusin", (event) => {
    const box = boxOf(event.target);
    if (box === undefined) return;
    makeCurrent(box);
    if (box.group.matches(":focus-visible")) showBeside(box);
  });
  frames.addEventListener("focusout", () => tip.hide());
  bar.input.addEventListener("input", search);
  bar.reset.addEventListener("click", () => zoomTo(root));
  bar.exactCase.addEventListener("click", () => {
    const pressed = bar.exactCase.getAttribute("aria-pressed") === "true";
    bar.exactCase.setAttribute("aria-pressed", String(!pressed));
    search();
  });
  addEventListener("keydown", onKey);
  addEventListener("resize", fill);
  addEventListener("beforeprint", shrink);
  addEventListener("afterprint", fill);

  frames.setAttribute("role", "tree");
  frames.setAttribute("aria-label", titleText);
  for (const { group, name, facts, depth } of boxes) {
    group.setAttribute("role", "treeitem");
    group.setAttribute("aria-level", String(depth + 1));
    group.setAttribute("aria-label", `${name}, ${facts.replaceAll("\n", ", ")}`);
    group.setAttribute("tabindex", "-1");
  }
  makeCurrent(root);
  fill();
  bar.input.value = svg.dataset["search"] ?? "";
  search();
}

const svg = document.getElementById("thag");
const frames = document.getElementById("frames");
if (svg instanceof SVGSVGElement && frames instanceof SVGGElement) {
  const boxes = readBoxes(frames);
  if (boxes[0] !== undefined) start(svg, frames, boxes, boxes[0]);
}
