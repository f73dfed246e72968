#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# page.sh [RECORDING…]: how the page's chart moves in headless Chromium (see page.ts), by default of
# recordings made here, of 10 and of 100 million events.
set -euo pipefail
# shellcheck source=bench/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

recordings=("$@")
if (($# == 0)); then
  mkdir "$work/saved"
  start_thagd "$work/saved"
  record "$work/treestat-10M.thag" "$build/examples/treestat" --repeat 36
  record "$work/random-10M.thag" "$build/bench/bench_emit" random 5
  record "$work/nested-100M.thag" "$build/bench/bench_emit" nested 50
  recordings=("$work"/*.thag)
fi
for recording in "${recordings[@]}"; do
  echo "$(basename "$recording"): $(($(stat -c %s "$recording") >> 20)) MiB"
done

"${CC:-cc}" -O1 -DTHAG_TIME_PROFILING -I"$bench/../libclient/include" -I"$bench/../proto" \
  -o "$build/bench/pulse" "$bench/pulse.c" "$build/libclient/libthag.a" -pthread
script page.ts "${recordings[@]}"
script latency.ts
