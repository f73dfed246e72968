#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Tasks from the program to the page, with a real thagd: what they count together is what they
# count alone, and each request of a server under load is a task that finished. Prints "ok"/"not
# ok" lines and "N passed, N failed".
set -uo pipefail
# shellcheck source=tests/accuracy/lib.sh
. "$(dirname "$0")/../accuracy/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
examples=$build/examples/tasks
passed=0 failed=0

# check NAME COMMAND...
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    failed=$((failed + 1))
  fi
  [[ -z $output ]] || printf '%s\n' "$output"
}

alone_and_together() {
  profile "$work/alone" "$build/tests/tasks-alone" alone 3000 &&
    profile "$work/together" "$build/tests/tasks-alone" together 3000 &&
    cmp "$work/alone/stdout" "$work/together/stdout" &&
    "$here/compare.py" alone "$work/alone" "$work/together"
}

# same_output NAME ARG...: an example prints the same with and without profiling.
same_output() {
  local name=$1
  shift
  "$examples/$name-plain" "$@" >"$work/plain" || return 1
  profile "$work/$name" "$examples/$name" "$@" || return 1
  cmp "$work/plain" "$work/$name/stdout"
}

server() { same_output tasks-server 300 40 && "$here/compare.py" server "$work/tasks-server"; }

coroutines() {
  same_output tasks-coroutines 400 &&
    "$here/compare.py" calls "$work/tasks-coroutines" trees=200 grow=200 numbers=200 mix=3200
}

pool() {
  same_output tasks-pool 6000 4 &&
    "$here/compare.py" calls "$work/tasks-pool" sieving=2000 hashing=4000 digits=6000 mix=16000
}

two_sessions() { (($(find "$work/forks" -name '*.json' | wc -l) == 2)); }

# Parent and child are a session each, with the tasks each of them ended.
forks() {
  local out=$work/forks
  mkdir -p "$out"
  THAG_PROFILER="time,$out" "$build/tests/tasks-forks" || return 1
  wait_for 20 two_sessions || return 1
  cat "$out"/*.folded
  (($(cat "$out"/*.folded | grep -c '^running;leaf ') == 2)) &&
    (($(cat "$out"/*.folded | grep -c '^idle;leaf ') == 2))
}

start_daemon || {
  echo "not ok thagd starts"
  echo "0 passed, 1 failed"
  exit 1
}
check "3,000 tasks interleaved on four threads count as alone" alone_and_together
check "12,000 requests on 300 connections are 12,000 tasks" server
check "coroutines in turn" coroutines
check "coroutines on four threads" pool
check "tasks alive at a fork" forks
echo "$passed passed, $failed failed"
((failed == 0))
