// SPDX-License-Identifier: MIT OR Apache-2.0
/** The keyboard. */

export interface KeyActions {
  zoom(factor: number): void;
  pan(by: number): void;
  choose(direction: "up" | "down" | "left" | "right"): void;
  enter(): void;
  back(): void;
  /** Callers and callees of the frame chosen. */
  sandwich(): void;
  /** The source of the function chosen. */
  source(): void;
  /** Leave out the function chosen, or all stacks without it. */
  hide(): void;
  only(): void;
  collapse(): void;
  /** Whose code is shown. */
  mine(): void;
  /** All that can be done with the frame chosen. */
  menu(): void;
  home(): void;
  search(): void;
  help(): void;
  colors(): void;
  press(id: "pause" | "reset" | "raw" | "flip" | "heavy" | "theme"): void;
  layout(index: number): void;
  /** The metric so many places after the one shown. */
  metric(by: number): void;
  /** Native stacks, or profiled calls. */
  by(): void;
  /** The flamechart's window becomes the range of every view. */
  range(): void;
}

const ZOOM_STEP = 0.8;
const PAN_STEP = 0.15;

/** Whether keys typed into `target` are text, or belong to a list. */
function takesKeys(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.matches("input, textarea, select") || target.isContentEditable)
  );
}

function actionsByKey(actions: KeyActions): Record<string, () => void> {
  return {
    w: () => actions.zoom(ZOOM_STEP),
    s: () => actions.zoom(1 / ZOOM_STEP),
    a: () => actions.pan(-PAN_STEP),
    d: () => actions.pan(PAN_STEP),
    ArrowUp: () => actions.zoom(ZOOM_STEP),
    ArrowDown: () => actions.zoom(1 / ZOOM_STEP),
    ArrowLeft: () => actions.pan(-PAN_STEP),
    ArrowRight: () => actions.pan(PAN_STEP),
    "0": () => actions.home(),
    "/": () => actions.search(),
    "?": () => actions.help(),
    k: () => actions.colors(),
    p: () => actions.press("pause"),
    n: () => actions.press("reset"),
    r: () => actions.press("raw"),
    f: () => actions.press("flip"),
    h: () => actions.press("heavy"),
    t: () => actions.press("theme"),
    "1": () => actions.layout(0),
    "2": () => actions.layout(1),
    "3": () => actions.layout(2),
    "4": () => actions.layout(3),
    "5": () => actions.layout(4),
    "6": () => actions.layout(5),
    "7": () => actions.layout(6),
    c: () => actions.sandwich(),
    l: () => actions.source(),
    x: () => actions.hide(),
    o: () => actions.only(),
    u: () => actions.collapse(),
    y: () => actions.mine(),
    e: () => actions.menu(),
    m: () => actions.metric(1),
    M: () => actions.metric(-1),
    b: () => actions.by(),
    g: () => actions.range(),
  };
}

const CHOOSE = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
} as const;

/** Calls `actions` for keys pressed anywhere but in a text field or an open dialog. */
export function listenToKeys(actions: KeyActions): void {
  const plain = actionsByKey(actions);
  document.addEventListener("keydown", (event) => {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      document.querySelector("dialog[open]") !== null
    )
      return;
    const chosen =
      event.shiftKey && event.key in CHOOSE ? CHOOSE[event.key as keyof typeof CHOOSE] : undefined;
    const onCanvas = event.target instanceof HTMLCanvasElement || event.target === document.body;
    if (event.key === "Escape") actions.back();
    else if (takesKeys(event.target)) return;
    else if (chosen !== undefined) actions.choose(chosen);
    else if (event.key === "Enter" && onCanvas) actions.enter();
    else if (Object.hasOwn(plain, event.key)) plain[event.key]?.();
    else return;
    event.preventDefault();
  });
}
