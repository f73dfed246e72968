# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# System calls and allocations that fail, one at a time, in programs, thagd and thag: see inject.py.
# A sample of them, by INJECT_SEED; INJECT_ALL=1 tries all.

# inject SIDE KIND [RUNS]
inject() {
  INJECT_RUNS=${3:-20} THAG_BUILD=$build python3 "$here/inject.py" "$1" "$2"
}

# A sanitizer's runtime has allocators, signal handlers and calls of its own, and the tracer is for
# x86-64.
if ! sanitized && [[ -x $build/tests/inject ]]; then
  ok '17 no shared memory left' env INJECT_ONLY='(memfd_create|ftruncate) E(NOSPC|MFILE).* after each|madvise ENOMEM' \
    THAG_BUILD="$build" python3 "$here/inject.py" marks calls
  for side in marks log functions memory sampled; do
    ok "calls fail in a program: $side" inject "$side" calls
  done
  ok 'allocations fail in a program' inject log allocations
  ok 'calls fail in thagd' inject thagd calls 15
  ok 'calls fail in a thagd that goes on' inject successor calls 8
  ok 'allocations fail in thagd' inject thagd allocations 15
  ok 'calls fail while a page and commands ask' inject page calls 6
  ok 'allocations fail while a page and commands ask' inject page allocations 15
  for side in stat export record; do
    ok "calls fail in thag $side" inject "$side" calls 8
  done
fi
