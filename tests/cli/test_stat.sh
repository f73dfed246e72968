# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag stat, thag top

# What a session, or a file, comes to as CSV: "function field field…" of some columns, sorted.
columns_of() {
  python3 - "$@" <<'PY'
import csv, sys
file, *names = sys.argv[1:]
for row in csv.DictReader(open(file, encoding="utf-8", errors="surrogateescape", newline="")):
    print(*(row[name] for name in names))
PY
}

test_stat_is_the_folded_stacks() {
  start_with_session treestat --seconds 1 --top 1 /usr/include
  expect_status 0 thag export latest -o all.folded
  expect_status 0 thag stat latest --csv --sort name
  cp out time.csv
  # what awk makes of the lines: self by last frame
  awk '{ n = $NF; sub(/ [0-9]*$/, ""); k = split($0, frames, ";"); s[frames[k]] += n }
    END { for (f in s) printf "%s %.0f\n", f, s[f] }' all.folded | LC_ALL=C sort >expected
  columns_of time.csv function self | awk '$NF > 0' | LC_ALL=C sort >found
  diff expected found || fail "self times differ from the folded ones"
  # and the same of the file itself
  expect_status 0 thag stat all.folded --csv --sort name
  columns_of out function self | awk '$NF > 0' | LC_ALL=C sort >found
  diff expected found || fail "self times of the file differ"
  [[ -z $(columns_of out calls | tr -d '\n') ]] || fail "a file knows no calls"
}

test_stat_counts_calls_and_recursion_once() {
  start_with_session nqueens 7
  expect_status 0 thag stat latest --csv
  local total calls main
  read -r calls total < <(columns_of out function calls total | sed -n 's/^place_row //p')
  read -r main < <(columns_of out function total | sed -n 's/^main //p')
  ((calls > 100)) || fail "$calls calls"
  ((total > 0 && total <= main)) || fail "place_row has $total in main's $main"
  [[ $(thag list --json | sed -n 's/^ *"calls": \([0-9]*\),$/\1/p' | head -n 1) == \
    $(columns_of out calls | sum_of) ]] || fail "calls differ from those of the list"
}

test_stat_percentiles_lie_between_least_and_most() {
  start_with_session treestat --seconds 1 --top 1 /usr/include
  local stacks
  for stacks in '' --stacks; do
    # shellcheck disable=SC2086 # an option or none
    expect_status 0 thag stat latest --csv $stacks
    columns_of out calls min p50 p90 p99 max mean >numbers
    (($(wc -l <numbers) > 5)) || fail "$(wc -l <numbers) rows"
    awk '$1 && !($2 <= $3 && $3 <= $4 && $4 <= $5 && $5 <= $6 && $7 <= $6 + 1) { exit 1 }' \
      numbers || fail "out of order: $(cat numbers)"
    awk '$3 < $6 { seen = 1 } END { exit !seen }' numbers || fail "no row has a spread"
  done
}

# The first column of CSV.
names() { cut -d, -f 1 | tr -d '"' | paste -sd' '; }

test_stat_orders_filters_and_cuts() {
  printf 'm;b 5\nm;a 7\nm;c;a 1\nm 2\n' >f.folded
  [[ $(thag stat f.folded --csv | names) == 'function a b m c' ]] ||
    fail "by self: $(thag stat f.folded --csv)"
  [[ $(thag stat f.folded --csv -s total | names) == 'function m a b c' ]] ||
    fail "by total: $(thag stat f.folded --csv -s total)"
  [[ $(thag stat f.folded --csv -s name -n 2 | names) == 'function a b' ]] ||
    fail "by name, cut: $(thag stat f.folded --csv -s name -n 2)"
  [[ $(thag stat f.folded --csv -F '^[bc]$' | names) == 'function b c' ]] ||
    fail "filtered: $(thag stat f.folded --csv -F '^[bc]$')"
  [[ $(thag stat f.folded --csv -S -F '^c$' | names) == 'stack m;c;a m;c' ]] ||
    fail "stacks: $(thag stat f.folded --csv -S -F '^c$')"
}

# self_of OPTION...: of each function that has any, in f.folded.
self_of() {
  thag stat f.folded --csv --sort name "$@" | cut -d, -f 1,5 | tr -d '"' | grep -v ',0$' | sed 1d |
    paste -sd' '
}

