// SPDX-License-Identifier: MIT OR Apache-2.0
// Compiles tests written in TypeScript and runs them with node's test runner; with --script, runs
// a program as it is.
//
//   node run.mjs --proto PROTO.TS --out DIRECTORY [--script] NAME.ts … [-- ARGUMENT…]
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const web = resolve(here, "../../web");
const require = createRequire(join(web, "package.json"));
const { build } = await import(pathToFileURL(require.resolve("esbuild")).href);

const end = process.argv.indexOf("--");
const given = end < 0 ? [] : process.argv.slice(end + 1);
const { values: options, positionals: names } = parseArgs({
  args: process.argv.slice(2, end < 0 ? undefined : end),
  options: { proto: { type: "string" }, out: { type: "string" }, script: { type: "boolean" } },
  allowPositionals: true,
});
const out = resolve(options.out);
await build({
  entryPoints: names.map((name) => join(here, name)),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node18",
  sourcemap: "inline",
  alias: {
    "thag-proto": resolve(options.proto),
    "thag-web": join(web, "src"),
    "playwright-core": join(web, "node_modules/playwright-core/index.mjs"),
  },
  external: [join(web, "node_modules/*")],
  logLevel: "warning",
});
const tests = names.map((name) => join(out, basename(name).replace(/\.ts$/, ".mjs")));
const env = {
  ...process.env,
  THAG_SOURCE: resolve(here, "../.."),
  NODE_OPTIONS: "--enable-source-maps",
};
const reporting = options.script ? [] : ["--test", "--test-reporter=tap"];
const { status } = spawnSync(process.execPath, [...reporting, ...tests, ...given], {
  stdio: "inherit",
  env,
});
process.exit(status ?? 1);
