# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag diff

# What inferno-diff-folded makes of two files, after its description; its lines are in no order.
inferno_diff() {
  python3 - "$@" <<'PY'
import re, sys
options, (before, after) = sys.argv[1:-2], sys.argv[-2:]
counts, totals = {}, [0, 0]
for side, name in enumerate((before, after)):
    for line in open(name, "rb").read().splitlines(keepends=True):
        line = line.decode("utf-8", errors="replace")
        at = line.rfind(" ")
        number = re.fullmatch(r"(\d+)(\.\d*)?", line[at + 1:].rstrip()) if at >= 0 else None
        if not number:
            continue
        stack = line[:at].rstrip()
        if "--strip-hex" in options:
            stack = re.sub("0x[0-9a-fA-F]+", "0x...", stack)
        counts.setdefault(stack, [0, 0])[side] += int(number[1])
        totals[side] += int(number[1])
for stack, (first, second) in counts.items():
    if "--normalize" in options and totals[0] != totals[1]:
        first = int(float(first) * float(totals[1]) / float(totals[0]))
    sys.stdout.buffer.write(f"{stack} {first} {second}\n".encode())
PY
}

# make_stacks SEED: folded stacks at random, some odd.
make_stacks() {
  python3 - "$1" <<'PY'
import random, sys
random.seed(int(sys.argv[1]))
names = ["main", "a", "b()", "std::map<int, int>", "0x7ffe12", "x 0xfFz", "é", "w  ", "", "n 12"]
for _ in range(400):
    stack = ";".join(random.choice(names) for _ in range(random.randint(1, 6)))
    number = random.choice(["%d", "%d", "%d.0", "%d.75", "%d "]) % random.randint(0, 10**random.randint(0, 15))
    sys.stdout.buffer.write((stack + random.choice([" ", "  "]) + number + "\n").encode())
sys.stdout.buffer.write(b"bad line\nbytes\xff\xfe;\xe2\x82 5\nlast 7")
PY
}

test_diff_folded_is_what_inferno_makes() {
  local seed option
  for seed in 1 2 3 4; do
    make_stacks "$seed" >before.folded
    make_stacks "$((seed + 100))" >after.folded
    for option in '' --normalize --strip-hex; do
      # shellcheck disable=SC2086 # an option or none
      expect_status 0 thag diff before.folded after.folded --format folded $option
      # shellcheck disable=SC2086
      inferno_diff $option before.folded after.folded | LC_ALL=C sort >expected
      cmp expected out || fail "seed $seed $option: $(diff expected out | head -n 4)"
      (($(wc -l <out) > 300)) || fail "only $(wc -l <out) lines"
      if command -v inferno-diff-folded >/dev/null; then
        # shellcheck disable=SC2086
        inferno-diff-folded $option before.folded after.folded 2>/dev/null | LC_ALL=C sort >expected
        cmp expected out || fail "inferno, seed $seed $option: $(diff expected out | head -n 4)"
      fi
    done
  done
}

test_diff_lists_what_changed_most_first() {
  printf 'm;a 10\nm;b 5\nm;s 3\n' >b.folded
  printf 'm;a 12\nm;c;d 6\nm;s 3\n' >a.folded
  expect_status 0 thag diff b.folded a.folded --format csv
  [[ $(head -n 5 out | paste -sd' ') == \
    'function,before,after,change,relative "d",0,6,6, "b",5,0,-5,-1.000000 "a",10,12,2,0.200000 "c",0,0,0,0.000000' ]] ||
    fail "$(cat out)"
  expect_status 0 thag diff b.folded a.folded --format csv --sort relative --top 2
  [[ $(cut -d, -f 1 out | paste -sd' ') == 'function "d" "b"' ]] || fail "$(cat out)"
  expect_status 0 thag diff b.folded a.folded --format csv --stacks --filter '^c$'
  [[ $(sed 1d out | cut -d, -f 1-3 | paste -sd' ') == '"m;c;d",0,6 "m;c",0,0' ]] || fail "$(cat out)"
  expect_status 0 thag diff b.folded a.folded --format csv --measure total --sort name
  [[ $(sed 1d out | cut -d, -f 1-3 | paste -sd' ') == '"a",10,12 "b",5,0 "c",0,6 "d",0,6 "m",18,21 "s",3,3' ]] ||
    fail "$(cat out)"
  expect_status 0 thag diff b.folded a.folded
  grep -q '^+3 in all, +16.7%; 3 of 6 functions changed$' out || fail "$(cat out)"
  grep -qE '^ *0 +6 +\+6 +new  d$' out || fail "$(cat out)"
}

