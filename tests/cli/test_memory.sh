# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag memory

# A session of words with its memory, ended; its files are here.
record_words() {
  start_thagd
  THAG_PROFILER=memory,"$PWD" thag run --memory --quiet -- "$EXAMPLES/words" /usr/share/common-licenses/GPL-2 \
    >/dev/null 2>&1
  until_true field_is state ended
}

test_memory_tells_totals_sizes_and_places() {
  record_words
  expect_status 0 thag memory latest --json
  cp out all.json
  python3 -c 'import json
m = json.load(open("all.json"))
assert sum(s["count"] for s in m["sizes"]) == m["allocations"] > 1000, m["sizes"]
assert sum(s["bytes"] for s in m["sizes"]) == m["allocated_bytes"]
assert len(m["sizes"]) == 7' || fail "sizes don't add up"
  expect_status 0 thag memory latest --top 2
  local allocations
  allocations=$(python3 -c 'import json; print(json.load(open("all.json"))["allocations"])')
  grep -qE "^  allocated +[0-9.]+K in $allocations allocations$" out || fail "$(cat out)"
  (($(grep -cE '^ *(0-64|65-256|257-1K|1K-4K|4K-16K|16K-64K|>64K) ' out) == 7)) || fail "$(cat out)"
  grep -qE ' add_place words.c:[0-9]+$' out || fail "$(cat out)"
  (($(sed -n '/ALLOCATED AT/,/^$/p' out | grep -c ' words.c:') == 2)) || fail "$(cat out)"
  # the longest bar is of the class that has most
  LC_ALL=C.UTF-8 thag memory latest >bars
  grep -qE '^ +0-64 +[0-9]+ +████████████████████  ' bars || fail "$(cat bars)"
  LC_ALL=C thag memory latest >bars
  grep -qE '^ +0-64 +[0-9]+ +####################  ' bars || fail "$(cat bars)"
}

test_memory_of_a_report_is_that_of_the_session() {
  record_words
  local file
  thag memory latest | sed 1d >expected
  for file in ./*.json ./*-memory.folded ./*-memory_detail.folded; do
    expect_status 0 thag memory "$file"
    [[ $(head -n 1 out) == words ]] || fail "$(head -n 1 out)"
    sed 1d out | cmp - expected || fail "$file: $(diff out expected)"
  done
}

test_memory_says_what_is_missing() {
  start_with_session
  expect_status 1 thag memory latest
  one_line err 'memory was not recorded'
  expect_status 0 thag export latest --format memory
  one_line out '^null$'
  printf '{"program": 3}' >no.json
  expect_status 1 thag memory no.json
  one_line err 'is no report'
  printf 'a 1\n' >a.folded
  expect_status 1 thag memory a.folded
  one_line err 'a.json: No such file'
  expect_status 2 thag memory -
  expect_status 2 thag memory
  expect_status 2 thag memory 1 2
  expect_status 4 thag memory 77
}
