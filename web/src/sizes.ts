// SPDX-License-Identifier: MIT OR Apache-2.0
/** How large the allocations were: a histogram, as a table with bars. */
import { SIZE_CLASSES } from "thag-proto";
import { byId, el, setText } from "./dom.ts";
import { bytes, count, exact, exactBytes, share } from "./format.ts";
import type { SizeClass } from "./memory_frame.ts";
import type { Store } from "./store.ts";

/** A bound as it is named: whole units where it is one, else bytes. */
function bound(size: number): string {
  for (const [scale, unit] of [
    [2 ** 30, "G"],
    [2 ** 20, "M"],
    [2 ** 10, "K"],
  ] as const)
    if (size >= scale && size % scale === 0) return `${size / scale}${unit}`;
  return size >= 1e5 ? bytes(size) : exact(size);
}

/** "0–64", "1K–4K", "> 64K": a class that begins one above a unit is named by that. */
export function sizeName({ low, high }: SizeClass): string {
  if (low === high) return exactBytes(low);
  if (high === Infinity) return `> ${bound(low - 1)}`;
  const from = low > 1024 && (low - 1) % 1024 === 0 ? low - 1 : low;
  return `${bound(from)}–${bound(high)}`;
}

/** A row of the table, used for one class after another. */
class Line {
  private readonly name = el("th", { scope: "row" });
  private readonly cells = [new BarCell(), new BarCell()] as const;
  readonly element = el("tr", {}, this.name, ...this.cells.map(({ element }) => element));

  show(size: SizeClass, counts: number, allBytes: number): void {
    setText(this.name, sizeName(size));
    this.cells[0].show(size.count, counts, count, exact);
    this.cells[1].show(size.bytes, allBytes, bytes, exactBytes);
  }
}

class BarCell {
  private readonly bar = el("span", { class: "bar-fill", "aria-hidden": "true" });
  private readonly text = el("span");
  readonly element = el("td", { class: "number with-bar" }, this.bar, this.text);

  show(
    value: number,
    whole: number,
    short: (value: number) => string,
    long: (value: number) => string,
  ): void {
    this.bar.style.width = `${whole > 0 ? Math.min(100, (100 * value) / whole) : 0}%`;
    setText(this.text, short(value));
    this.element.title = `${long(value)} · ${share(value, whole)}`;
  }
}

export class SizesView {
  private readonly finer = byId<HTMLButtonElement>("sizes-finer");
  private readonly body = el("tbody");
  private readonly lines: Line[] = [];
  private isFiner = false;

  constructor(private readonly store: Store) {
    const heads = ["Size in bytes", "Allocations", "Bytes"];
    const head = el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, name)));
    const caption = el("caption", { class: "hidden" }, "Allocations by size, of the whole run");
    byId("sizes").append(
      el("table", { class: "sizes-table" }, caption, el("thead", {}, head), this.body),
    );
    this.finer.addEventListener("click", () => {
      this.isFiner = !this.isFiner;
      this.update();
    });
    store.on(["memory", "view"], () => this.update());
  }

  private update(): void {
    const { memory, layout } = this.store;
    if (memory === null || layout !== "memory") return;
    this.finer.setAttribute("aria-pressed", String(this.isFiner));
    const sizes = this.isFiner
      ? memory.sizes.slice(SIZE_CLASSES)
      : memory.sizes.slice(0, SIZE_CLASSES);
    const counts = sizes.reduce((sum, size) => sum + size.count, 0);
    const allBytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
    while (this.lines.length < sizes.length) this.lines.push(new Line());
    for (const line of this.lines.splice(sizes.length)) line.element.remove();
    this.lines.forEach((line, at) => {
      line.show(sizes[at] as SizeClass, counts, allBytes);
      if (!line.element.isConnected) this.body.append(line.element);
    });
  }
}
