// SPDX-License-Identifier: MIT OR Apache-2.0
/** Names of functions as text to show: harmless, and short where there is little room. */

const DOTS = "…";

/** What would move the cursor, reorder or hide the text around a name. */
const CONTROLS =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function picture(char: string): string {
  const code = char.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}

/** A name with its control characters made visible. */
export function display(name: string): string {
  return name === "" ? "(no name)" : name.replace(CONTROLS, picture);
}

/** A line of source with its control characters made visible, but for tabs. */
export function code(line: string): string {
  return line.replace(CONTROLS, (char) => (char === "\t" ? char : picture(char)));
}

/** What is inside the outermost `open` … `close` pairs becomes "…". */
function collapse(name: string, open: string, close: string): string {
  let depth = 0;
  let out = "";
  for (const char of name) {
    if (char === close && depth > 0 && --depth === 0) out += DOTS;
    if (depth === 0) out += char;
    if (char === open) depth++;
  }
  return depth === 0 ? out : name;
}

/** Whether `<` opens arguments in it; in `operator<` and in markup it does not. */
function hasTemplates(name: string): boolean {
  return /^[\w~]/.test(name) && !/\boperator\s*[-<>]/.test(name);
}

/** Argument lists and template arguments, from the right: `f(int)` becomes `f(…)`, then `f`. */
function withoutArguments(name: string): string[] {
  const called = name.replace(/\(\)/g, "");
  const short = collapse(called, "(", ")");
  const plain = short.replace(/\(…\)/g, "");
  const bare = hasTemplates(plain) ? collapse(plain, "<", ">").replace(/<…>/g, "") : plain;
  return [short, plain, bare].filter((text) => text !== "" && text !== DOTS);
}

/** The path or the name spaces, from the left: `a::b::c` becomes `…b::c`, then `c`. */
function withoutPath(name: string): string[] {
  const shorter = [];
  for (let rest = name; ;) {
    const next = /^.*?(?:::|\/|\.(?=\D))(.+)$/s.exec(rest)?.[1];
    if (next === undefined) return shorter;
    shorter.push(DOTS + next);
    rest = next;
  }
}

/** Whole words of the last part, from the right: `read_one_file` becomes `read_one…`, `read…`. */
function withoutWords(name: string): string[] {
  const shorter = [];
  for (let end = name.length - 1; end > 0; end--) {
    const before = name[end - 1] as string;
    const char = name[end] as string;
    const boundary = /[_\-. ]/.test(char)
      ? !/[_\-. ]/.test(before)
      : /[a-z0-9]/.test(before) && /[A-Z]/.test(char);
    if (boundary) shorter.push(name.slice(0, end) + DOTS);
  }
  return shorter;
}

const LONGEST_TO_SHORTEN = 400;

/** Ever shorter forms of a name, the whole name first; words are never cut. */
export function shorterForms(name: string): string[] {
  if (name.length > LONGEST_TO_SHORTEN) return [name];
  const plain = withoutArguments(name);
  const bare = plain[plain.length - 1] ?? name;
  const last = /([^:/]+)$/.exec(bare)?.[1] ?? bare;
  const forms = [name, ...plain, ...withoutPath(bare), last, ...withoutWords(last)];
  return forms.filter((form, index) => index === 0 || form.length < (forms[0] as string).length);
}

/** The longest form that is at most `room` wide, "" when there is none. */
export function fit(name: string, room: number, measure: (text: string) => number): string {
  if (measure(name) <= room) return name;
  return shorterForms(name).find((form) => measure(form) <= room) ?? "";
}

/** The last part of a file's path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
