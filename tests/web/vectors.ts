// SPDX-License-Identifier: MIT OR Apache-2.0
/** Reads the vectors of proto/vectors. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const directory = join(process.env["THAG_SOURCE"] ?? ".", "proto/vectors");

/** The bytes of a vector. */
export function vectorBytes(name: string): ArrayBuffer {
  const text = readFileSync(join(directory, `${name}.hex`), "utf8").replace(/#.*/g, "");
  const bytes = Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (digits) => parseInt(digits, 16));
  return bytes.buffer as ArrayBuffer;
}

export type Fields = Record<string, string | number>;

/** What a vector means. */
export function vectorMeaning(name: string): Record<string, Fields | Fields[] | number> {
  return JSON.parse(readFileSync(join(directory, `${name}.json`), "utf8"));
}