test_stat_leaves_out_what_the_filters_say() {
  printf 'm 1\nm;a 2\nm;a;b 4\nm;c 8\n' >f.folded
  [[ $(self_of) == 'a,2 b,4 c,8 m,1' ]] || fail "all: $(self_of)"
  [[ $(self_of --without a) == 'c,8 m,1' ]] || fail "without: $(self_of --without a)"
  [[ $(self_of --without-own a) == 'b,4 c,8 m,1' ]] || fail "own: $(self_of --without-own a)"
  [[ $(self_of --hide a) == 'b,4 c,8 m,3' ]] || fail "hide: $(self_of --hide a)"
  [[ $(self_of --only a) == 'a,2 b,4' ]] || fail "only: $(self_of --only a)"
  [[ $(self_of --only '/^[bc]/' --without b) == 'c,8' ]] || fail "both"
  start_with_session
  expect_status 0 thag stat latest --csv --only place_row
  [[ ! -s err ]] || fail "$(cat err)"
  [[ $(self_of --at-least 4) == 'b,4 c,8' ]] || fail "at least: $(self_of --at-least 4)"
  expect_status 0 thag stat f.folded --csv --only nowhere
  one_line err 'nowhere: no function is called that'
  (($(wc -l <out) == 1)) || fail "$(cat out)"
  expect_status 2 thag stat f.folded --only '/a(/'
  one_line err '/a\(/: .*behind its byte'
}

test_stat_tells_malformed_lines_by_their_numbers() {
  printf 'm;a 1\nwhat\nm;b 2\nm;c -1\nm;d 99999999999999999999\n' >bad.folded
  expect_status 0 thag stat bad.folded --csv
  (($(wc -l <err) == 3)) || fail "$(cat err)"
  grep -q '^thag stat: bad.folded: line 2: no number at its end; left out$' err || fail "$(cat err)"
  grep -q 'line 4: its number is negative' err || fail "$(cat err)"
  grep -q 'line 5: its number is larger than 2^64 - 1' err || fail "$(cat err)"
  [[ $(columns_of out function self | paste -sd, ) == 'b 2,a 1,m 0' ]] || fail "$(cat out)"
  expect_status 1 thag stat bad.folded --strict
  one_line err 'line 2: no number at its end$'
  [[ ! -s out ]] || fail "$(cat out)"
  seq 100 | sed 's/^/x/' >none.folded
  expect_status 1 thag stat none.folded
  (($(wc -l <err) == 7)) || fail "$(cat err)"
  grep -q '95 more lines are malformed' err || fail "$(cat err)"
  tail -n 1 err | grep -q 'has no folded stacks' || fail "$(cat err)"
}

test_stat_refuses_what_only_is_named_like_a_recording() {
  seq 100 >none.thag
  expect_status 1 thag stat none.thag
  one_line err 'none.thag: not a recording of thag'
}

test_stat_has_names_of_any_bytes() {
  printf 'a,"b";\xff\x1b[31m 1\nsp ace;x 9223372036854775808\nmy-program;f 3\n' >odd.folded
  expect_status 0 thag stat odd.folded --csv
  columns_of out function self >rows
  grep -qx 'x 9223372036854775808' rows || fail "$(cat rows)"
  grep -qx 'a,"b" 0' rows || fail "$(cat rows)"
  grep -qx 'my-program 0' rows || fail "$(cat rows)"
  expect_status 0 thag stat odd.folded --json
  python3 -c 'import json, sys; rows = json.load(open("out", encoding="utf-8"))["rows"]
assert any(r["self"] == 2**63 for r in rows) and len(rows) == 6, rows' || fail "$(cat out)"
  expect_status 0 thag stat odd.folded
  ! grep -q $'\e' out || fail "an escape reaches the terminal"
}

test_stat_reads_stdin_and_headers() {
  printf '\xef\xbb\xbf# Time Profile\r\n# Program: x\r\nm;a 5\r\n' | thag stat - >out || fail "status $?"
  head -n 1 out | grep -q '^Time Profile: 5, 2 functions$' || fail "$(cat out)"
  : >empty.folded
  expect_status 0 thag stat empty.folded
  grep -q '^empty.folded: 0, 0 functions$' out || fail "$(cat out)"
}

test_stat_has_memory_of_each_function() {
  start_thagd
  thag run --memory --quiet -- "$EXAMPLES/treestat" --seconds 1 --top 1 /usr/include >/dev/null 2>&1
  until_true field_is state ended
  expect_status 0 thag export latest --metric allocated --by calls -o memory.folded
  expect_status 0 thag stat latest --csv --stacks
  # a stack's bytes are with what it calls: those of the outermost frames are all
  local all found
  all=$(sum_of memory.folded)
  found=$(columns_of out stack allocated_bytes | grep -v ';' | sum_of)
  ((all > 0 && found == all)) || fail "$found bytes, $all folded"
  expect_status 0 thag stat latest --memory --sort allocated
  grep -q 'ALLOCATED.*LEAKED' out || fail "$(cat out)"
}

