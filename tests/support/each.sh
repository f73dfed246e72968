# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# For suites whose tests are functions test_*, which `run_test NAME` runs one by one.
passed=0 failed=0

# tell NAME STATUS LOG: whether a test passed, and if not what it said.
tell() {
  if (($2 == 0)); then
    echo "ok $1"
    passed=$((passed + 1))
  else
    echo "not ok $1"
    cat "$3"
    failed=$((failed + 1))
  fi
}

# run_each [NAME]...: these tests, or all; says how many passed, and fails if one did.
run_each() {
  local name names=("$@")
  (($# > 0)) || mapfile -t names < <(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p')
  for name in "${names[@]}"; do
    run_test "$name"
  done
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
