// SPDX-License-Identifier: MIT OR Apache-2.0
/** Names in the room there is: as core/svg/thag_svg_text.c, by the width a letter really has. */

/** Characters that are twice as wide as a letter. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f000}-\u{10ffff}]/u;

/** `text`, cut with two dots when it is wider than `cells` letters; "" when there is no room. */
export function fit(text: string, cells: number): string {
  if (text.length <= cells / 2) return text;
  let used = 0;
  let cut = 0;
  let at = 0;
  for (const char of text) {
    used += WIDE.test(char) ? 2 : 1;
    if (used > cells) return cut > 0 ? text.slice(0, cut) + ".." : "";
    at += char.length;
    if (used <= cells - 2) cut = at;
  }
  return text;
}
