#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# run.sh [PROGRAM]...: programs that nobody here wrote, from Debian's sources, compiled with
# -finstrument-functions and profiled whole. Each must do what it does without, and have each of
# its functions counted as often as callgrind says. Prints what profiling slows down, uftrace
# beside it where installed, "ok"/"not ok" lines and "N passed, N failed".
#
# Fetches sources and takes minutes; ./dev test runs it with --real only. Everything it makes lies
# below the build, in real/, and what was fetched and built stays there for the next time.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
real=${THAG_BUILD:-$top/build}/real
export TMPDIR=$real/tmp XDG_CACHE_HOME=$real/tmp/cache XDG_RUNTIME_DIR=$real/tmp/run
mkdir -p "$real/source" "$real/bin" "$TMPDIR" "$XDG_CACHE_HOME"
mkdir -p "$XDG_RUNTIME_DIR" && chmod 700 "$XDG_RUNTIME_DIR"
unset THAG_PROFILER THAG_ON_FULL LD_PRELOAD
# shellcheck source-path=SCRIPTDIR
. "$here/../accuracy/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/sources.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/programs.sh"

flags=(-O2 -g)
rounds=3
uftrace_free_kb=$((8 << 20))
jobs=${work:?}/jobs
program=
instrumented=
hooks=${build:?}/libclient/libthag-cyg.so
passed=0 failed=0
slowdowns=()

# check NAME COMMAND...
check() {
  local name=$1 output status=0
  shift
  output=$("$@" 2>&1) || status=1
  if ((status == 0)); then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    failed=$((failed + 1))
  fi
  [[ -z $output ]] || tail -n 25 <<<"$output"
  return "$status"
}

# quietly LOG COMMAND...: what it says goes to a log, whose end is shown when it fails.
quietly() {
  local log=$real/tmp/$1.log
  shift
  "$@" >"$log" 2>&1 || {
    tail -n 15 "$log"
    return 1
  }
}

# --- building ---

# A stamp names the flags, so that other ones build anew.
build_one() {
  local name=$1 way=$2 output=$real/bin/$2/$1 stamp
  shift 2
  stamp="$(version_of "${packages[$name]}") $*"
  [[ $(cat "$output.stamp" 2>/dev/null) != "$stamp" ]] || return 0
  rm -rf "$output" "$output.objects" "$output.stamp"
  mkdir -p "$real/bin/$way"
  "build_$name" "$output" "$@" || return 1
  rm -rf "$output.objects"
  echo "$stamp" >"$output.stamp"
}

counter=$real/bin/count_hooks.so
build_counter() {
  cc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -fPIC -shared -o "$counter" "$here/count_hooks.c"
}

# --- running ---

