#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Calls counted against callgrind, function by function, and times that must add up, on the
# programs of examples/. Prints "ok"/"not ok" lines and "N passed, N failed".
set -uo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0

# check NAME COMMAND...
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    failed=$((failed + 1))
  fi
  [[ -z $output ]] || printf '%s\n' "$output"
}

# The program without marks under callgrind; its output file.
callgrind() {
  local name=$1
  shift
  valgrind --tool=callgrind --callgrind-out-file="$work/$name.callgrind" \
    "$@" >"$work/$name.stdout" 2>"$work/$name.valgrind" || {
    cat "$work/$name.valgrind"
    return 1
  }
}

# calls_equal NAME PROGRAM "FUNCTION..." ARG...
calls_equal() {
  local name=$1 program=$2 functions
  read -ra functions <<<"${3//$'\n'/ }"
  shift 3
  callgrind "$name" "$build/examples/$program-plain" "$@" || return 1
  profile "$work/out-$name" "$build/examples/$program" "$@" || return 1
  cmp "$work/$name.stdout" "$work/out-$name/stdout" || return 1
  "$here/compare_calls.py" "${functions[@]}" "$work/$name.callgrind" "$work/out-$name"
}

treestat_functions="main run_once count_tree walk_directory queue_put queue_take work scan_file
  read_file scan_text split_words table_add table_top print_scan"

treestat_one_thread() {
  calls_equal treestat-1 treestat "$treestat_functions" --threads 1 --repeat 3 "$work/tree"
}

# Who counts what is left to chance, how often each function is called isn't.
treestat_threads() {
  calls_equal treestat-4 treestat "$treestat_functions table_merge" --threads 4 "$work/tree"
}

nqueens() { calls_equal nqueens nqueens "main place_row" 9; }
sections() { calls_equal sections sections "main overlap jobs spin" 500; }

files_agree() { "$here/check_files.py" "$work/out-$1"; }

# A section is in the profile as often as it was opened.
section_counts() {
  (cd "$here" && python3 -c '
import sys
from profile_table import fetch
counts = {row["name"]: row["calls"] for row in fetch(sys.argv[1]) if row["section"]}
print(counts)
sys.exit(counts != {"prepare": 500, "compute": 500, "try": 1500, "job": 1000})' "$work/out-sections")
}

make_tree "$work/tree" 60

start_daemon || {
  echo "not ok thagd starts"
  echo "0 passed, 1 failed"
  exit 1
}
check "calls of treestat on one thread equal callgrind's" treestat_one_thread
check "calls of treestat on four threads equal callgrind's" treestat_threads
check "calls of nqueens, recursive, equal callgrind's" nqueens
check "calls of sections equal callgrind's" sections
check "sections are counted" section_counts
for name in treestat-1 treestat-4 nqueens sections; do
  check "files of $name agree with each other" files_agree "$name"
done
echo "$passed passed, $failed failed"
((failed == 0))
