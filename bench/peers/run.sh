#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# run.sh [RUNS]: the cost of an enter + exit pair under uftrace and LTTng-UST, where they are
# installed, and under thag, by marks and by the compiler, on the same workload; medians of RUNS
# (5), as ratios to two bare rdtsc measured in the same process. Each tracer records with its
# consumer running.
set -euo pipefail
cd "$(dirname "$0")"

runs=${1:-5}
top=$(cd ../.. && pwd)
build=${THAG_BUILD:-$top/build}
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-peers.XXXXXX")
modes=(flat nested fib threads)
pairs=2000000
sessiond_pid=
export THAG_SOCKET=$work/thagd.sock

cleanup() {
  if [[ -n $sessiond_pid ]]; then
    kill "$sessiond_pid" 2>/dev/null || true
    timeout 10 tail --pid="$sessiond_pid" -f /dev/null || true
  fi
  [[ ! -S $THAG_SOCKET ]] || "$build/tools/thag" stop || true
  rm -rf "$work"
}
trap cleanup EXIT

compile() {
  local output=$1
  shift
  gcc -std=gnu11 -D_GNU_SOURCE -O2 -g "$@" -o "$work/$output" -pthread
}

# Lines of the workload in, "TRACER MODE NS RATIO note" out: the run with the median ratio.
median() {
  local tracer=$1 mode=$2 note=$3
  sort -g -k 5 | awk -v t="$tracer" -v m="$mode" -v note="$note" '
    { line[NR] = $0 }
    END {
      if (NR == 0) { printf "%-32s %-8s    no result\n", t, m; exit }
      split(line[int((NR + 1) / 2)], f, " ")
      printf "%-32s %-8s %8.1f ns  x %5.2f  %s\n", t, m, f[3], f[5], note
    }'
}

# repeat TRACER NOTE-COMMAND RUN-COMMAND...: each mode, RUNS times; the note is taken at the end.
repeat() {
  local tracer=$1 note=$2 mode i
  shift 2
  for mode in "${modes[@]}"; do
    for ((i = 0; i < runs; i++)); do
      "$@" "$mode" "$pairs" 2>>"$work/errors" || true
    done | grep -E '^[a-z]+ [0-9]+ ' >"$work/lines" || true
    median "$tracer" "$mode" "$("$note")" <"$work/lines"
  done
}

no_note() { :; }

# Pairs of the last run: a program rounds what it is asked for; threads says one thread's.
pairs_made() {
  awk '{ n = $2 * ($1 == "threads" ? 2 : 1) } END { print n ? n : 1 }' "$work/lines"
}

# --- no tracer ---

bench_alone() {
  compile alone workload.c
  repeat "no instrumentation" no_note "$work/alone"
}

# --- uftrace ---

uftrace_run() {
  local program=$1
  shift
  rm -rf "$work/uftrace"
  uftrace record --no-pager --no-libcall -d "$work/uftrace" "$work/$program" "$@"
}

# Calls that reached the recording, and bytes a pair.
uftrace_note() {
  local calls bytes
  calls=$(uftrace report --no-pager -d "$work/uftrace" -f call 2>/dev/null |
    awk '$2 ~ /^(leaf|level_|fib)/ { sum += $1 } END { print sum + 0 }')
  bytes=$(cat "$work"/uftrace/*.dat | wc -c)
  echo "$calls calls recorded, $((calls ? bytes / calls : 0)) bytes each"
}

bench_uftrace() {
  command -v uftrace >/dev/null || { echo "uftrace is not installed"; return; }
  compile instrument workload.c -finstrument-functions
  repeat "uftrace -finstrument-functions" uftrace_note uftrace_run instrument
  compile pg workload.c -pg
  repeat "uftrace -pg" uftrace_note uftrace_run pg
}

# --- LTTng-UST ---

start_sessiond() {
  if lttng --no-sessiond list >/dev/null 2>&1; then
    return
  fi
  lttng-sessiond --daemonize --pidfile="$work/sessiond.pid" >/dev/null 2>&1
  sessiond_pid=$(cat "$work/sessiond.pid")
}

lttng_run() {
  rm -rf "$work/trace"
  {
    lttng create thag-peers --output="$work/trace"
    lttng enable-channel --userspace --subbuf-size=4M --num-subbuf=8 events
    lttng enable-event --userspace 'thag_peer:*' --channel=events
    lttng start
  } >/dev/null
  "$work/lttng" "$@"
  {
    lttng stop
    lttng list thag-peers | grep -i discarded >"$work/discarded" || true
    lttng destroy thag-peers
  } >/dev/null
}

lttng_note() {
  local bytes lost
  bytes=$(find "$work/trace" -type f -name 'events*' -exec cat {} + | wc -c)
  lost=$(awk '{ sum += $NF } END { print sum + 0 }' "$work/discarded")
  echo "$lost events lost, $((bytes / $(pairs_made))) bytes a pair"
}

has_lttng() {
  command -v lttng >/dev/null && command -v lttng-sessiond >/dev/null &&
    gcc -fsyntax-only -include lttng/tracepoint.h -x c /dev/null 2>/dev/null
}

bench_lttng() {
  if ! has_lttng; then
    echo "LTTng-UST is not installed"
    return
  fi
  compile lttng -DPEER_LTTNG -I. workload.c provider.c -llttng-ust -ldl
  start_sessiond
  repeat "LTTng-UST" lttng_note lttng_run
}

# --- thag ---

thag_run() {
  local option=()
  if [[ $1 == -F ]]; then
    option=(-F)
    shift
  fi
  THAG_PROFILER="time,$work/thag" "$build/tools/thag" run "${option[@]}" -- "$work/$1" "${@:2}"
}

newest_report() {
  find "$work/thag" -name '*.json' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2
}

# Calls lost, of the newest run that has been saved; a word of 8 bytes an event.
thag_note() {
  local tries=40
  while [[ -z $(newest_report) ]] && ((tries-- > 0)); do
    sleep 0.05
  done
  sed -n '/"lost"/,/}/s/.*"calls": *\([0-9]*\).*/\1 calls lost, 16 bytes a pair/p' "$(newest_report)"
}

bench_thag() {
  local library
  library=$(find "$build/libclient" -name libthag.a 2>/dev/null | head -n 1 || true)
  [[ -n $library ]] || { echo "thag is not built"; return; }
  mkdir -p "$work/thag"
  compile thag-workload -DPEER_THAG -DTHAG_TIME_PROFILING -I"$top/libclient/include" \
    -I"$top/proto" workload.c "$library"
  repeat "thag" thag_note thag_run thag-workload
  compile thag-instrument workload.c -finstrument-functions
  repeat "thag -finstrument-functions" thag_note thag_run -F thag-instrument
}

bench_alone
bench_uftrace
bench_lttng
bench_thag
