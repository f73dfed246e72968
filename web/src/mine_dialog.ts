// SPDX-License-Identifier: MIT OR Apache-2.0
/** The dialog that `y` opens: whose code is shown. */
import { byId, el } from "./dom.ts";
import { directoryOf, parseMine } from "./sieve.ts";
import type { Sifting } from "./sifting.ts";
import type { Store } from "./store.ts";

const MOST = 200;

export class MineDialog {
  private readonly dialog = byId<HTMLDialogElement>("mine-dialog");
  private readonly input = el("input", {
    type: "text",
    id: "mine-path",
    list: "mine-paths",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "255",
    "aria-describedby": "mine-about",
  });
  private readonly paths = el("datalist", { id: "mine-paths" });

  constructor(
    private readonly store: Store,
    private readonly sifting: Sifting,
  ) {
    const close = el("button", { type: "button", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => this.dialog.close());
    const all = el("button", { type: "button" }, "All code");
    all.addEventListener("click", () => this.set(""));
    const form = el(
      "form",
      { method: "dialog" },
      el("label", { for: "mine-path" }, "Source files in"),
      this.input,
      this.paths,
      el("button", { type: "submit" }, "Show only these"),
      all,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.set(this.input.value);
    });
    this.dialog.append(
      el("header", {}, el("h2", { id: "mine-title" }, "Only my code"), close),
      el(
        "p",
        { id: "mine-about" },
        "What the path of a function's source file begins with, or goes on with behind a “/”: a directory, or a file. What other functions take is their callers'.",
      ),
      form,
    );
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  private set(path: string): void {
    this.dialog.close();
    this.sifting.setMine(parseMine(path.trim()));
  }

  /** The file of the function chosen, "" when it is not known. */
  private chosenFile(): string {
    const { chosen } = this.sifting;
    const id = chosen?.frame.functionId(chosen.node);
    return this.store.table?.rows.find((row) => row.id === id)?.file ?? "";
  }

  /** Files of functions, and their directories. */
  private known(): string[] {
    const known = new Set<string>();
    for (const { file } of this.store.table?.rows ?? []) {
      if (directoryOf(file) !== "") known.add(directoryOf(file));
      if (file !== "") known.add(file);
      if (known.size >= MOST) break;
    }
    return [...known];
  }

  open(): void {
    const { mine } = this.store.view;
    const file = this.chosenFile();
    this.input.value = mine !== "" ? mine : directoryOf(file) || file;
    this.paths.replaceChildren(...this.known().map((path) => el("option", { value: path })));
    if (!this.dialog.open) this.dialog.showModal();
    this.input.focus();
    this.input.select();
  }
}
