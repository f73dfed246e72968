#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# libthag and core/ as ARM64 programs, with their unit tests, cross-compiled and run by qemu-user:
# shared memory between two processes, fork, threads, signals, longjmp and the (cntvct_el0)
# included. Prints a line a program and "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build="build-arm64"

if [[ $(uname -m) == aarch64 ]]; then
  echo "this machine is one: the other suites are run on ARM64"
  echo "0 passed, 0 failed"
  exit
fi

# Not those of the rest of core/, which has nothing of a processor's and none of its orderings;
# step, heap_step: qemu-user knows no ptrace;
# config, log: the stand-in for Criterion (tests/standin) can't redirect what a test prints;
# switch: minutes under emulation.
tests=(checkpoint coroutines cpp emit filter functions heap_emit hist names ring sections
  stream task_steps tasks ticks trace tree uv)

# qemu-user's vfork is a fork, and its counter often stands still from one read to the next;
# ten thousand threads take it half a minute;
# functions without frame pointers, of which libunwind knows more, are left out of traces on ARM64
# (docs/traces.md)
export SKIP_TESTS=" heap_emit::says_what_a_vforked_child_does_to_its_parents_memory \
emit::knows_what_a_call_costs_by_either_clock \
emit::reuses_the_rings_of_threads_that_ended \
trace::is_what_libunwind_finds_in_functions_of_any_shape "

[[ -e $build/build.ninja ]] ||
  meson setup "$build" --cross-file tests/arm64/cross.ini -Dthagd=false -Dtests=enabled \
    -Dinstrument=disabled || exit 1
ninja -C "$build" --quiet "${tests[@]/#/tests/test_}" || exit 1
rm -f "$build/meson-logs/testlog.json"
meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 10 "${tests[@]}" >&2
tests/support/count-meson.py "$build/meson-logs/testlog.json" | tee "$build/count"
tail -n 1 "$build/count" | grep -q '^[1-9][0-9]* passed, 0 failed$'
