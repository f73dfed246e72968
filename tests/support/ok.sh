# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# For suites that count what succeeds. What is said meanwhile goes to the folder $work.
: "${work:?the folder of the suite}"
passed=0 failed=0

# ok NAME COMMAND...: the command must succeed. SHOW: what it says is to be seen, as it says it.
ok() {
  local name=$1 status=0
  shift
  if [[ -n ${SHOW:-} ]]; then
    echo "-- $name"
    "$@" > >(tee "$work/said") 2>&1 || status=$?
  else
    "$@" >"$work/said" 2>&1 || status=$?
  fi
  if ((status == 0)); then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    head -n 20 "$work/said" | cut -c1-300 | sed 's/^/  /'
    failed=$((failed + 1))
  fi
}

# skip NAME WHY: it can't be run here.
skip() { echo "skipped: $1: $2"; }

# eventually COMMAND...: within 30 s it succeeds.
eventually() {
  local i
  for ((i = 0; i < 600; i++)); do
    ! "$@" || return 0
    sleep 0.05
  done
  echo "this never came true: $*"
  return 1
}

# code WANTED CURL-ARGUMENT...: the status of an answer, whose body is in $work/body.
code() {
  local wanted=$1 got
  shift
  got=$(curl -s -m 30 -o "$work/body" -w '%{http_code}' "$@")
  echo "$got"
  [[ $got == "$wanted" ]]
}

finish() {
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
