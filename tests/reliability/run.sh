#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Programs and thagds in trouble, for real. THAG_BUILD names the build; KILLS (1000) and
# DAEMON_KILLS (100) how often to kill. Ends with "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${THAG_BUILD:-$here/../../build}
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-reliability.XXXXXX")
export THAG_SOCKET=$work/thagd.sock
unset THAG_PROFILER THAG_ON_FULL
passed=0 failed=0 thagd=

cleanup() {
  stop_thagd
  rm -rf "$work"
}
trap cleanup EXIT

ok() { passed=$((passed + 1)); echo "ok $*"; }
not_ok() { failed=$((failed + 1)); echo "not ok $*"; }

thagd_command=("$build/daemon/thagd" --socket "$THAG_SOCKET" --port 0 --output-dir "$work/out")

start_thagd() {
  mkdir -p "$work/out"
  "${thagd_command[@]}" >>"$work/thagd.log" 2>&1 &
  thagd=$!
  for _ in {1..100}; do
    [[ -S $THAG_SOCKET ]] && return
    sleep 0.05
  done
  echo "thagd doesn't start:"
  cat "$work/thagd.log"
  exit 1
}

stop_thagd() {
  [[ -z $thagd ]] || { kill "$thagd" && wait "$thagd"; } 2>/dev/null
  thagd=
}

# reports_of PID: how many STEM.json of this process there are, and their calls.
reports_of() {
  cat "$work"/out/*.json 2>/dev/null |
    awk -v pid="$1" '
      /^  "pid":/ { mine = ($2 + 0 == pid) }
      /^  "calls":/ && mine { files++; calls += $2 + 0 }
      END { print files + 0, calls + 0 }'
}

# Each process of a scene has files, with as many calls as it says.
scene() {
  local name=$1 status=0 wanted=${2:-0} pid calls files found expected
  rm -rf "$work/out"; mkdir -p "$work/out"
  { env THAG_ON_FULL=wait timeout 60 "$build/tests/scenes" "$name" >"$work/expected" \
    2>"$work/stderr"; } 2>/dev/null || status=$?
  if ((status != wanted)); then
    not_ok "$name: exit status $status: $(head -n 1 "$work/stderr")"
    return
  fi
  # one process may be two programs, one after the other (exec)
  expected=$(awk '{ calls[$1] += $2; n[$1]++ } END { for (p in calls) print p, n[p], calls[p] }' \
    "$work/expected")
  while read -r pid files calls; do
    [[ -n $pid ]] || continue
    for _ in {1..600}; do # a profile of a million frames deep is 250 MB
      found=$(reports_of "$pid")
      [[ $found == "$files $calls" ]] && break
      sleep 0.05
    done
    if [[ $found != "$files $calls" ]]; then
      not_ok "$name: process $pid should have $files files with $calls calls, has: $found" \
        "said: $(head -n 3 "$work/stderr")"
      return
    fi
  done <<<"$expected"
  ok "$name: $(wc -l <"$work/expected") profiles, every call in them"
}

# A program that can't be profiled runs all the same, and says why in one line.
scene_unprofiled() {
  local name=$1 status=0
  timeout 60 "$build/tests/scenes" "$name" >"$work/expected" 2>"$work/stderr" || status=$?
  if ((status == 0)) && [[ $(wc -l <"$work/stderr") -le 1 ]]; then
    ok "$name: runs unprofiled: $(cat "$work/stderr")"
  else
    not_ok "$name: exit status $status, said: $(cat "$work/stderr")"
  fi
}

driver() {
  local name=$1 output status=0
  shift
  output=$("$build/tests/driver" "$@" 2>&1) || status=$?
  if ((status == 0)); then ok "$name: $output"; else not_ok "$name: $output"; fi
}

scenes() {
  local name
  for name in exceptions cancel fork fork-threads fork-raw exec spawn close-all small-stack \
    small-stack-jump reload recursion short-threads exit-inside; do
    scene "$name"
  done
  scene crash 139
  [[ -z ${NO_LIMITS:-} ]] || return 0
  scene limit-as
  for name in limit-fsize limit-nofile limit-as-tight; do
    scene_unprofiled "$name"
  done
}

main() {
  start_thagd
  scenes
  rm -rf "$work/out"; mkdir -p "$work/out"
  export THAG_ON_FULL=wait
  driver "SIGKILL of the program" kill-program "$build/tests/victim" "$work/out" "${KILLS:-1000}"
  unset THAG_ON_FULL
  driver "thagd stopped" stop-daemon "$build/tests/victim" "$work/out" "$thagd"
  stop_thagd
  driver "SIGKILL of thagd" kill-daemon "$build/tests/victim" "$work/out" \
    "${DAEMON_KILLS:-100}" "${thagd_command[@]}"
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

main
