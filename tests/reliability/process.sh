# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# What programs do with processes, threads, signals and limits.

# shellcheck source=tests/reliability/programs.sh
. "$here/programs.sh"
# shellcheck source=tests/reliability/allocators.sh
. "$here/allocators.sh"

# 100,000 threads, or THREADS: from the tenth part on neither the program nor thagd grows. That
# thagd keeps no timeline, which has a budget of its own.
flat_memory() {
  local status=0
  export THREADS=${THREADS:-100000} DAEMON=$thagd
  scene short-threads || status=$?
  cat "$work/stderr"
  unset THREADS DAEMON
  return "$status"
}

# said LINES SCENE: on stderr.
said() {
  scene "$2" || return
  cat "$work/stderr"
  [[ $(wc -l <"$work/stderr") == "$1" ]]
}

# What thag says nobody can hear, which is no reason to end.
unheard() { THAG_SOCKET=/nowhere scene_unprofiled "$1"; }

# calls_by_name NAME=CALLS...: of the functions of the newest session.
calls_by_name() {
  local wanted
  thag export latest --format csv >"$work/table" || return
  for wanted in "$@"; do
    awk -F, -v name="\"${wanted%=*}\"" -v calls="${wanted#*=}" \
      '$2 == name { sum += $5 } END { exit sum != calls }' "$work/table" || {
      echo "not so: $wanted"
      head -n 20 "$work/table"
      return 1
    }
  done
}

reloaded() { scene reload && calls_by_name first=300 other=30; }
jumped() { scene longjmp && calls_by_name jump_from=10000 'before the jump=10000' leaf=1000; }

# Whose stack a call is on thag can't know; it counts them all the same, and nothing is torn.
bare_coroutines() {
  clear_out
  THAG_ON_FULL=wait THAG_PROFILER=",$work/out" "$build/tests/scenes" bare-coroutines &&
    eventually compgen -G "$work/out/*.json" >/dev/null && python3 -c '
import glob, json, sys
[path] = glob.glob(sys.argv[1] + "/*.json")
session = json.load(open(path))
assert session["calls"] + session["unwound"] == 1 + 55 + 10 * 100, session
assert not any(session[k] for k in ("invalid", "orphans", "unmatched", "truncated_frames")), session
' "$work/out"
}

# keeps NAME=VALUE...: whatever thag does, errno and the floating-point state are the program's.
keeps() { env "$@" timeout 60 "$build/tests/scenes" keeps; }
keeps_stopped() { keeps THAG_ON_FULL=drop "DAEMON=$thagd" "$@"; }

# --- thagd at its limits ---

# limited LIMIT: thagd, from now on.
limited() { prlimit --pid "$thagd" "$1"; }

# refused_at_limit LIMIT: programs run unprofiled, which is said in a line, and thagd goes on.
refused_at_limit() {
  start_thagd && limited "$1" && scene_unprofiled calls || return
  [[ $(wc -l <"$work/stderr") == 1 ]] && thag list && start_thagd && scene vfork
}

hold_programs() {
  local i
  for ((i = 0; i < 40; i++)); do
    timeout 60 "$build/daemon/fake_program" "$THAG_SOCKET" make=good hello calls=10 wait \
      <"$work/hold" >>"$work/welcomes" 2>&1 9>&- &
    held+=($!)
  done
}

all_answered() { [[ $(grep -cE 'welcome|refused|no answer' "$work/welcomes") == 40 ]]; }

# More programs than thagd has descriptors for: some have none, and when those are gone all is well.
descriptors() { find "/proc/$thagd/fd" -mindepth 1 | wc -l; }
has_descriptors_back() { (($(descriptors) <= $1)); }
thagd_without_descriptors() {
  local held=() status=0 before
  start_thagd && before=$(descriptors) && limited "--nofile=$((before + 20)):" || return
  rm -f "$work/hold" "$work/welcomes"
  mkfifo "$work/hold" && exec 9<>"$work/hold"
  hold_programs
  eventually all_answered || status=1
  sort "$work/welcomes" | cut -d ' ' -f 1 | uniq -c
  grep -q welcome "$work/welcomes" && grep -qvE welcome "$work/welcomes" || status=1
  exec 9>&- # their input ends
  wait "${held[@]}"
  eventually has_descriptors_back $((before + 2)) || status=1
  thag list >"$work/said_list" && ((status == 0)) && scene vfork && scene fork
}

