# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Suites side by side, and the sum of what they say; for dev. $logs is the folder of their logs.
: "${logs:?the folder of logs}"

# What suites had to say: "NAME PASSED FAILED" a line, what failed, and Criterion's summaries.
results=$logs/results failures=$logs/failures criterion=$logs/criterion

say() { printf 'dev: %s\n' "$*" >&2; }

# begin_results: forgets those of the run before.
begin_results() {
  mkdir -p "$logs"
  : >"$results"
  : >"$failures"
  : >"$criterion"
}

# record NAME PASSED FAILED [SECONDS]
record() {
  echo "$1 $2 $3" >>"$results"
  say "$1: $2 passed, $3 failed${4:+, in $4 s}"
}

# record_log NAME LOG STATUS SECONDS: the numbers of the last "N passed, N failed" line of LOG; a
# suite that says nothing, or that fails without saying what, has failed once.
record_log() {
  local name=$1 log=$2 status=$3 seconds=$4 line ok=0 bad=0
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1 || true)
  if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
    ok=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
  else
    say "$name said no 'N passed, N failed'"
    status=1
  fi
  ((status == 0 || bad > 0)) || bad=1
  record "$name" "$ok" "$bad" "$seconds"
  ((bad == 0)) || tell_failures "$name" "$log" >>"$failures"
}

# tell_failures NAME LOG: the tests of a suite that failed, with what they said first; the end of
# the log, if none says so.
tell_failures() {
  awk -v suite="$1" '
    { last[NR % 12] = $0 }
    /^ *not ok / { sub(/^ */, ""); print suite ": " $0; told = 1; left = 12; next }
    /^ *(ok |# |\[====\]|[0-9]+ passed)/ { left = 0 }
    left-- > 0
    END { for (i = NR - 11; !told && i <= NR; i++) if (i > 0) print suite ": " last[i % 12] }' "$2"
}

# contained COMMAND...: in a place of its own, in which it may leave nothing.
contained() { tests/support/contain.py "${SUITE_SECONDS:-1800}" "$@"; }

# run_logged NAME COMMAND...
run_logged() {
  local name=$1 status=0 began=$SECONDS
  shift
  say "running $name"
  contained "$@" </dev/null 2>&1 | tee "$logs/$name.log" || status=$?
  record_log "$name" "$logs/$name.log" "$status" $((SECONDS - began))
}

# meson_tests NAME BUILD [MESON-ARGUMENT]...: tests meson knows of, counted one by one; $runner
# comes before the command.
runner=(env)
meson_tests() {
  local name=$1 build=$2 status=0 began=$SECONDS
  shift 2
  say "running $name"
  rm -f "$build"/meson-logs/testlog*.json # its name has that of a wrapper
  contained "${runner[@]}" meson test -C "$build" --print-errorlogs --timeout-multiplier 4 \
    "$@" </dev/null >"$logs/$name.meson" 2>&1 || status=$?
  grep -vE '^ *[0-9]+/[0-9]+ .* OK ' "$logs/$name.meson" >&2 || true
  tests/support/count-meson.py "$build"/meson-logs/testlog*.json >"$logs/$name.log" || true
  grep -F 'Synthesis:' "$logs/$name.log" >>"$criterion" || true
  record_log "$name" "$logs/$name.log" "$status" $((SECONDS - began))
}

# run_job SUITE: what it says goes to a file, and is shown when it ends.
run_job() {
  local status=0
  (set -e && run_suite "$1") >"$logs/$1.job" 2>&1 </dev/null || status=$?
  ((status == 0)) || record "$1-ended-early" 0 1 >>"$logs/$1.job" 2>&1
}

# side_by_side COUNT SUITE...: so many at a time, in this order.
side_by_side() {
  local count=$1 pid suite
  local -A running=()
  shift
  for suite in "$@" ''; do
    while ((${#running[@]} >= (${#suite} ? count : 1))); do
      wait -n -p pid || true
      printf '\n--- %s ---\n' "${running[$pid]}"
      cat "$logs/${running[$pid]}.job"
      unset "running[$pid]"
    done
    [[ -z $suite ]] || {
      say "beginning $suite"
      run_job "$suite" &
      running[$!]=$suite
    }
  done
}

# Ends with Criterion's own lines, what failed, and the sum of everything, alone on the last line.
finish_results() {
  local failed
  failed=$(awk '$3 { printf " %s", $1 }' "$results")
  cat "$criterion"
  if [[ -n $failed ]]; then
    printf '\n--- what failed ---\n'
    cat "$failures"
    say "failed:$failed"
  fi
  awk '{ passed += $2; failed += $3 } END { print passed + 0 " passed, " failed + 0 " failed" }' \
    "$results"
  [[ -z $failed ]]
}
