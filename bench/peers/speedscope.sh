#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# speedscope.sh [RECORDING…]: speedscope, from npm, beside our chart, with the same calls in headless
# Chromium (see speedscope.ts); by default of a recording of a million events, made here.
set -euo pipefail
# shellcheck source=bench/lib.sh disable=SC1091
. "$(dirname "$0")/../lib.sh"

if ! npm install --prefix "$work" --no-audit --no-fund --ignore-scripts speedscope@1.25.0 \
  >"$work/npm" 2>&1; then
  echo "speedscope can't be installed: $(tail -n 1 "$work/npm")"
  exit 0
fi
recordings=("$@")
if (($# == 0)); then
  mkdir "$work/saved"
  start_thagd "$work/saved"
  record "$work/treestat-1M.thag" "$build/examples/treestat" --repeat 4
  recordings=("$work"/*.thag)
fi
script peers/speedscope.ts "$work/node_modules/speedscope/dist/release" "${recordings[@]}"
