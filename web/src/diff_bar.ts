// SPDX-License-Identifier: MIT OR Apache-2.0
/** Above the difference: what is compared with what, what its colours tell, and their legend. */
import { baseText, comparable } from "./base.ts";
import { diffPaint } from "./color.ts";
import { DIFF_MODES, type DiffMode, FULL_PART, markOf, signedAmount, wholeOf } from "./diff.ts";
import { modeOf, totalTexts } from "./diff_frame.ts";
import { byId, el, setText } from "./dom.ts";
import { moment, THIN, time } from "./format.ts";
import type { Look } from "./look.ts";
import { metricOf } from "./metric.ts";
import { display } from "./names.ts";
import { NO_RANGE, rangeOf, rangeText } from "./range.ts";
import { type Session, stateText } from "./sessions.ts";
import type { Store } from "./store.ts";
import { formatBase, parseBase, type View } from "./url.ts";

const MODE_NAMES: Record<DiffMode, readonly [string, string]> = {
  absolute: ["Absolute", "Colours tell B − A beside the larger total"],
  relative: ["Relative", "Colours tell (B − A) ÷ A of each frame"],
  normalised: ["Normalised", "B is scaled so that both totals are equal: a longer run is not all more"],
};
const SWATCHES = 11;

function optionText(session: Session, now: Date): string {
  const start = Number.isNaN(session.start.getTime()) ? "" : ` · ${moment(session.start, now)}`;
  return `${display(session.program)} ${session.pid}${start} · ${stateText(session)} · ${time(session.durationNs)}`;
}

export class DiffBar {
  private readonly base = byId<HTMLSelectElement>("base");
  private readonly shown = byId("diff-after");
  private readonly about = byId("diff-about");
  private readonly note = byId("diff-note");
  private readonly legend = byId("diff-legend");
  private readonly less = el("span");
  private readonly more = el("span");
  private readonly scale = el("span", { class: "diff-scale", "aria-hidden": "true" });
  private readonly modes = new Map<DiffMode, HTMLButtonElement>();
  private options = "";

  constructor(
    private readonly store: Store,
    private readonly look: Look,
    private readonly show: (change: Partial<View>) => void,
    private readonly now: () => number,
  ) {
    for (const mode of DIFF_MODES) this.addMode(mode);
    for (let at = 0; at < SWATCHES; at++) this.scale.append(el("span", { class: "swatch" }));
    const added = el("span", { class: "swatch added", "aria-hidden": "true" });
    const removed = el("span", { class: "swatch removed", "aria-hidden": "true" });
    this.legend.append(
      el("span", {}, this.less, this.scale, this.more),
      el("span", {}, added, `${markOf("added")} only in B`),
      el("span", {}, removed, `${markOf("removed")} only in A`),
    );
    this.base.addEventListener("change", () => this.show(parseBase(this.base.value)));
    byId("diff-keep").addEventListener("click", () => this.keep());
    byId("diff-swap").addEventListener("click", () => this.swap());
    look.onChange(() => this.recolor());
    store.on(["view", "sessions", "flame"], () => this.update());
    this.recolor();
  }

  private addMode(mode: DiffMode): void {
    const [name, title] = MODE_NAMES[mode];
    const button = el("button", { type: "button", title }, name);
    button.addEventListener("click", () => this.show({ mode }));
    this.modes.set(mode, button);
    byId("diff-modes").append(button);
  }

  /** What is shown now becomes what others are compared with. */
  private keep(): void {
    const { session, view } = this.store;
    if (session === null) return;
    this.show({ ...this.asBase(session, view), session: session.id, ...NO_RANGE });
  }

  private swap(): void {
    const { knownBase, session, view } = this.store;
    if (session === null || knownBase === null) return;
    this.show({
      session: knownBase.id,
      rangeFrom: knownBase.from,
      rangeTo: knownBase.to,
      ...this.asBase(session, view),
    });
  }

  /** What is shown as what others are compared with: it stands still, where it went on until now. */
  private asBase(session: Session, view: View): Partial<View> {
    const range = rangeOf(view, this.now());
    return { base: session.id, baseFrom: range?.from ?? 0, baseTo: range?.to ?? 0 };
  }

