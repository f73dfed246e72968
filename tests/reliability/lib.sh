# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the groups of rows share. A row of docs/reliability.md is one or more `ok 'NN name' COMMAND…`,
# NN its number there. THAG_BUILD names the build; KILLS (1000) and DAEMON_KILLS (100) how often to kill.
build=$(cd "${THAG_BUILD:-$here/../../build}" && pwd) || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-reliability.XXXXXX")
export THAG_SOCKET=$work/thagd.sock XDG_CACHE_HOME=$work/cache
unset THAG_PROFILER THAG_ON_FULL XDG_RUNTIME_DIR

# shellcheck source=tests/support/thagd.sh disable=SC1091
. "$here/../support/thagd.sh"

thagd() { exec "$build/daemon/thagd" "$@"; }
thag() { "$build/tools/thag" "$@"; }

cleanup() {
  stop_thagd
  rm -rf "$work"
}
trap cleanup EXIT

# Sanitized builds don't survive limits on memory, and some faults are too slow for them.
sanitized() { [[ -n ${NO_LIMITS:-} ]]; }

# clear_out: what programs left so far is forgotten.
clear_out() { rm -rf "$work/out" && mkdir -p "$work/out"; }

# unit SUITE TEST [PROGRAM]: tests of Criterion's, alone; PROGRAM is that of the suite.
unit() {
  local status=0 programs=("$build"/*/"test_${3:-$1}")
  if sanitized && [[ ! -x ${programs[0]} ]]; then
    echo "test_${3:-$1} is not built with this sanitizer"
    return
  fi
  "${programs[0]}" --filter "$1/$2" >"$work/unit" 2>&1 || status=$?
  tail -n 20 "$work/unit"
  ((status == 0)) && grep -qE 'Tested: [1-9]|^ok [a-z_]+::' "$work/unit"
}

# reports_of PID: how many STEM.json of this process there are, and their calls.
reports_of() {
  cat "$work"/out/*.json 2>/dev/null |
    awk -v pid="$1" '
      /^  "pid":/ { mine = ($2 + 0 == pid) }
      /^  "calls":/ && mine { files++; calls += $2 + 0 }
      END { print files + 0, calls + 0 }'
}

# reported PID FILES CALLS
reported() { [[ $(reports_of "$1") == "$2 $3" ]]; }

# scene NAME [STATUS]: each process of a scene has files, with as many calls as it says. `player`: by
# a program other than scenes.
scene() {
  local name=$1 status=0 wanted=${2:-0} pid files calls
  clear_out
  { env THAG_ON_FULL=wait timeout 60 "$build/tests/${player:-scenes}" "$name" >"$work/expected" \
    2>"$work/stderr"; } 2>/dev/null || status=$?
  if ((status != wanted)); then
    echo "$name: exit status $status: $(head -n 1 "$work/stderr")"
    return 1
  fi
  # one process may be two programs, one after the other (exec)
  while read -r pid files calls; do
    eventually reported "$pid" "$files" "$calls" || {
      echo "$name: process $pid should have $files files with $calls calls, has: $(reports_of "$pid")"
      head -n 3 "$work/stderr"
      return 1
    }
  done < <(awk '{ calls[$1] += $2; n[$1]++ } END { for (p in calls) print p, n[p], calls[p] }' \
    "$work/expected")
}

# A program that can't be profiled runs all the same, and says why in one line.
scene_unprofiled() {
  local name=$1 status=0
  timeout 60 "$build/tests/scenes" "$name" >"$work/expected" 2>"$work/stderr" || status=$?
  echo "$name: exit status $status, said: $(cat "$work/stderr")"
  ((status == 0)) && [[ $(wc -l <"$work/stderr") -le 1 ]]
}

driver() { "$build/tests/driver" "$@"; }

# load PROCESSES [OPTION]...: so many victims with these options; see load.c.
load() { "$build/tests/load" "$build/tests/victim" "$work/out" "$thagd" "$@"; }

# on_full WHAT COMMAND...: as THAG_ON_FULL says.
on_full() {
  local -x THAG_ON_FULL=$1
  shift
  "$@"
}