test_diff_draws_both() {
  printf 'm;a 10\nm;b 30\n' >b.folded
  printf 'm;a 60\nm;c 20\n' >a.folded
  expect_status 0 thag diff b.folded a.folded --format svg -o d.svg
  python3 - <<'PY' || fail "$(cat d.svg)"
import xml.etree.ElementTree as tree
text = "".join(tree.parse("d.svg").getroot().itertext())
assert "b.folded → a.folded" in text, text[:400]
for name in ("a", "b", "c"):
    assert name in text
PY
  expect_status 2 thag diff b.folded a.folded --format svg --stacks
}

test_diff_normalised_has_equal_sums() {
  printf 'm;a 10\nm;b 30\n' >b.folded
  printf 'm;a 60\nm;b 20\n' >a.folded
  expect_status 0 thag diff b.folded a.folded --normalise --format json
  python3 -c 'import json
d = json.load(open("out"))
rows = {r["function"]: r for r in d["rows"]}
assert d["scale"] == 2 and rows["a"]["before"] == 20 and rows["b"]["change"] == -40, d
assert sum(r["before"] for r in d["rows"]) == sum(r["after"] for r in d["rows"]) == 80' ||
    fail "$(cat out)"
}

test_diff_fails_above_a_limit() {
  printf 'm;a 100\nm;b 100\n' >b.folded
  printf 'm;a 130\nm;b 80\n' >a.folded
  expect_status 0 thag diff b.folded a.folded --fail-above 5%
  expect_status 7 thag diff b.folded a.folded --fail-above 4.9%
  one_line err '^thag diff: in all: from 200 to 210, \+5.0%: more than 4.9%$'
  [[ -s out ]] || fail "no table"
  expect_status 7 thag diff b.folded a.folded --fail-above 5% --of b --of a
  one_line err '^thag diff: a: from 100 to 130'
  expect_status 7 thag diff a.folded b.folded --fail-above 5% --normalise --of b
  expect_status 0 thag diff a.folded b.folded --fail-above 5% --of a
  expect_status 1 thag diff a.folded b.folded --fail-above 5% --of nowhere
  expect_status 0 thag diff b.folded b.folded --fail-above 0%
  expect_status 7 thag diff b.folded a.folded --fail-above 0% -o table
  [[ -s table && ! -s out ]] || fail "the file isn't written"
}

test_diff_of_sessions() {
  start_with_session nqueens 6
  expect_status 0 thag diff latest latest --format csv
  ! sed 1d out | grep -v ',0,0.000000$' || fail "differs from itself"
  "$EXAMPLES/nqueens" 7 >/dev/null 2>&1
  until_true ended_are 2
  expect_status 0 thag diff 1 2 --measure calls --format csv
  local before after
  IFS=, read -r _ before after _ < <(grep '^"place_row",' out)
  ((before > 0 && after > before)) || fail "$before, $after"
  expect_status 0 thag diff 1 2 --format folded
  thag export 1 >1.folded
  thag export 2 >2.folded
  expect_status 0 thag diff 1.folded 2.folded --format folded
  grep -qE '^main;place_row [0-9]+ [0-9]+$' out || fail "$(head -n 3 out)"
}

test_diff_tells_what_is_wrong() {
  local arguments
  printf 'a 1\n' >f.folded
  printf 'x\na 1\n' >bad.folded
  for arguments in '' f.folded 'f.folded f.folded f.folded' '- -' 'f.folded f.folded --sort speed' \
    'f.folded f.folded --fail-above 5' 'f.folded f.folded --of a' 'f.folded f.folded --format pdf' \
    'f.folded f.folded --format folded --top 3' 'f.folded f.folded --strip-hex' \
    'f.folded f.folded --measure heat'; do
    # shellcheck disable=SC2086 # words
    expect_status 2 thag diff $arguments
    one_line err "see 'thag help diff'"
  done
  expect_status 1 thag diff f.folded nothing.folded
  one_line err 'nothing.folded: No such file'
  expect_status 1 thag diff f.folded nothing.folded --format folded
  one_line err 'nothing.folded: No such file'
  expect_status 0 thag diff f.folded bad.folded --format folded
  one_line err 'bad.folded: line 1: .*; left out$'
  expect_status 1 thag diff f.folded bad.folded --format folded --strict
  one_line err 'bad.folded: line 1: '
  mkdir s && printf '{"program": "p"}' >s/p.json && printf 'a 1\n' >s/p-memory.folded && cp f.folded s/p.folded
  expect_status 1 thag diff s/p.folded s/p-memory.folded
  one_line err 'one counts ns and the other bytes'
}
