# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag import

# Stacks in no order, some of them twice, values of any size.
write_stacks() {
  cat >"$1" <<'END'
main;parse token;a 9223372036854775807
main;b 20
main 3
main;b 1
work;operator()<int>;x:y 7
END
}

test_import_folded_is_sorted_and_summed() {
  write_stacks all.folded
  expect_status 0 thag import all.folded
  printf '%s\n' 'main 3' 'main;b 21' 'main;parse token;a 9223372036854775807' \
    'work;operator()<int>;x:y 7' >want
  cmp out want || fail "$(cat out)"
  expect_status 0 thag import want
  cmp out want || fail "again: $(cat out)"
}

test_import_pprof_gives_back_the_stacks() {
  write_stacks all.folded
  thag import all.folded >want
  expect_status 0 thag import all.folded --to pprof -o all.pb.gz
  expect_status 0 thag import all.pb.gz
  cmp out want || fail "$(cat out)"
  gunzip <all.pb.gz >all.pb
  expect_status 0 thag import all.pb
  cmp out want || fail "plain: $(cat out)"
  expect_status 0 thag import - <all.pb.gz
  cmp out want || fail "of stdin: $(cat out)"
  expect_status 0 thag import all.pb.gz --value calls
  [[ ! -s out ]] || fail "calls that nobody knows of: $(cat out)"
  expect_status 1 thag import all.pb.gz --value alloc_space
  one_line err "all.pb.gz: no value 'alloc_space': it has calls, time$"
}

test_import_of_exports_is_the_folded_stacks() {
  start_with_session
  local format
  expect_status 0 thag export latest --raw -o all.folded
  for format in pprof chrome; do
    thag export latest --raw --format $format -o all.$format
    expect_status 0 thag import all.$format -o all.$format.folded
    # each of many calls begins and ends at a whole nanosecond
    equal_stacks all.$format.folded all.folded 20
  done
}

test_import_chrome_is_what_pprof_is_of_the_same() {
  cat >all.json <<'END'
{"displayTimeUnit": "ns", "traceEvents": [
{"name": "a", "ph": "B", "ts": 1, "pid": 1, "tid": "x"},
{"name": "b;c", "ph": "X", "ts": 2, "dur": 3.25, "pid": 1, "tid": "x"},
{"ph": "E", "ts": 11, "pid": 1, "tid": "x"}],
"otherData": {"deep": [[[{}]]]}}
END
  expect_status 0 thag import all.json
  [[ $(cat out) == $'a 6750\na;b:c 3250' ]] || fail "$(cat out)"
  expect_status 0 thag import all.json --to pprof -o all.pb.gz
  "$TESTS/../support/pprof_text.py" calls all.pb.gz >got || fail "not the format"
  [[ $(cat got) == $'a 1\na;b;c 1' ]] || fail "$(cat got)"
}

# perf itself, where it is and may measure.
test_import_perf_script() {
  if ! command -v perf >/dev/null || ! perf record -q -F 4999 -g -o perf.data -- \
    "$EXAMPLES/treestat-plain" --repeat 20 --top 1 /usr/include/linux >/dev/null 2>&1; then
    return 0
  fi
  perf script -i perf.data >all.perf 2>/dev/null
  expect_status 0 thag import all.perf --value samples
  [[ $(sum_of out) == $(grep -c '^[^[:space:]#]' all.perf) ]] || fail "$(sum_of out) samples"
  grep -q '^treestat-plain;.*split_words' out || fail "$(head -n 5 out)"
  expect_status 0 thag import - --from perf <all.perf
  [[ $(sum_of out) == $(sed -n 's/.*: *\([0-9]*\) [^ ]*: *$/\1/p' all.perf | awk '{ s += $1 } END { printf "%.0f\n", s }') ]] ||
    fail "$(sum_of out) of the periods"
}

test_import_says_what_is_wrong() {
  printf '\x1f\x8b\x08\x00' >cut.pb.gz
  expect_status 1 thag import cut.pb.gz
  one_line err '^thag import: cut.pb.gz: byte 4: the gzip file is cut short there$'
  echo '[{"ph":"X","ts":"1"}]' >bad.json
  expect_status 1 thag import bad.json
  one_line err 'event 1 \(byte [0-9]+\): its ts is no number'
  echo '{"traceEvents":[{"a":1}}' >bad.json
  expect_status 1 thag import bad.json
  one_line err 'byte 23: a comma is expected there'
  echo 'no number' >bad.folded
  expect_status 1 thag import bad.folded
  expect_status 1 thag import bad.folded --strict
  expect_status 1 thag import bad.folded --from perf
  one_line err 'line 1: neither a sample nor a frame'
  expect_status 1 thag import no-such-file
  one_line err 'no-such-file: No such file or directory'
  expect_status 1 thag import bad.folded --value time
  write_stacks all.folded
  expect_status 1 thag import all.folded -o no/such/file
  one_line err "can't be written: No such file"
}

test_import_usage_errors_are_2() {
  local arguments
  for arguments in '' 'a b' 'a --from svg' 'a --to chrome' 'a --frob' 'a -o'; do
    # shellcheck disable=SC2086 # words
    expect_status 2 thag import $arguments
    one_line err "see 'thag help import'"
  done
}

# Who looks at a terminal is told that it goes on; who doesn't, isn't.
test_import_says_that_it_goes_on() {
  mkfifo slow
  (
    echo 'm;a 1'
    sleep 2.5
    echo 'm;b 2'
  ) >slow &
  script -qec "'$THAG_BUILD/tools/thag' import slow -o out.folded" typescript >/dev/null
  [[ $(cat out.folded) == $'m;a 1\nm;b 2' ]] || fail "$(cat out.folded)"
  grep -q 'importing: 1 s' typescript || fail "$(cat typescript)"
  [[ $(tail -c +1 typescript | tr -d '\n' | grep -o $'\r\e\\[K.*' | tail -n 1) != *importing* ]] || fail "it stays"
  (
    echo 'm;a 1'
    sleep 1.2
  ) >slow &
  expect_status 0 thag import slow
  [[ ! -s err ]] || fail "$(cat err)"
}
