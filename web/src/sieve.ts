// SPDX-License-Identifier: MIT OR Apache-2.0
/** What a view leaves out, and its form in the address and in what thagd is asked; see core/thag_sieve.h. */

/**
 * Functions are texts: the name as it is, so that an address can be read and written by hand, or
 * "~" and the function's id where the name is long or not the bytes that the program gave.
 */
export interface Sieve {
  /** Functions left out. */
  hidden: readonly string[];
  /** The function that stacks must hold, "" for none. */
  only: string;
  /** Recursion is part of the outermost call. */
  collapse: boolean;
  /** What the path of a function's file begins with, or goes on with behind a "/"; "" for anything. */
  mine: string;
}

export const NO_SIEVE: Readonly<Sieve> = { hidden: [], only: "", collapse: false, mine: "" };

/** As core/thag_sieve.h has it. */
export const HIDDEN_MAX = 32;
const MINE_BYTES = 255;
const NAME_MAX = 200;
const BY_ID = /^~[0-9a-f]{16}$/;

/** The id that thagd knows a name by: FNV-1a. */
function idOfName(name: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(name))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0");
}

/** The text that stands for a function of this name and id. */
export function textOf(name: string, id: string): string {
  const plain = name.length <= NAME_MAX && !BY_ID.test(name);
  return plain && idOfName(name) === id ? name : `~${id}`;
}

/** The id of the function that a text stands for. */
export function idOf(text: string): string {
  return BY_ID.test(text) ? text.slice(1) : idOfName(text);
}

function parseFunction(text: string): string {
  return text.length <= NAME_MAX ? text : "";
}

export function parseMine(text: string): string {
  return new TextEncoder().encode(text).length <= MINE_BYTES ? text : "";
}

/** What an address leaves out; what is wrong is none. */
export function parseSieve(fields: URLSearchParams): Sieve {
  const hidden = new Set(fields.getAll("hide").map(parseFunction));
  hidden.delete("");
  return {
    hidden: [...hidden].slice(0, HIDDEN_MAX),
    only: parseFunction(fields.get("only") ?? ""),
    collapse: fields.get("recursion") === "collapsed",
    mine: parseMine(fields.get("mine") ?? ""),
  };
}

export function putSieve({ hidden, only, collapse, mine }: Sieve, fields: URLSearchParams): void {
  for (const text of hidden) fields.append("hide", text);
  if (only !== "") fields.set("only", only);
  if (collapse) fields.set("recursion", "collapsed");
  if (mine !== "") fields.set("mine", mine);
}

/** Whether a view is of less than all stacks. */
export function leavesOut({ hidden, only, mine }: Sieve): boolean {
  return hidden.length > 0 || only !== "" || mine !== "";
}

/** The fields of a watch. */
export interface SieveWatch {
  hide?: string[];
  only?: string;
  collapse?: boolean;
  mine?: string;
}

export function watchSieve({ hidden, only, collapse, mine }: Sieve): SieveWatch {
  return {
    ...(hidden.length > 0 && { hide: hidden.map(idOf) }),
    ...(only !== "" && { only: idOf(only) }),
    ...(collapse && { collapse }),
    ...(mine !== "" && { mine }),
  };
}

/** The directory of a source file, as a path to look for; "" for a file in none. */
export function directoryOf(file: string): string {
  return file.replace(/^(\.{1,2}\/)+/, "").replace(/[^/]*$/, "");
}
