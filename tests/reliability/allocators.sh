# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Row 30: a program that allocates by every entry point there is, and counts what it does itself,
# under each allocator, linked and preloaded, with threads and without. What thagd counted is the
# same.

# churn OUTPUT FLAG...
build_churn() { g++ -std=gnu++17 -O1 -fno-builtin "$here/../memory/churn.cpp" -o "$@" -pthread; }

# memory_of PROGRAM: what the last session of it has come to, in the words of churn.
memory_of() {
  thag list --json | python3 -c '
import json, sys
sessions = [s for s in json.load(sys.stdin)["sessions"] if s["program"] == sys.argv[1]]
memory = sessions[-1]["memory"]
assert not any(memory[k] for k in ("unmatched_frees", "displaced", "untracked", "lost")), memory
for word, name in (("allocations",) * 2, ("allocated_bytes",) * 2, ("reallocations",) * 2,
                   ("leaked", "live"), ("leaked_bytes", "live_bytes"), ("peak_bytes",) * 2):
    print(word, memory[name])' "$1"
}

# run_churn PROGRAM STEPS THREADS: NAME-VALUE lines of the program in said, of thagd in recorded.
run_churn() {
  THAG_ON_FULL=wait THAG_PROFILER=",$work/out" thag run -q --memory -- "$work/$1" 7 "$2" "$3" \
    >"$work/churned" && memory_of "$1" >"$work/recorded"
}

# What libraries allocate at start and for threads is the same without a step.
agrees() {
  local program=$1 steps=$2 threads=$3
  run_churn "$program" 0 "$threads" && cp "$work/recorded" "$work/idle" &&
    run_churn "$program" "$steps" "$threads" || return 1
  paste -d ' ' "$work/churned" "$work/recorded" "$work/idle"
  paste -d ' ' "$work/churned" "$work/recorded" "$work/idle" |
    awk -v threads="$threads" '
      $1 == "peak_bytes" && threads > 0 { next } # two threads may count theirs in another order
      $2 != $4 - $6 { bad = 1 }
      $2 == 0 { bad = 1 }
      END { exit bad || NR != 6 }'
}

test_allocator() {
  ok "30 $1: counts are those of the program" agrees "$2" 30000 0
  ok "30 $1: the same with four threads" agrees "$2" 20000 4
}

# heeds TEXT SETTING: an allocator reads its options when it is first called, and that must not be
# before there is an environment.
heeds() {
  env "$2" "THAG_PROFILER=,$work/out" "$build/tools/thag" run -q --memory -- \
    "$work/churn-linked" 7 10 0 2>&1 | grep -c "$1"
}

allocator_rows() {
  local allocator
  build_churn "$work/churn-libc"
  test_allocator libc churn-libc
  for allocator in libjemalloc.so.2 libmimalloc.so.2.0 libtcmalloc_minimal.so.4; do
    build_churn "$work/churn-linked" "-l:$allocator"
    test_allocator "$allocator, linked" churn-linked
    case $allocator in
    libjemalloc*)
      ok "30 jemalloc's options" heeds 'jemalloc statistics' MALLOC_CONF=stats_print:true
      ;;
    libmimalloc*) ok "30 mimalloc's options" heeds 'heap stats' MIMALLOC_SHOW_STATS=1 ;;
    esac
    LD_PRELOAD=$allocator test_allocator "$allocator, preloaded" churn-libc
  done
}