  private recolor(): void {
    const swatches = [...this.scale.children] as HTMLElement[];
    swatches.forEach((swatch, at) => {
      const strength = (2 * at) / (SWATCHES - 1) - 1;
      swatch.style.background = this.look.diffPalette.fill[diffPaint(strength)] as string;
    });
  }

  private update(): void {
    const { layout, session, view } = this.store;
    if (layout !== "diff" || session === null) return;
    this.updateOptions(session);
    for (const [mode, button] of this.modes)
      button.setAttribute("aria-pressed", String(mode === view.mode));
    setText(this.shown, baseText(session, view.rangeFrom, view.rangeTo));
    byId("diff-swap").toggleAttribute("disabled", this.store.knownBase === null);
    setText(this.note, this.noteText(session));
    this.note.hidden = this.note.textContent === "";
    byId("main").dataset["compared"] = String(this.store.knownBase !== null);
    this.updateNumbers();
  }

  /** The base that the view names is there even when thagd has it no more. */
  private updateOptions(session: Session): void {
    const { base, metric, sessions, view } = this.store;
    const now = new Date();
    const list = comparable(session, sessions, metric).map((other): [string, string] => [other.id, optionText(other, now)]);
    list.unshift([session.id, "This session, the whole run"]);
    list.unshift(["", view.base === "" && base === null ? "Choose …" : "The run before"]);
    if (view.base !== "") {
      const text = formatBase(view.base, view.baseFrom, view.baseTo);
      const known = sessions.find(({ id }) => id === view.base);
      const name = known === undefined ? `session ${view.base}, gone` : baseText(known, view.baseFrom, view.baseTo);
      if (!list.some(([value]) => value === text)) list.push([text, name]);
    }
    const options = JSON.stringify(list);
    if (document.activeElement === this.base && this.options !== "" && options.length === this.options.length) return;
    if (options !== this.options) {
      this.options = options;
      this.base.replaceChildren(...list.map(([value, name]) => new Option(name, value)));
    }
    this.base.value = formatBase(view.base, view.baseFrom, view.baseTo);
  }

  /** What to do where there is nothing to see. */
  private noteText(session: Session): string {
    const { base, frame, knownBase } = this.store;
    const program = display(session.program);
    if (base === null)
      return `There is nothing to compare with yet. Run ${program} once more, and this view shows what changed; or choose another session above. To compare parts of this run: choose a range of time in the chart (6, Shift and drag), come back here (7), and “Keep as A”.`;
    if (knownBase === null)
      return "The session to compare with is gone: thagd forgets the oldest ones, and those before it was started. Choose another one above.";
    if (frame !== null && frame.rootTotal === 0)
      return "Neither side has anything here: choose another session, range of time or metric.";
    return "";
  }

  /** Both totals, and what colours at both ends of the scale stand for. */
  private updateNumbers(): void {
    const { frame, knownBase, sessions, view } = this.store;
    const root = frame?.sides(0) ?? null;
    this.legend.hidden = root === null;
    if (frame === null || root === null || knownBase === null) return setText(this.about, "");
    const known = sessions.find(({ id }) => id === knownBase.id);
    const [before, after, delta, change] = totalTexts(frame, 0, view.mode);
    const mode = modeOf(frame, view.mode);
    const name = known === undefined ? "" : ` ${baseText(known, 0, 0)}`;
    const range = knownBase.to > 0 ? `, ${rangeText(knownBase.from, knownBase.to)}` : "";
    const ratio = change === "" ? "" : ` (${change})`;
    const differ = mode === "normalised" ? "B is scaled to be equal" : `difference ${delta}${ratio}`;
    setText(this.about, `A${name}${range}: ${before} · B: ${after} · ${differ}`);
    const full = FULL_PART * wholeOf(mode, root);
    const metric = metricOf(frame.header);
    setText(this.less, mode === "relative" ? `−50${THIN}% or less` : signedAmount(metric, -full));
    setText(this.more, mode === "relative" ? `+100${THIN}% or more` : signedAmount(metric, full));
  }
}
