// SPDX-License-Identifier: MIT OR Apache-2.0
/** The boxes of a picture, read from it as the program wrote it. */

const SVG = "http://www.w3.org/2000/svg";

export interface Box {
  /** Its place among all boxes, and that of the first one after it that isn't within it. */
  index: number;
  end: number;
  group: SVGGElement;
  rect: SVGRectElement;
  label: SVGTextElement;
  name: string;
  /** The lines below its name. */
  facts: string;
  start: number;
  width: number;
  depth: number;
  parent: Box | null;
  /** Within what is zoomed to, or around it. */
  shown: boolean;
}

/** An element of the picture. */
export function draw<K extends keyof SVGElementTagNameMap>(
  name: K,
  into: Element,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, name);
  into.append(element);
  return element;
}

function readBox(group: SVGGElement, index: number, within: (Box | undefined)[]): Box {
  const title = group.querySelector("title");
  const [name = "", ...facts] = (title?.textContent ?? "").split("\n");
  const rect = group.querySelector("rect") as SVGRectElement;
  const written = group.querySelector("text");
  const label = written ?? draw("text", group);
  const depth = Number(group.dataset["d"]);
  if (written === null) {
    label.setAttribute("dx", "3");
    label.setAttribute("y", String(rect.y.baseVal.value + Number(group.ownerSVGElement?.dataset["font"])));
  }
  title?.remove(); // the picture has a tip of its own
  const box: Box = {
    index,
    end: index + 1,
    group,
    rect,
    label,
    name,
    facts: facts.join("\n"),
    start: Number(group.dataset["s"]),
    width: Number(group.dataset["w"]),
    depth,
    parent: within[depth - 1] ?? null,
    shown: true,
  };
  within[depth] = box;
  return box;
}

/** All boxes: the root first, and each before those within it. */
export function readBoxes(frames: Element): Box[] {
  const within: (Box | undefined)[] = [];
  const boxes = Array.from(frames.children, (group, index) => readBox(group as SVGGElement, index, within));
  for (const box of [...boxes].reverse())
    if (box.parent !== null) box.parent.end = Math.max(box.parent.end, box.end);
  return boxes;
}

export function isWithin(box: Box, outer: Box): boolean {
  return box.index >= outer.index && box.index < outer.end;
}

/** Whether it is one of the callers of `inner`. */
export function isAbove(box: Box, inner: Box): boolean {
  return box !== inner && isWithin(inner, box);
}
