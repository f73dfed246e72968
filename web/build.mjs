// SPDX-License-Identifier: MIT OR Apache-2.0
// Bundles the UI and writes it as a C file, so that thagd serves it from its own memory.
//
//   node build.mjs --proto PROTO.TS --out WEB_ASSETS.C [--depfile FILE]
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { inputsOf, toBytes, writeDepfile } from "./c_file.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** The licence of what is bundled with our own, as a comment that stays in it. */
const licence = `/*! uPlot. ${readFileSync(join(here, "node_modules/uplot/LICENSE"), "utf8")}*/`;

/** The bundled script and style sheet, and the files that went into them. */
async function bundle(proto) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: { app: "src/main.ts", style: "src/app.css" },
    outdir: "out",
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: ["chrome111", "firefox115", "safari16"],
    alias: { "thag-proto": resolve(proto) },
    charset: "utf8",
    legalComments: "none",
    banner: { js: licence, css: licence },
    logLevel: "warning",
  });
  const output = (suffix) => result.outputFiles.find((file) => file.path.endsWith(suffix)).contents;
  return { script: output(".js"), style: output(".css"), inputs: inputsOf(result.metafile, here) };
}

/** A C array of a file's bytes. */
function toArray(name, bytes) {
  return `static const unsigned char ${name}[] = {\n${toBytes(bytes)}};\n`;
}

/** The C file that holds `assets`. */
function toC(assets) {
  const arrays = assets.map(({ bytes }, index) => toArray(`asset_${index}`, bytes));
  const rows = assets.map(({ path, type, bytes }, index) => {
    const etag = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
    return `\t{ "${path}", "${type}", "\\"${etag}\\"", asset_${index}, sizeof(asset_${index}) },\n`;
  });
  return [
    "/* Written by web/build.mjs. Not to be edited. */\n",
    '#include "web_assets.h"\n\n',
    ...arrays,
    `\nconst struct thag_web_asset thag_web_assets[] = {\n${rows.join("")}};\n`,
    `const size_t thag_web_asset_count = ${assets.length};\n`,
  ].join("");
}

const { values: options } = parseArgs({
  options: { proto: { type: "string" }, out: { type: "string" }, depfile: { type: "string" } },
});
const { script, style, inputs } = await bundle(options.proto);
const page = join(here, "src/index.html");
const icon = join(here, "src/favicon.svg");
const assets = [
  { path: "/", type: "text/html; charset=utf-8", bytes: readFileSync(page) },
  { path: "/app.js", type: "text/javascript; charset=utf-8", bytes: script },
  { path: "/app.css", type: "text/css; charset=utf-8", bytes: style },
  { path: "/favicon.svg", type: "image/svg+xml; charset=utf-8", bytes: readFileSync(icon) },
];
writeFileSync(options.out, toC(assets));
writeDepfile(options.depfile, options.out, [...inputs, page, icon]);
