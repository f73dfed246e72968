#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# libthag and core/ as ARM64 programs, with their unit tests, cross-compiled and run by qemu-user:
# shared memory between two processes, fork, threads, signals, longjmp and the clock (cntvct_el0)
# included. Prints a line a program and "N passed, N failed". ARM64_ALL=1 runs those as well that
# take emulation longest.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build="build-arm64"

if [[ $(uname -m) == aarch64 ]]; then
  echo "this machine is one: the other suites are run on ARM64"
  echo "0 passed, 0 failed"
  exit
fi

# step, heap_step, instructions: qemu-user knows no ptrace;
# pages: nor madvise's MADV_POPULATE_WRITE;
# task_examples: it starts other programs, which only a kernel that knows qemu could;
# trace_places: traces as libunwind has them, of functions without frame pointers, see below;
# config, log: the stand-in for Criterion (tests/standin) can't redirect what a test prints;
# switch: minutes under emulation.
not_here=(step heap_step instructions pages task_examples trace_places config log switch)
[[ -n ${ARM64_ALL:-} ]] || not_here+=(chunk_tree flame pprof profile recording_damage recording_kill
  sandwich search section_model speedscope svg_chart task_misuse timeline timeline_range)

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
mapfile -t tests < <(meson test -C "$build" --no-rebuild --list --suite unit 2>/dev/null |
  sed 's|.* / ||' | grep -vxF "$(printf '%s\n' "${not_here[@]}")")
ninja -C "$build" --quiet "${tests[@]/#/tests/test_}" || exit 1
rm -f "$build/meson-logs/testlog.json"
meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 10 "${tests[@]}" >&2
tests/support/count-meson.py "$build/meson-logs/testlog.json" | tee "$build/count"
tail -n 1 "$build/count" | grep -q '^[1-9][0-9]* passed, 0 failed$'
