#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# tails.sh [RUNS] [MILLION_CALLS]: the slowest calls of a program while thagd reads, while it is
# stopped, and once it is dead; medians of RUNS (5).
set -euo pipefail
# shellcheck source=bench/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
runs=${1:-5} calls=${2:-20}

# ask NAME: one measurement more, of that state.
ask() {
  echo >&"${program[1]}"
  read -r line <&"${program[0]}"
  echo "$line" >>"$work/$1"
}

for ((i = 0; i < runs; i++)); do
  rm -f "$THAG_SOCKET" # of the one that was killed
  start_thagd "$work"
  coproc program { exec "$build/bench/bench_tails" "$calls"; }
  ask healthy
  kill -STOP "$thagd"
  ask stopped
  kill -CONT "$thagd"
  kill -KILL "$thagd"
  wait "$thagd" 2>/dev/null || true
  ask dead
  # shellcheck disable=SC2154 # coproc sets it
  kill "$program_PID"
  wait "$program_PID" 2>/dev/null || true
done
echo "A call, $calls million of them, medians of $runs runs:"
for state in healthy stopped dead; do
  printf 'thagd %-8s median %5.1f ns; one in 1,000 longer than %6.1f ns, these %8.1f on average; longest %.1f ms\n' \
    "$state" "$(cut -d ' ' -f 1 "$work/$state" | median)" "$(cut -d ' ' -f 2 "$work/$state" | median)" \
    "$(cut -d ' ' -f 3 "$work/$state" | median)" "$(cut -d ' ' -f 4 "$work/$state" | median | awk '{ print $1 / 1e6 }')"
done
