// SPDX-License-Identifier: MIT OR Apache-2.0
/** Light or dark: as the system is set, unless the user says otherwise. */
import type { Theme } from "./color.ts";

const KEY = "thag-theme";
const CHOICES = ["system", "light", "dark"] as const;
export type Choice = (typeof CHOICES)[number];

export class ThemeSwitch {
  private readonly dark = matchMedia("(prefers-color-scheme: dark)");
  choice: Choice;

  constructor(private readonly onChange: (theme: Theme) => void) {
    this.choice = CHOICES.find((choice) => choice === localStorage.getItem(KEY)) ?? "system";
    this.dark.addEventListener("change", () => this.apply());
    this.apply();
  }

  get theme(): Theme {
    if (this.choice !== "system") return this.choice;
    return this.dark.matches ? "dark" : "light";
  }

  /** System, light, dark, and round again. */
  next(): void {
    this.choice = CHOICES[(CHOICES.indexOf(this.choice) + 1) % CHOICES.length] as Choice;
    localStorage.setItem(KEY, this.choice);
    this.apply();
  }

  private apply(): void {
    document.documentElement.dataset["theme"] = this.theme;
    this.onChange(this.theme);
  }
}
