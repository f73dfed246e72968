// SPDX-License-Identifier: MIT OR Apache-2.0
import { display, fit } from "./names.ts";

const MOST = 20000;

/** Names in the room there is; remembered, as most frames ask for the same again. */
export class FittedText {
  private readonly widths = new Map<string, number>();
  private readonly fitted = new Map<string, string>();

  constructor(private readonly context: CanvasRenderingContext2D) {}

  /** The longest form of a name that has room, "" when there is none. */
  fit(name: string, room: number): string {
    const key = `${room} ${name}`;
    let text = this.fitted.get(key);
    if (text === undefined) {
      if (this.fitted.size > MOST) this.fitted.clear();
      text = fit(display(name), room, (form) => this.measure(form));
      this.fitted.set(key, text);
    }
    return text;
  }

  measure(text: string): number {
    let width = this.widths.get(text);
    if (width === undefined) {
      if (this.widths.size > MOST) this.widths.clear();
      width = this.context.measureText(text).width;
      this.widths.set(text, width);
    }
    return width;
  }
}
