// SPDX-License-Identifier: MIT OR Apache-2.0
/** What bundles are written as: C, and the list of what they were made from. */
import { resolve } from "node:path";
import { writeFileSync } from "node:fs";

/** The bytes of a C array, in lines. */
export function toBytes(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 24) lines.push(`\t${[...bytes.subarray(at, at + 24)].join(", ")},\n`);
  return lines.join("");
}

/** The files that an esbuild went through, from the folder it worked in. */
export function inputsOf(metafile, folder) {
  return Object.keys(metafile.inputs).map((path) => resolve(folder, path));
}

/** Tells ninja what `out` has to be written anew for. */
export function writeDepfile(depfile, out, inputs) {
  if (!depfile) return;
  const paths = inputs.map((path) => path.replaceAll(" ", "\\ "));
  writeFileSync(depfile, `${out}: ${paths.join(" ")}\n`);
}
