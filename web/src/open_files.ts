// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Opens recordings that are dropped on the page, or chosen: they are sent to thagd, one after the
 * other, and the last that could be opened is shown.
 */
import { withToken } from "./address.ts";
import { byId, el, setText } from "./dom.ts";
import { bytes as byteText } from "./format.ts";
import { display } from "./names.ts";

const ADDRESS = "/api/recordings";

/** What thagd says of a file. */
interface Opened {
  id: string;
}

function isOpened(answer: unknown): answer is Opened {
  return typeof answer === "object" && answer !== null && typeof (answer as Opened).id === "string";
}

function errorOf(answer: unknown): string {
  const error = (answer as { error?: unknown } | null)?.error;
  return typeof error === "string" ? error : "thagd gave no answer that makes sense";
}

/** Sends a file; `progress`: the part of it that went, 0 to 1. Throws an Error that says what went wrong. */
function send(file: File, progress: (share: number) => void): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", withToken(`${ADDRESS}?name=${encodeURIComponent(file.name)}`));
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(total > 0 ? loaded / total : 0));
    request.addEventListener("error", () => reject(new Error("thagd took no more of it: is it running, and was the file changed?")));
    request.addEventListener("load", () => {
      let answer: unknown = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        return reject(new Error(request.responseText.trim() || "thagd gave no answer"));
      }
      if (isOpened(answer)) resolve(answer);
      else reject(new Error(errorOf(answer)));
    });
    request.send(file);
  });
}

export class OpenFiles {
  private readonly target = byId("drop-target");
  private readonly note = byId("open-note");
  private readonly text = el("span", { role: "status" });
  private readonly bar = el("progress", { max: "1" });
  private readonly input = el("input", {
    ...{ type: "file", accept: ".thag", multiple: "", hidden: "" },
    "aria-label": "Recordings to open",
  });
  /** Files that wait for the one that is being sent. */
  private readonly waiting: File[] = [];
  private sending = false;
  private failed: string[] = [];

  /** `show`: shows a session. */
  constructor(private readonly show: (id: string) => void) {
    const close = el("button", { type: "button", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => this.clear());
    this.note.append(this.text, this.bar, close);
    document.body.append(this.input);
    this.input.addEventListener("change", () => {
      this.add([...(this.input.files ?? [])]);
      this.input.value = "";
    });
    this.listen();
  }

  /** Lets the user choose files. */
  choose(): void {
    this.input.click();
  }

  private listen(): void {
    const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes("Files") ?? false;
    window.addEventListener("dragover", (event) => {
      event.preventDefault(); // else the browser would leave the page for what is dropped
      if (!hasFiles(event)) return;
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
      this.target.hidden = false;
    });
    window.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) this.target.hidden = true;
    });
    window.addEventListener("drop", (event) => {
      event.preventDefault();
      this.target.hidden = true;
      this.add([...(event.dataTransfer?.files ?? [])]);
    });
  }

  private add(files: readonly File[]): void {
    if (files.length === 0) return;
    this.waiting.push(...files);
    if (!this.sending) void this.sendAll();
  }

  private async sendAll(): Promise<void> {
    this.sending = true;
    this.failed = [];
    let last = "";
    for (let file = this.waiting.shift(); file !== undefined; file = this.waiting.shift())
      last = (await this.sendOne(file)) || last;
    this.sending = false;
    this.bar.hidden = true;
    if (this.failed.length > 0) this.say(this.failed.join(" "));
    else this.clear();
    if (last !== "") this.show(last);
  }

  /** The session's id, or "". */
  private async sendOne(file: File): Promise<string> {
    const name = display(file.name);
    this.bar.hidden = false;
    this.bar.value = 0;
    this.say(`Opening ${name}, ${byteText(file.size)} …`);
    try {
      const opened = await send(file, (share) => (this.bar.value = share));
      return opened.id;
    } catch (error) {
      this.failed.push(`${name}: ${error instanceof Error ? error.message : String(error)}.`);
      return "";
    }
  }

  private say(text: string): void {
    this.note.hidden = false;
    setText(this.text, text);
  }

  private clear(): void {
    if (this.sending) return;
    this.note.hidden = true;
    setText(this.text, "");
  }
}
