#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The `thag` command against a real thagd and real programs: every function test_* of test_*.sh.
# THAG_BUILD names the build (build/); arguments, if any, the tests to run.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

export THAG_BUILD=${THAG_BUILD:-$PWD/build}
TESTS=$PWD/tests/cli
EXAMPLES=$THAG_BUILD/examples
WORK=$(mktemp -d "${TMPDIR:-/tmp}/c.XXXXXX")
mkdir "$WORK/bin"
export HOME=$WORK
# copies of programs find the library too
export LD_LIBRARY_PATH=$THAG_BUILD/libclient
unset THAG_PROFILER THAG_RUN XDG_RUNTIME_DIR
# shellcheck source=tests/support/each.sh disable=SC1091
. tests/support/each.sh

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$TESTS/lib.sh"
for file in "$TESTS"/test_*.sh; do
  # shellcheck disable=SC1090 # all of them
  . "$file"
done

# shellcheck source=tests/support/sanitized.sh disable=SC1091
. tests/support/sanitized.sh
if sanitized; then
  unset -f test_export_{csv,firefox,pprof,speedscope}_of_memory test_memory_of_a_report_is_that_of_the_session \
    test_memory_tells_totals_sizes_and_places test_run_waits_for_all_that_the_process_was \
    test_stat_has_memory_of_each_function
fi

helpers=(fake_daemon count_signals)
for name in "${helpers[@]}"; do
  helper "$name" >/dev/null || exit
done

# Ends the thagd of a test whatever became of it; a stopped one too.
clean_up() {
  local lock=${THAG_SOCKET%.sock}.lock pid
  if [[ -e $lock ]] && read -r pid _ <"$lock" && [[ -n $pid ]]; then
    kill -CONT "$pid" 2>/dev/null
    kill -TERM "$pid" 2>/dev/null
  fi
  return 0
}

run_test() {
  local name=$1 directory=$WORK/$1 status=0
  mkdir "$directory"
  (
    cd "$directory" || exit
    export THAG_SOCKET=$directory/thagd.sock
    trap clean_up EXIT
    "$name"
  ) >"$WORK/$name.log" 2>&1 </dev/null || status=$?
  tell "$name" "$status" "$WORK/$name.log"
}

trap 'rm -rf "$WORK"' EXIT
run_each "$@"
