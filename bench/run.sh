#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# run.sh [RUNS] [MILLION_PAIRS]: what recording costs, as ratios to two bare clock reads of the
# same process, recorded by a real thagd; medians of RUNS (5). Then what reading an event costs.
set -euo pipefail
# shellcheck source=bench/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
runs=${1:-5} pairs=${2:-40}

# pair_of PROGRAM MODE TEXT: its runs, and the median of each column.
pair_of() {
  local program=$1 mode=$2 text=$3 i
  for ((i = 0; i < runs; i++)); do
    "$build/bench/$program" "$mode" "$pairs"
  done >"$work/lines"
  printf '%-44s %6.2f ns   x %5.3f   (two reads %.2f ns, the call alone %.2f ns)\n' "$text" \
    "$(awk '{ print $3 }' "$work/lines" | median)" "$(awk '{ print $5 }' "$work/lines" | median)" \
    "$(awk '{ print $4 }' "$work/lines" | median)" "$(awk '{ print $6 }' "$work/lines" | median)"
}

pair() { pair_of bench_emit "$@"; }

# What the compiler instruments, with libthag-cyg linked or preloaded.
functions() {
  echo "The same with -finstrument-functions:"
  pair_of bench_functions flat "recorded live, flat"
  LD_PRELOAD=$build/libclient/libthag-cyg.so \
    pair_of bench_functions-alone flat "the same, preloaded"
  pair_of bench_functions nested "recorded live, 8 deep"
  pair_of bench_functions fib "recorded live, recursive"
  pair_of bench_functions random "recorded live, 500 functions in random order"
  pair_of bench_functions-alone random "the same, without hooks"
  THAG_FUNCTIONS='!leaf' pair_of bench_functions flat "filtered out by name"
  THAG_PAUSED=1 pair_of bench_functions flat "switched off"
  pair_of bench_functions-alone flat "without hooks: libc's own do nothing"
}

# Sum of a field over the reports thagd wrote.
total() { cat "$work"/*.json | awk -v field="\"$1\":" '$1 == field { n += $2 } END { print n + 0 }'; }

losses() {
  printf 'events %d, words lost %d, calls lost %d, waits for room %d\n' "$(total events)" \
    "$(total words)" "$(grep -h -A1 '"lost"' "$work"/*.json |
      awk '/calls/ { n += $2 } END { print n + 0 }')" "$(total waits)"
}

kib() { awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"; }

cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f", n }'; }

# By a thagd of its own: one that has served this script holds a hundred ended sessions.
memory_of_program() {
  kill "$thagd" && wait "$thagd"
  start_thagd "$work"
  "$build/bench/bench_emit" flat 400 >/dev/null &
  local program=$!
  sleep 3
  printf 'a program with one recorded thread: %d KiB resident, %d KiB of it the ring and names\n' \
    "$(kib "$program" VmRSS)" "$(kib "$program" RssShmem)"
  printf 'thagd meanwhile: %d KiB resident, %d KiB of them mapped from the program\n' \
    "$(kib "$thagd" VmRSS)" "$(kib "$thagd" RssShmem)"
  wait "$program"
}

# switch PAUSE_US TEXT
switch() {
  "$build/bench/bench_switch" "$build/tools/thag" "$1" |
    awk -v text="$2" '{ printf "%-44s median %.1f ms, at most %.1f ms; said after %.1f ms\n",
      text, $3 / 1000, $4 / 1000, $5 / 1000 }'
}

# serves PROGRAM: requests a second that its clients get answered, and microseconds of processor
# for each, theirs included.
serves() {
  local TIMEFORMAT='%R %U %S'
  (cd "$work" && time "$build/examples/tasks/$1" 200 500 >/dev/null) 2>&1 |
    awk 'NF == 3 { printf "%.0f %.2f\n", 100000 / $1, 10 * ($2 + $3) }'
}

# In turn, so that a noisy moment is both's.
server() {
  local i
  for ((i = 0; i < runs; i++)); do
    serves tasks-server-plain >>"$work/plain"
    serves tasks-server >>"$work/profiled"
  done
  for i in plain profiled; do
    printf 'a server on libuv, %-8s %6d requests a second, %5.2f us of processor each\n' "$i" \
      "$(cut -d ' ' -f 1 "$work/$i" | median)" "$(cut -d ' ' -f 2 "$work/$i" | median)"
  done
}

main() {
  local before
  echo "An enter + exit pair ($pairs million a run, median of $runs runs):"
  pair off "compiled in, profiling off"
  pair flat "nothing attached: no thagd answers" 2>/dev/null
  start_thagd "$work"
  pair disabled "off again by thag_disable"
  before=$(cpu_ns "$thagd")
  pair flat "recorded live, flat"
  pair nested "recorded live, 8 deep"
  pair fib "recorded live, recursive"
  pair random "recorded live, 500 sites in random order"
  pair cpp "recorded live, flat, through thag.hpp"
  sleep 1
  printf '%s; thagd used %.2f ns of processor an event\n' "$(losses)" \
    "$(awk -v a="$before" -v b="$(cpu_ns "$thagd")" -v n="$(total events)" \
      'BEGIN { print (b - a) / n }')"
  rm -f "$work"/*.json
  pair threads "recorded live, 2 threads"
  sleep 1
  losses
  echo
  echo "A section's begin + end:"
  pair section "nested"
  pair overlap "overlapping: each ends below the next"
  echo
  echo "One event with a name given at run time:"
  pair mark "thag_mark"
  pair value "thag_value"
  echo
  echo "From 'thag disable' (21 times) to the last call that is recorded:"
  switch 0 'a program that calls flat out'
  switch 10000 'one that makes a call every 10 ms'
  echo
  functions
  echo
  echo "Tasks:"
  pair_of bench_tasks calls "enter + exit inside a task"
  pairs=0.1 pair_of bench_tasks switch "resume + suspend"
  pairs=0.1 pair_of bench_tasks hand "the same, 1,000 tasks in turn"
  pairs=0.05 pair_of bench_tasks life "create + resume + suspend + destroy"
  server
  echo
  memory_of_program
  echo "bytes an event: 8"
  echo
  echo "To read, decode and count an event (one thread, no producer beside it):"
  "$build/bench/bench_drain" | awk '{ printf "%-8s %5.2f ns\n", $1, $3 }'
}

main
