// SPDX-License-Identifier: MIT OR Apache-2.0
// Bundles what is in each SVG file beside its boxes, and writes it as a C file.
//
//   node build_svg.mjs --out THAG_SVG_ASSETS.C [--depfile FILE]
import { writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { inputsOf, toBytes, writeDepfile } from "./c_file.mjs";

const here = dirname(fileURLToPath(import.meta.url));

const result = await build({
  absWorkingDir: here,
  entryPoints: { script: "src/svg/main.ts", style: "src/svg/style.css", dark: "src/svg/dark.css" },
  outdir: "out",
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  format: "iife",
  target: ["chrome111", "firefox115", "safari16"],
  charset: "ascii",
  legalComments: "none",
  logLevel: "warning",
});

/** A bundle's text, in which nothing may end or open what it is put in: see core/svg/thag_svg.c. */
function textOf(suffix, forbidden) {
  const { text } = result.outputFiles.find((file) => file.path.endsWith(suffix));
  if (forbidden.test(text)) throw new Error(`${suffix} holds ${forbidden}, which ends its element`);
  return text.trim();
}

const array = (name, text) =>
  `const char ${name}[] = {\n${toBytes(Buffer.from(`${text}\0`))}};\n`;
const { values: options } = parseArgs({
  options: { out: { type: "string" }, depfile: { type: "string" } },
});
writeFileSync(
  options.out,
  [
    "/* Written by web/build_svg.mjs. Not to be edited. */\n",
    '#include "thag_svg_assets.h"\n\n',
    array("thag_svg_style", textOf("style.css", /[<&]/)),
    array("thag_svg_dark_style", textOf("dark.css", /[<&]/)),
    array("thag_svg_script", textOf("script.js", /\]\]>/)),
  ].join(""),
);
writeDepfile(options.depfile, options.out, inputsOf(result.metafile, here));