# run_way NAME WAY COMMAND...: the job of NAME behind these words, in a new directory; what it
# says and makes stays there, how long it took goes to WAY.ns beside it.
run_way() {
  local name=$1 way=$2 directory=$jobs/$1/$2 start end
  shift 2
  rm -rf "$directory"
  mkdir -p "$directory"
  start=${EPOCHREALTIME//[!0-9]/}
  (cd "$directory" && "run_$name" "$@" >stdout 2>stderr; echo $? >status)
  end=${EPOCHREALTIME//[!0-9]/}
  echo $(((end - start) * 1000)) >>"$directory.ns"
}

same_as_plain() { diff -rq "$jobs/$1/plain" "$jobs/$1/$2"; }

plain_run() {
  (cd "$inputs" && "inputs_$1") || return 1
  run_way "$1" plain "$real/bin/plain/$program"
  [[ $(cat "$jobs/$1/plain/status") == [01] && -s $jobs/$1/plain/stdout ]] || {
    cat "$jobs/$1/plain/stderr"
    return 1
  }
}

instrumented_run() {
  run_way "$1" instrumented "$instrumented"
  same_as_plain "$1" instrumented
}

# profiled NAME WAY COMMAND...: recorded whole by thagd, however long that takes; leaves what
# tests/accuracy/profile_table.py asks for. The command preloads libthag-cyg.
profiled() {
  local name=$1 way=$2 session=$jobs/$1/$2.session
  shift 2
  rm -rf "$session"
  mkdir -p "$session"
  THAG_ON_FULL=wait THAG_PROFILER="time,$session" run_way "$name" "$way" "$@"
  wait_for 60 has_session_file "$session" || { echo "no session file"; return 1; }
  newest_session >"$session/session"
  grep -oE 'localhost:[0-9]+' "$work/thagd.log" | head -n 1 | cut -d : -f 2 >"$session/port"
  same_as_plain "$name" "$way" && nothing_lost "$session"
}

nothing_lost() {
  python3 -c '
import json, sys
session = json.load(open(sys.argv[1], encoding="utf-8"))
print("  lost:", session["lost"], "truncated frames:", session["truncated_frames"])
sys.exit(any(session["lost"].values()))' "$1"/*.json
}

# Recorded under callgrind, too, so that callgrind, the counter and thag speak of the same calls.
# The counter hands each call on to thag.
callgrind_run() {
  local name=$1 counts=$jobs/$1/callgrind.counts out=$jobs/$1/callgrind.out
  COUNT_HOOKS=$counts profiled "$name" callgrind env LD_PRELOAD="$counter:$hooks" \
    valgrind -q --log-file="$jobs/$name/valgrind.log" --tool=callgrind --dump-instr=yes \
    --callgrind-out-file="$out" "$instrumented" || return 1
  "$here/counts.py" callgrind "$counts" "$instrumented" "$out" &&
    "$here/counts.py" thag "$counts" "$instrumented" "$jobs/$name/callgrind.session"
}

counted_run() {
  local counts=$jobs/$1/counted.counts
  COUNT_HOOKS=$counts profiled "$1" counted env LD_PRELOAD="$counter:$hooks" "$instrumented" &&
    "$here/counts.py" thag "$counts" "$instrumented" "$jobs/$1/counted.session"
}

thag_run() {
  profiled "$1" thag "$build/tools/thag" run -q --functions -- "$instrumented"
}

thag_calls() {
  "$here/counts.py" thag "$jobs/$1/callgrind.counts" "$instrumented" "$jobs/$1/thag.session"
}

# Without inlining the hook is told who called, also after errors have left frames by longjmp.
stacks_run() {
  local counts=$jobs/$1/stacks.counts folded=$jobs/$1/stacks.folded
  local outline=$real/bin/outline/$program
  quietly build build_one "$program" outline "${flags[@]}" -finstrument-functions -fno-inline ||
    return 1
  COUNT_HOOKS=$counts profiled "$1" stacks env LD_PRELOAD="$counter:$hooks" "$outline" || return 1
  "$build/tools/thag" export "$(cat "$jobs/$1/stacks.session/session")" >"$folded" || return 1
  "$here/counts.py" stacks "$counts" "$outline" "$folded"
}

# --- beside it ---

has_uftrace() {
  command -v uftrace >/dev/null || { echo "# uftrace is not installed"; return 1; }
  (($(df -Pk "$real" | awk 'NR == 2 { print $4 }') > uftrace_free_kb)) ||
    { echo "# uftrace needs more room below $real than there is"; return 1; }
}

# What uftrace counts is shown, not judged.
uftrace_run() {
  local name=$1 data=$jobs/$1/uftrace.data
  run_way "$name" uftrace uftrace record --no-pager --no-libcall --no-event -d "$data" \
    "$instrumented"
  uftrace report --no-pager --demangle=full -f call -d "$data" \
    >"$jobs/$name/uftrace.report" 2>/dev/null
  rm -rf "$data"
  echo "# uftrace beside it:"
  same_as_plain "$name" uftrace >/dev/null ||
    echo "  the program says something else: $(head -n 1 "$jobs/$name/uftrace/stderr")"
  "$here/counts.py" uftrace "$jobs/$name/counted.counts" \
    "$instrumented" "$jobs/$name/uftrace.report" | sed -n 1,4p
}

timed_runs() {
  local name=$1 i
  rm -f "$jobs/$name"/{plain,instrumented,timed}.ns
  mkdir -p "$work/saved"
  for ((i = 0; i < rounds; i++)); do
    run_way "$name" plain "$real/bin/plain/$program"
    run_way "$name" instrumented "$instrumented"
    THAG_PROFILER="time,$work/saved" run_way "$name" timed \
      "$build/tools/thag" run -q --functions -- "$instrumented"
  done
  same_as_plain "$name" timed
}

# median NAME WAY: in ns; nothing where there was no run.
median() {
  [[ ! -e $jobs/$1/$2.ns ]] || sort -n "$jobs/$1/$2.ns" |
    awk '{ ns[NR] = $1 } END { print ns[int((NR + 1) / 2)] }'
}

# A row of the table at the end.
note_slowdown() {
  local calls
  calls=$(awk '{ calls += $1 } END { print calls }' "$jobs/$1/counted.counts")
  slowdowns+=("$(awk -v name="$1" -v calls="$calls" -v plain="$(median "$1" plain)" \
    -v hooks="$(median "$1" instrumented)" -v thag="$(median "$1" timed)" \
    -v uftrace="$(median "$1" uftrace)" '
    function ratio(ns) { return ns ? sprintf("%.1f", ns / plain) : "-" }
    BEGIN {
      printf "%-14s %12d %9.0f %9s %9s %9s %12.1f", name, calls, plain / 1e6, ratio(hooks),
        ratio(thag), ratio(uftrace), (thag - hooks) / calls
    }')")
}

# --- one program ---

prepare() {
  local name=$1
  check "$name: sources of ${packages[$name]}" quietly fetch fetch "${packages[$name]}" || return
  check "$name: built plain" quietly build build_one "$program" plain "${flags[@]}" || return
  check "$name: built with -finstrument-functions" quietly build \
    build_one "$program" instrumented "${flags[@]}" -finstrument-functions || return
  inputs=$jobs/$name/inputs
  mkdir -p "$inputs"
  check "$name: does its job" plain_run "$name" || return
  check "$name: does the same with hooks" instrumented_run "$name"
}

beside() {
  ! has_uftrace || uftrace_run "$1"
  timed_runs "$1"
  note_slowdown "$1"
}

# Threads, and trees that are sorted by addresses, make another number of calls each time.
is_same_each_time() { [[ $1 != zstd_threads && $1 != ninja ]]; }

test_program() {
  local name=$1
  program=${1%_threads} instrumented=$real/bin/instrumented/${1%_threads}
  prepare "$name" || return
  check "$name: callgrind, the counter and thag count the same calls" callgrind_run "$name"
  check "$name: the counter and thag count the same calls at full speed" counted_run "$name"
  check "$name: does the same by 'thag run', and nothing is lost" thag_run "$name"
  ! is_same_each_time "$name" ||
    check "$name: which makes as many calls as under callgrind" thag_calls "$name"
  [[ $name != lua ]] || check "$name: thag's stacks are of calls that were made" stacks_run "$name"
  beside "$name"
  rm -rf "${jobs:?}/$name"
}

print_slowdowns() {
  ((${#slowdowns[@]} > 0)) || return 0
  echo "# Wall time, medians of $rounds; ratios to the plain program. Hooks: libc's empty ones."
  printf '# %-14s %12s %9s %9s %9s %9s %12s\n' program calls plain/ms hooks thag uftrace \
    "thag ns/call"
  printf '# %s\n' "${slowdowns[@]}"
}

start_daemon || {
  echo "not ok thagd starts"
  echo "0 passed, 1 failed"
  exit 1
}
(($# > 0)) || set -- lua sqlite zstd zstd_threads ninja
check "the counter is built" build_counter
for name in "$@"; do
  test_program "$name"
done
print_slowdowns
echo "$passed passed, $failed failed"
((failed == 0))
