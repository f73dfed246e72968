#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# ranges.sh: how long a page waits for the flamegraph of a range of time, and for a viewport of the
# chart, of real programs that made some ten million events (see ranges.py).
set -euo pipefail
# shellcheck source=bench/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
export THAG_ON_FULL=wait

port() { sed -E 's/.*localhost:([0-9]+).*/\1/' "$THAG_SOCKET.says"; }

# measure WHAT COMMAND...: what its session answers once it has ended.
measure() {
  "${@:2}" >/dev/null 2>"$work/errors"
  sleep 2 # for the profile, which is saved meanwhile
  echo "$1: $("$build/tools/thag" list | tail -n 1 | awk '{ print $(NF - 1) }') events"
  python3 "$bench/ranges.py" "$(port)"
}

mkdir "$work/saved"
start_thagd "$work/saved"
echo "What a page waits for, 60 windows of any length, the whole run among them:"
measure "treestat, its threads" "$build/examples/treestat" --repeat 36
measure "calls 8 deep" "$build/bench/bench_emit" nested 5
measure "500 functions in random order" "$build/bench/bench_emit" random 5
