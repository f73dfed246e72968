# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The tests on builds that watch memory and threads; for dev, beside suites.sh. SAN_ALL=1 runs
# whatever can run there, else what fits continuous integration.

# Address space randomisation wider than the sanitizers of gcc 12 and clang 14 know makes them
# stop at start now and then; a fixed layout doesn't.
fixed_layout=(env)
if setarch "$(uname -m)" -R true 2>/dev/null; then
  fixed_layout=(setarch "$(uname -m)" -R)
fi

# A build that a suite needs for itself: one failure when it can't be had.
try_build() {
  build_in "$@" || {
    record "$1" 0 1
    return 1
  }
}

# unit_tests BUILD [NAME]...: the unit tests but those named.
unit_tests() {
  local build=$1
  shift
  meson test -C "$build" --no-rebuild --list --suite unit 2>/dev/null | sed 's|.* / ||' |
    grep -vxF "$(printf '%s\n' "$@")"
}

# sanitized_unit NAME UNIT-TEST...: on build-NAME.
sanitized_unit() {
  # shellcheck disable=SC2034 # for meson_tests
  local name=$1 runner=("${fixed_layout[@]}")
  shift
  meson_tests "unit-$name" "build-$name" --no-rebuild "$@"
}

# sanitized_suites NAME SUITE...: on build-NAME, and what of the reliability suite fits it.
sanitized_suites() {
  local name=$1 suite
  local -x THAG_BUILD=$PWD/build-$1
  shift
  for suite in "$@"; do
    run_logged "$suite-$name" "${fixed_layout[@]}" "tests/$suite/run.sh"
  done
  run_logged "reliability-$name" "${fixed_layout[@]}" tests/reliability/san.sh
}

# A stand-in for Criterion: it is compiled in half the time, and each test is watched for what it
# leaves, see tests/standin/. What nobody runs here is not built.
standin="-Dc_args=-I$PWD/tests/standin -Wno-tsan -Wno-unused-parameter -Wno-format-truncation"

# `step` stops at each instruction of the emit path as it is compiled for users, so a sanitizer's
# instructions are not for it. Leaks are the unit tests' affair: in a forked child of a program with
# threads the search for them may hang. A program that ends by SIGSEGV ends so here, too.
test_asan() {
  local -x ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:handle_segv=0
  local -x UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  local suites=(daemon recording) unit
  [[ -z ${SAN_ALL:-} ]] || suites+=(modes cli tasks timeline symbols analyze)
  programs="${SAN_ALL:+.*|}(tests|tests/fuzz|daemon|tools|examples|examples/tasks|bench)/[^/ ]+" \
    try_build build-asan -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false \
    "$standin" || return 0
  mapfile -t unit < <(unit_tests build-asan step)
  sanitized_unit asan "${unit[@]}"
  ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:handle_segv=0
  sanitized_suites asan "${suites[@]}"
}

# The unit tests with threads of their own: where there is one, TSan has nothing to look at.
with_threads() {
  grep -lE 'pthread_create|uv_queue_work|uv_thread' tests/unit/test_*.c |
    sed 's|.*/test_\(.*\)\.c|\1|'
}

# `emit` recurses a million deep and interrupts threads anywhere, in TSan's own runtime, too.
# Criterion hands its tests memory that TSan keeps for itself: the stand-in doesn't.
test_tsan() {
  local -x TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:die_after_fork=0:handle_segv=0
  local suites=() unit tests
  tests=$(with_threads | paste -sd '|')
  [[ -z ${SAN_ALL:-} ]] || tests='.*' suites=(daemon recording modes cli tasks timeline symbols)
  programs="${SAN_ALL:+.*|}(daemon|tools|tests|examples)/(?!test_)[^/ ]+|(daemon|tests)/test_($tests)" \
    try_build build-tsan -Doptimization=1 -Db_sanitize=thread -Db_lundef=false "$standin" || return 0
  mapfile -t unit < <(unit_tests build-tsan step emit section_model | grep -xE "$tests")
  sanitized_unit tsan "${unit[@]}"
  sanitized_suites tsan "${suites[@]}"
}

# What can't be watched instruction by instruction: stepping through itself, and frames that are left
# by siglongjmp or run on stacks of their own, which Valgrind takes for overflows. A trace is known by
# words of the stack, which nobody may have written; whether they can be read is asked by a call that
# Valgrind answers in the kernel's place. And its malloc comes before the one that records, its limit
# of descriptors before that of the process.
valgrind_not=(step heap_step trace trace_places heap_emit symbol_server)
# Those of what thagd and thag read and count by that fit continuous integration.
valgrind_few=(chart checkpoint chunk diff durations events folded_read heap_lines heap_message
  heap_stream hist http_gate opened_facts pages prelude profile_store ring session_files turns)

# The unit tests as they are built for users. Their exit status says what Valgrind reported.
test_valgrind() {
  local valgrind='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite'
  local unit=("${valgrind_few[@]}")
  configure_in build-valgrind "$standin" || return 0
  [[ -z ${SAN_ALL:-} ]] || mapfile -t unit < <(unit_tests build-valgrind "${valgrind_not[@]}")
  meson_tests unit-valgrind build-valgrind --wrapper "$valgrind --show-leak-kinds=definite" \
    --timeout-multiplier 60 "${unit[@]}"
}
