// SPDX-License-Identifier: MIT OR Apache-2.0
/** Asks whether something is to be done with a session that can't be undone. */
import { byId, el, setText } from "./dom.ts";
import { display } from "./names.ts";
import type { Session } from "./sessions.ts";

export interface Question {
  /** The dialog's element, and what its parts' ids begin with. */
  name: "forget" | "end";
  /** Before the session's name. */
  verb: string;
  about: string;
  yes: string;
  no: string;
}

export const FORGET: Question = {
  name: "forget",
  verb: "Forget",
  about:
    "It leaves the list of every page, and thagd frees its memory. That can't be undone, but files that were saved of it stay.",
  yes: "Forget it",
  no: "Keep it",
};

export const END: Question = {
  name: "end",
  verb: "End",
  about:
    "The program goes on, but nothing of it is recorded any more, and that can't be undone. What it recorded stays here and is saved, as when a program ends. To go on later, switch its recording off instead.",
  yes: "End it",
  no: "Let it go on",
};

export class SessionDialog {
  private readonly dialog: HTMLDialogElement;
  private readonly title: HTMLElement;
  private readonly keep: HTMLButtonElement;
  private id = "";

  constructor(
    private readonly question: Question,
    act: (id: string) => void,
  ) {
    const { name, about, yes, no } = question;
    this.dialog = byId<HTMLDialogElement>(`${name}-dialog`);
    this.title = el("h2", { id: `${name}-title` });
    this.keep = el("button", { type: "button" }, no);
    const sure = el("button", { type: "button" }, yes);
    sure.addEventListener("click", () => {
      this.dialog.close();
      act(this.id);
    });
    this.keep.addEventListener("click", () => this.dialog.close());
    this.dialog.append(
      el("header", {}, this.title),
      el("p", { id: `${name}-about` }, about),
      el("div", { class: "choices" }, sure, this.keep),
    );
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  open({ id, program, pid }: Session): void {
    this.id = id;
    setText(this.title, `${this.question.verb} ${display(program)} ${pid}?`);
    if (!this.dialog.open) this.dialog.showModal();
    this.keep.focus();
  }
}
