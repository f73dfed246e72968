#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shares.sh [ROUNDS [DIRECTORY]]: each top function's share of treestat's self time, corrected for
# the cost of recording, against the same marks as plain clock reads, and against perf's samples of
# the program built without marks. A figure, not a test: it depends on what else the machine does.
# Rounds of 5 s of each take turns.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
rounds=${1:-4}
arguments=(--threads 1 --top 0 --seconds 5 "${2:-/usr/include}")

sample() {
  perf record --quiet --output "$work/perf.data" --event cpu-clock --freq 2000 \
    --call-graph dwarf,1024 "$build/examples/treestat-plain" "${arguments[@]}" \
    >/dev/null 2>"$work/perf.log" &&
    perf script --input "$work/perf.data" --no-inline --fields ip,sym >>"$work/samples" 2>/dev/null
}

"$build/examples/treestat-plain" "${arguments[@]}" >/dev/null # the files are in memory from here on
start_daemon
: >"$work/samples"
for ((i = 1; i <= rounds; i++)); do
  "$build/tests/treestat-reference" "${arguments[@]}" 2>>"$work/wall" >/dev/null
  if command -v perf >/dev/null; then sample || true; fi
  profile "$work/out-$i" "$build/examples/treestat" "${arguments[@]}"
done
"$here/compare_shares.py" "$work/wall" "$work/samples" "$work"/out-*