test_stat_opens_recordings() {
  start_thagd
  thag run --quiet -o nq.thag -- "$EXAMPLES/nqueens" >/dev/null 2>&1
  until_true field_is state ended
  thag export latest >live.folded
  thag forget latest || fail "not forgotten"
  expect_status 0 thag stat nq.thag --csv
  [[ $(columns_of out self | sum_of) == "$(sum_of live.folded)" ]] || fail "$(cat out)"
}

test_stat_of_a_range_and_of_a_thread() {
  start_with_session treestat --seconds 1 --threads 2 --top 1 /usr/include
  expect_status 0 thag export latest --from 0.2 --to 0.6 -o range.folded
  expect_status 0 thag stat latest --from 0.2 --to 0.6 --csv --stacks
  [[ $(columns_of out self | sum_of) == "$(sum_of range.folded)" ]] || fail "another range"
  columns_of out calls p50 max | awk '$1 > 1 && $2 > 0 && $2 < $3 { seen = 1 } END { exit !seen }' ||
    fail "no percentiles of stacks in a range"
  local thread
  thread=$(thag list --json | sed -n 's/^ *"tid": \([0-9]*\),$/\1/p' | tail -n 1)
  expect_status 0 thag export latest --thread "$thread" -o thread.folded
  expect_status 0 thag stat latest --thread "$thread" --csv
  [[ $(columns_of out self | sum_of) == "$(sum_of thread.folded)" ]] || fail "another thread"
}

test_stat_usage_errors_are_2() {
  local arguments
  printf 'a 1\n' >f.folded
  for arguments in '' 'f.folded f.folded' 'f.folded --sort speed' 'f.folded --top x' 'f.folded --thread 1' \
    'f.folded --metric live' 'f.folded --metric heat' 'f.folded --frob' 'f.folded --at-least -1' \
    'latest --from 2 --to 1' 'latest --by calls' 'latest --metric live --raw' '--filter ( f.folded'; do
    # shellcheck disable=SC2086 # words
    expect_status 2 thag stat $arguments
    one_line err "see 'thag help stat'"
  done
}

test_stat_tells_what_is_not_there() {
  expect_status 1 thag stat nothing.folded
  one_line err 'nothing.folded: No such file'
  expect_status 1 thag stat .
  one_line err 'Is a directory'
  expect_status 3 thag stat latest
  start_thagd
  expect_status 4 thag stat 77
  "$EXAMPLES/nqueens" >/dev/null 2>&1
  until_true field_is state ended
  expect_status 4 thag stat latest --thread 1999999999
  one_line err 'thread 1999999999 of that session has no profile'
}

test_top_looks_again() {
  start_thagd
  run_treestat
  expect_status 0 thag top -n 2 -d 0.2
  (($(grep -c 's of all threads, ' out) == 2)) || fail "$(cat out)"
  local first second
  first=$(sed -n 's/.* functions, \([0-9.]*[KMG]*\) calls.*/\1/p' out | head -n 1)
  second=$(sed -n 's/.* functions, \([0-9.]*[KMG]*\) calls.*/\1/p' out | tail -n 1)
  [[ $first != "$second" ]] || fail "nothing new: $first"
  kill "${pid:?}"
}

test_top_leaves_the_terminal_as_it_was() {
  start_thagd
  run_treestat
  (
    sleep 0.7
    printf t
    sleep 0.7
    printf q
  ) | script -qec "stty rows 24 cols 80; '$THAG_BUILD/tools/thag' top -d 0.2; stty -a" typescript >/dev/null
  kill "${pid:?}"
  grep -qE '[^-]icanon' typescript || fail "$(tail -n 8 typescript)"
  grep -qE '[^-]echo ' typescript || fail "$(tail -n 8 typescript)"
  grep -q 'SHARE.*TOTAL.*FUNCTION' typescript || fail "$(cat typescript)"
  ! sed 's/\x1b\[[?0-9;]*[a-zA-Z]//g' typescript | tr -d '\r' | grep -v '^speed\|^Script' |
    awk 'length($0) > 80 { found = 1 } END { exit !found }' || fail "a line is too long"
}
