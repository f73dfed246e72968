# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag export to formats of other tools: each beside the folded stacks of the same session, as
# another reader than ours sees it

# Of the same moment: a thagd that has just started still learns how long a tick is, so values of
# two exports may differ in their last digits. equal_stacks A B [PER_MILLE]: the same stacks, nearly
# the same values.
equal_stacks() {
  python3 - "$1" "$2" "${3:-1}" <<'END' || fail "$1 and $2 differ"
import sys
a, b = (dict(line.rsplit(b" ", 1) for line in open(path, "rb")) for path in sys.argv[1:3])
slack = int(sys.argv[3])
assert a, "nothing there"
for stack in a.keys() | b.keys():
    x, y = int(a.get(stack, 0)), int(b.get(stack, 0))
    assert abs(x - y) <= 2 + slack * max(x, y) // 1000 + (slack > 1) * 100, (stack, x, y)
END
}

pprof_of() { "$TESTS/../support/pprof_text.py" "$@"; }

test_export_pprof_is_the_folded_stacks() {
  start_with_session
  expect_status 0 thag export latest -o all.folded
  expect_status 0 thag export latest --format pprof -o all.pb.gz
  pprof_of all.pb.gz >all.got || fail "not the format"
  equal_stacks all.got all.folded
  pprof_of calls all.pb.gz >calls.got
  [[ $(awk '/^main /{ print $NF }' calls.got) == 1 ]] || fail "$(head -n 3 calls.got)"
}

test_export_pprof_labels_threads() {
  start_with_session treestat --seconds 1 --threads 3 --top 1 /usr/include
  expect_status 0 thag export latest --raw -o all.folded
  expect_status 0 thag export latest --raw --format pprof -o all.pb.gz
  pprof_of all.pb.gz >all.got || fail "not the format"
  equal_stacks all.got all.folded
  expect_status 4 thag export latest --thread 1999999999 --format pprof -o none
  [[ ! -e none ]] || fail "a file was written"
}

test_export_pprof_of_memory() {
  start_thagd
  thag run --memory --quiet -- python3 -c 'list(map(str, range(10000)))' >/dev/null 2>&1
  until_true field_is state ended
  expect_status 0 thag export latest --metric allocated -o space.folded
  expect_status 0 thag export latest --metric allocations -o objects.folded
  expect_status 0 thag export latest --metric allocated --format pprof -o all.pb.gz
  pprof_of alloc_space all.pb.gz >space.got || fail "not the format"
  equal_stacks space.got space.folded
  pprof_of alloc_objects all.pb.gz >objects.got
  equal_stacks objects.got objects.folded
}

# The table's stacks and their own time, as Python's reader of CSV finds them.
csv_of() {
  python3 - "$1" <<'END'
import csv, sys
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file, strict=True))
assert all(None not in row and None not in row.values() for row in rows)
own = next(column for column in rows[0] if column.startswith("self_") and column != "self_percent")
for row in rows:
    assert row["function"] == row["stack"].rsplit(";", 1)[-1]
    assert int(row[own]) <= int(row[own.replace("self", "total")])
    if int(row[own]):
        print(row["stack"], row[own])
assert abs(sum(float(row["self_percent"]) for row in rows) - 100) < 0.1
END
}

test_export_csv_is_the_folded_stacks() {
  start_with_session treestat --seconds 1 --threads 3 --top 1 /usr/include
  expect_status 0 thag export latest -o all.folded
  expect_status 0 thag export latest --format csv -o all.csv
  csv_of all.csv >all.got || fail "not the format"
  equal_stacks all.got all.folded
  grep -q '^"main","main",".*treestat.c",[1-9][0-9]*,1,' all.csv || fail "$(grep '^"main",' all.csv)"
  expect_status 4 thag export latest --thread 1999999999 --format csv -o none
  [[ ! -e none ]] || fail "a file was written"
}

test_export_csv_of_memory() {
  start_thagd
  thag run --memory --quiet -- python3 -c 'list(map(str, range(10000)))' >/dev/null 2>&1
  until_true field_is state ended
  local metric
  for metric in peak allocations; do
    expect_status 0 thag export latest --metric "$metric" -o all.folded
    expect_status 0 thag export latest --metric "$metric" --format csv -o all.csv
    csv_of all.csv >all.got || fail "not the format"
    equal_stacks all.got all.folded
  done
}

# Its command line says that it wants a node newer than Debian's; from 20 on it runs.
has_firefox_profiler() {
  (($(node --version | sed 's/^v\([0-9]*\).*/\1/') >= 20))
}

firefox_is_folded() {
  "$TESTS/../support/firefox_functions.py" "$1" | sed 's/ \([0-9]*\)$/;\1/' >got ||
    fail "the Firefox Profiler doesn't read it"
  "$TESTS/../support/firefox_functions.py" --folded "$2" | sed 's/ \([0-9]*\)$/;\1/' >want
  # NAME OWN;TOTAL
  equal_stacks <(sed 's/;.*//' got) <(sed 's/;.*//' want)
  equal_stacks <(sed 's/ [0-9]*;/ /' got) <(sed 's/ [0-9]*;/ /' want)
}

test_export_firefox_is_the_folded_stacks() {
  start_with_session treestat --seconds 1 --threads 3 --top 1 /usr/include
  expect_status 0 thag export latest --raw -o all.folded
  expect_status 0 thag export latest --raw --format firefox -o all.json
  python3 -c 'import json, sys; assert len(json.load(open("all.json"))["threads"]) > 2' ||
    fail "not each thread"
  expect_status 4 thag export latest --thread 1999999999 --format firefox -o none
  has_firefox_profiler || return 0
  firefox_is_folded all.json all.folded
}

test_export_firefox_of_memory() {
  start_thagd
  thag run --memory --quiet -- python3 -c 'list(map(str, range(10000)))' >/dev/null 2>&1
  until_true field_is state ended
  has_firefox_profiler || return 0
  local metric
  for metric in peak allocations; do
    expect_status 0 thag export latest --metric "$metric" -o all.folded
    expect_status 0 thag export latest --metric "$metric" --format firefox -o all.json
    firefox_is_folded all.json all.folded
  done
}

test_export_perfetto_is_the_folded_stacks() {
  start_with_session treestat --seconds 1 --threads 3 --top 1 /usr/include
  expect_status 0 thag export latest --raw -o all.folded
  expect_status 0 thag export latest --format perfetto --to 1000 -o all.trace
  "$TESTS/../support/perfetto_text.py" all.trace >all.got || fail "not the format"
  equal_stacks all.got all.folded 5 # single calls are rounded one by one
  expect_status 2 thag export latest --format perfetto --metric peak
  expect_status 4 thag export latest --thread 1999999999 --format perfetto -o none
  [[ ! -e none ]] || fail "a file was written"
}

# Tasks, marks, values and sections that cross: nothing that nests wrongly, all of them there.
test_export_perfetto_has_what_chrome_has() {
  start_with_session tasks/tasks-coroutines
  expect_status 0 thag export latest --format chrome -o all.json
  expect_status 0 thag export latest --format perfetto -o all.trace
  "$TESTS/../support/perfetto_text.py" --count all.trace >got || fail "not the format"
  python3 - >want <<'END'
import collections, json
events = json.load(open("all.json"))["traceEvents"]
print(sorted(collections.Counter(e["name"] for e in events if e["ph"] in "XbiC").items()))
END
  cmp got want || fail "$(cat got want)"
}
