# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The fuzz targets, tests/fuzz/fuzz_*.c; for dev, beside suites.sh and sanitizers.sh. What they find
# beyond the seeds in tests/fuzz/corpus/NAME/ stays in build-fuzz/corpus/NAME/, from which the next
# run goes on. An input that crashes one goes to tests/fuzz/crashes/NAME/, and is tried before
# anything else from then on.
: "${logs:?}" "${results:?}" "${fixed_layout:?}"
fuzz_round=600 # seconds, of a run for hours: then it is the next target's turn

fuzz_names() { (cd tests/fuzz && ls fuzz_*.c) | sed 's/^fuzz_\(.*\)\.c$/\1/'; }

fuzz_program() { find build-fuzz -type f -name "fuzz_$1" -perm -u+x | head -n 1; }

# Crashes of before.
fuzz_replay() {
  local name=$1 crashes
  crashes=$(find "tests/fuzz/crashes/$name" -type f 2>/dev/null)
  # shellcheck disable=SC2086 # their names are hashes
  [[ -z $crashes ]] || "${fixed_layout[@]}" "$(fuzz_program "$name")" -runs=1 \
    -rss_limit_mb=2048 -timeout=10 $crashes >"$logs/fuzz_$name.log" 2>&1
}

# fuzz_search NAME SECONDS
fuzz_search() {
  local name=$1 seconds=$2 found=build-fuzz/corpus/$1 new=build-fuzz/new/$1/
  rm -rf "$new"
  mkdir -p "$found" "$new"
  set -- "$found"
  [[ ! -d tests/fuzz/corpus/$name ]] || set -- "$@" "tests/fuzz/corpus/$name"
  "${fixed_layout[@]}" "$(fuzz_program "$name")" -max_total_time="$seconds" -rss_limit_mb=2048 \
    -timeout=10 -artifact_prefix="$new" -print_final_stats=1 "$@" >"$logs/fuzz_$name.log" 2>&1
}

# What to do with the input that crashed it.
fuzz_keep_crash() {
  local name=$1 crash
  crash=$(find "build-fuzz/new/$name" -type f 2>/dev/null | head -n 1)
  [[ -n $crash ]] || return 0
  mkdir -p "tests/fuzz/crashes/$name"
  cp "$crash" "tests/fuzz/crashes/$name/"
  crash=tests/fuzz/crashes/$name/${crash##*/}
  echo "  the input is kept in $crash; to see the crash again:"
  echo "    $(fuzz_program "$name") $crash"
  echo "  commit it with what mends it: each run begins with it from then on"
}

# fuzz_one NAME SECONDS: a line that says how it went.
fuzz_one() {
  local name=$1 log=$logs/fuzz_$1.log
  if [[ -z $(fuzz_program "$name") ]]; then
    echo "not ok $name: not built"
  elif ! fuzz_replay "$name"; then
    echo "not ok $name: crashes as it did before, see $log"
    tail -n 30 "$log"
  elif ! fuzz_search "$name" "$2"; then
    echo "not ok $name: see $log"
    tail -n 30 "$log"
    fuzz_keep_crash "$name"
  else
    echo "ok $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
  fi
}

# fuzz_all SECONDS COUNT: each target that long, so many at a time; "N passed, N failed".
fuzz_all() {
  local name
  rm -f "$logs"/fuzz_*.said
  for name in $(fuzz_names); do
    while (($(jobs -rp | wc -l) >= $2)); do
      wait -n || true
    done
    fuzz_one "$name" "$1" >"$logs/fuzz_$name.said" 2>&1 &
  done
  wait
  cat "$logs"/fuzz_*.said
  echo "$(cat "$logs"/fuzz_*.said | grep -c '^ok ') passed," \
    "$(cat "$logs"/fuzz_*.said | grep -c '^not ok ') failed"
}

# Beside other suites one at a time is enough.
test_fuzz() {
  local began=$SECONDS
  CC=clang CXX=clang++ programs='tests/fuzz/[^/ ]+' \
    try_build build-fuzz -Doptimization=1 -Dfuzz=true -Db_lundef=false || return 0
  fuzz_all "${1:-10}" "${2:-1}" >"$logs/fuzz.log"
  cat "$logs/fuzz.log"
  record_log fuzz "$logs/fuzz.log" 0 $((SECONDS - began))
}

# fuzz_hours HOURS: of this machine, spread over all targets in rounds.
fuzz_hours() {
  local rounds round targets
  targets=$(fuzz_names | wc -l)
  rounds=$(awk -v hours="$1" -v cores="$(nproc)" -v targets="$targets" -v round="$fuzz_round" \
    'BEGIN { rounds = hours * 3600 * cores / targets / round; print rounds < 1 ? 1 : int(rounds + 0.5) }')
  for ((round = 1; round <= rounds; round++)); do
    say "round $round of $rounds, $((fuzz_round / 60)) minutes a target"
    test_fuzz "$fuzz_round" "$(nproc)"
    [[ -z $(awk '$3' "$results") ]] || return 0
  done
}
