#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shares.sh [SECONDS [DIRECTORY]]: each top function's share of treestat's self time, corrected for
# the cost of recording, against perf's samples of the program built without marks. A figure, not
# a test: it depends on what else the machine does.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
arguments=(--threads 1 --top 0 --seconds "${1:-10}" "${2:-/usr/include}")

sample() {
  perf record --quiet --output "$work/perf.data" --event cpu-clock --freq 2000 \
    --call-graph dwarf,1024 "$build/examples/treestat-plain" "${arguments[@]}" \
    >/dev/null 2>"$work/perf.log" &&
    perf script --input "$work/perf.data" --no-inline --fields ip,sym >"$work/samples" 2>/dev/null
}

if ! command -v perf >/dev/null || ! sample; then
  echo "perf can't count here: no reference for shares of time"
  exit 0
fi
start_daemon
profile "$work/out" "$build/examples/treestat" "${arguments[@]}"
"$here/compare_shares.py" "$work/out" "$work/samples"
