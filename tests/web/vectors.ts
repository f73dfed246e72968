// SPDX-License-Identifier: MIT OR Apache-2.0
/** Reads the vectors of proto/vectors, and frames of which the kind is known. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FlameFrame } from "thag-web/flame_frame.ts";
import { decodeFrame } from "thag-web/frames.ts";
import type { MemoryFrame } from "thag-web/memory_frame.ts";
import type { TableFrame } from "thag-web/table_frame.ts";

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

/** A message that must be of a flamegraph. */
export function decodeFlame(buffer: ArrayBuffer): FlameFrame {
  const { kind, frame } = decodeFrame(buffer);
  if (kind !== "flame" && kind !== "callers" && kind !== "callees")
    throw new Error(`a ${kind} where a flame is meant to be`);
  return frame;
}

export function decodeTable(buffer: ArrayBuffer): TableFrame {
  const { kind, frame } = decodeFrame(buffer);
  if (kind !== "table") throw new Error(`a ${kind} where a table is meant to be`);
  return frame;
}

export function decodeMemory(buffer: ArrayBuffer): MemoryFrame {
  const { kind, frame } = decodeFrame(buffer);
  if (kind !== "memory") throw new Error(`a ${kind} where memory is meant to be`);
  return frame;
}