ok 'start' start_thagd
ok '18 recursion a million deep' scene recursion
ok '19 10,000 threads born and gone' scene short-threads
for name in fork fork-threads fork-raw exec spawn; do
  ok "21 processes: $name" scene "$name"
done
for name in close-all closefrom close-each daemon reuse-descriptors; do
  ok "22 descriptors closed: $name" scene "$name"
done
ok '25 a library after another at the same address' reloaded
for name in exceptions cancel; do
  ok "26 frames left: $name" scene "$name"
done
ok '26 frames left: longjmp' jumped
for name in small-stack small-stack-jump; do
  ok "27 signals: $name" scene "$name"
done
ok '24 no descriptors: the program' said 1 emfile
ok '24 no descriptors: its child' said 1 emfile-fork
ok '24 what nobody hears: a pipe without a reader' unheard closed-pipe

# Sanitizers' runtimes are none of thag's affairs: they know nothing of threads that end in ways of
# their own and of other stacks, have a malloc of their own, and don't survive these limits.
if ! sanitized; then
  ok '18 functions a million deep' unit functions records_recursion_a_million_deep
  ok '18 deeper than the ring' unit emit drops_what_is_deeper_than_the_ring_and_counts_it
  ok '18 native stacks a million deep' unit trace of_a_recursion_a_million_deep_is_cut
  ok '20 threads that end without destructors' scene raw-exits
  for name in vfork fork-malloc fork-raw-malloc; do
    ok "21 processes: $name" scene "$name"
  done
  ok '21 memory of a vforked child' unit heap_emit says_what_a_vforked_child_does_to_its_parents_memory
  setuid_rows
  ok '24 limits: limit-as' scene limit-as
  for name in limit-fsize limit-nofile limit-as-tight; do
    ok "24 limits: $name" scene_unprofiled "$name"
  done
  ok '24 what nobody hears: a full file' unheard full-file
  ok '26 longjmp out of instrumented functions' unit functions closes_the_frames_that_longjmp_leaves
  for name in gcc clang; do
    ok "26 tail calls: marks, $name" tail_calls "$name" -DMARKED "${marked[@]}"
    ok "26 tail calls: hooks, $name" tail_calls "$name" "${hooked[@]}"
  done
  ok '28 coroutines' scene coroutines
  ok '28 coroutines thag is not told of' bare_coroutines
  ok '29 early programs compile' build_early
  ok '29 memory before main' early "$preload"
  ok '29 dlsym that allocates' early "$made/libgreedy.so:$preload"
  ok '29 dlsym that allocates, and another malloc' early "$made/libgreedy.so:$preload:libjemalloc.so.2"
  ok '29 malloc in a handler' unit heap_emit says_what_a_handler_allocates
  allocator_rows
  ok '30 what becomes of a reallocated block' unit heap_emit says_what_became_of_a_reallocated_block
  for name in address,undefined thread; do
    ok "31 sanitized programs: gcc, $name" sanitized_by g++ "$name"
    ok "31 sanitized programs: clang, $name" sanitized_by clang++ "$name"
  done
  ok '31 sanitized programs: clang, memory' sanitized_by clang++ memory
  ok '32 errno and floating-point state' keeps_stopped
  ok '32 the same, all memory with stacks' keeps_stopped THAG_PROFILER=both,,,true
  ok '32 the same, memory sampled' keeps_stopped THAG_PROFILER=both THAG_SAMPLE_BYTES=100
  ok '32 the same by the slow clock' keeps_stopped THAG_CLOCK=monotonic
  ok '32 the same without a thagd' keeps THAG_SOCKET=/nowhere
  ok '24 thagd without descriptors' thagd_without_descriptors
  ok '24 thagd without address space' refused_at_limit --as=3000000000:
  ok '24 thagd without room for files' refused_at_limit --fsize=4096:
  ok 'start without a timeline' start_thagd --timeline off
  ok '19 as many threads as ever, and memory is flat' flat_memory
fi
