# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0

# boxes_of FILE: a line a box, `PATH START WIDTH`, read by a parser of XML; where its rectangle isn't
# as wide as its share, and where it isn't where its start is, the line says so.
boxes_of() {
  python3 - "$1" <<'END'
import sys, xml.etree.ElementTree as tree
SVG = "{http://www.w3.org/2000/svg}"
frames = tree.parse(sys.argv[1]).getroot().find(f"{SVG}g[@id='frames']")
path, total = [], None
for group in frames.findall(SVG + "g"):
    start, width, depth = (int(group.get("data-" + key)) for key in "swd")
    total = width if total is None else total
    name = group.find(SVG + "title").text.split("\n")[0]
    path = path[:depth] + [name]
    rect = group.find(SVG + "rect")
    x, across = (float(rect.get(key).rstrip("%")) for key in ("x", "width"))
    fault = " misplaced" if abs(x - 1 - 98 * start / total) > 1e-4 else ""
    fault += " ill-sized" if abs(across - 98 * width / total) > 1e-4 else ""
    print(";".join(path), start, width, fault, sep=" ")
END
}

# text_of FILE ID: of the element that has that ID, its title without a cut.
text_of() {
  python3 - "$@" <<'END'
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
print(next(e for e in root.iter() if e.get("id") == sys.argv[2])[0].text)
END
}

write_sample() {
  cat >sample.folded <<'END'
main;parse;lex 300
main;parse 100
main;parse;lex;lex 50
main 50
work 500
END
}

test_svg_has_the_numbers_of_the_folded_file() {
  write_sample
  expect_status 0 thag svg sample.folded -o sample.svg
  [[ ! -s out && ! -s err ]] || fail "it said: $(cat out err)"
  diff - <(boxes_of sample.svg) <<'END' || fail "other boxes"
all 0 1000 
all;main 0 500 
all;main;parse 0 450 
all;main;parse;lex 0 350 
all;main;parse;lex;lex 0 50 
all;work 500 500 
END
  [[ $(text_of sample.svg title) == 'Flame graph' ]] || fail "$(text_of sample.svg title)"
  [[ $(text_of sample.svg subtitle) == sample.folded ]] || fail "$(text_of sample.svg subtitle)"
}

# Of a program, each stack's total as awk adds it up is the width of a box.
test_svg_of_a_session_and_of_its_folded_export_are_the_same() {
  start_thagd
  "$EXAMPLES/nqueens" >/dev/null 2>&1
  until_true field_is state ended
  expect_status 0 thag export latest --raw -o raw.folded
  expect_status 0 thag svg latest --raw --min-width 0 -o session.svg
  awk '{ n = $NF; sub(/ [0-9]+$/, ""); k = split($0, f, ";"); p = "";
         for (i = 1; i <= k; i++) { p = p ";" f[i]; sum[p] += n } }
       END { for (p in sum) if (sum[p]) printf "%s %.0f\n", p, sum[p] }' raw.folded |
    LC_ALL=C sort >expected
  boxes_of session.svg | sed -E '1d; s/^[^;]*//; s/ [0-9]+ ([0-9]+) $/ \1/' |
    LC_ALL=C sort >got
  (($(wc -l <expected) > 5)) || fail "only $(wc -l <expected) stacks"
  diff expected got || fail "the picture has other numbers"
  [[ $(text_of session.svg subtitle) == 'nqueens, latest session' ]] ||
    fail "$(text_of session.svg subtitle)"
}

test_svg_is_the_same_each_time() {
  write_sample
  local type
  for type in flamegraph icicle flamechart; do
    thag svg sample.folded --type "$type" >one.svg || fail "$type fails"
    thag svg sample.folded --type "$type" >two.svg
    cmp one.svg two.svg || fail "two pictures of one $type"
  done
  tac sample.folded | thag svg - --subtitle '' >one.svg
  thag svg - --subtitle '' <sample.folded >two.svg
  cmp one.svg two.svg || fail "the order of lines matters"
}

test_svg_flamechart_has_the_order_of_the_lines() {
  printf '%s\n' 'm;a 5' 'm;a;b 6' 'm;a 7' 'm;c 1' 'm;a 2' 'n 3' >chart.folded
  expect_status 0 thag svg chart.folded -t flamechart -o chart.svg
  diff - <(boxes_of chart.svg) <<'END' || fail "other boxes"
all 0 24 
all;m 0 21 
all;m;a 0 18 
all;m;a;b 5 6 
all;m;c 18 1 
all;m;a 19 2 
all;n 21 3 
END
}

test_svg_flamechart_leaves_out_functions() {
  printf '%s\n' 'm;a 5' 'm;a;b 6' 'm;c 1' 'm;a;b;d 2' 'n 3' >chart.folded
  expect_status 0 thag svg chart.folded -t flamechart --hide a --without '/^[cn]$/' -o chart.svg
  [[ $(boxes_of chart.svg | xargs) == 'all 0 13 all;m 0 13 all;m;b 5 6 all;m;b 11 2 all;m;b;d 11 2' ]] ||
    fail "$(boxes_of chart.svg)"
  expect_status 0 thag svg chart.folded -t flamechart --only b --only nothing -o chart.svg
  one_line err 'nothing: no function is called that'
  [[ $(boxes_of chart.svg | head -n 1) == 'all 0 8 ' ]] || fail "$(boxes_of chart.svg)"
  expect_status 2 thag svg chart.folded -t flamechart --collapse
  expect_status 2 thag svg chart.folded -t flamechart --only '/(/'
}

test_svg_of_two_is_a_difference() {
  printf '%s\n' 'a 400' 'b 600' >before.folded
  printf '%s\n' 'a 800' 'c 200' >after.folded
  expect_status 0 thag svg before.folded after.folded -o diff.svg
  diff - <(boxes_of diff.svg) <<'END' || fail "other boxes"
all 0 1600 
all;a 0 800 
all;b 800 600 
all;c 1400 200 
END
  grep -qF 'before 400' diff.svg || fail "no word of before"
  [[ $(text_of diff.svg subtitle) == 'before.folded → after.folded' ]] ||
    fail "$(text_of diff.svg subtitle)"
  printf '%s\n' 'a 400 800' 'b 600 0' 'c 0 200' >both.folded
  expect_status 0 thag svg both.folded --subtitle 'before.folded → after.folded' -o both.svg
  cmp diff.svg both.svg || fail "a file of differences is another picture"
  expect_status 1 thag svg both.folded after.folded
  one_line err 'is a difference itself'
  expect_status 2 thag svg before.folded after.folded -t flamechart
  expect_status 2 thag svg - -
}

test_svg_is_xml_whatever_the_bytes() {
  head -c 60000 /dev/urandom | tr -d ';\n' | fold -b -w 41 | awk '{ print $0 " " NR }' >noise.folded
  {
    printf '</title><script>alert(1)</script> 5\n]]>;<![CDATA[ 5\n&lt;&#0;" 5\n'
    printf '\1\33[2J\177 5\n\303\50;\355\240\200;\357\277\277 5\n'
  } >>noise.folded
  local name=$'"><svg onload="\1\n&\xff'
  for option in --title --subtitle --count-name --search; do
    thag svg noise.folded --min-width 0 "$option" "$name" >noise.svg 2>err || fail "$(cat err)"
    boxes_of noise.svg >boxes || fail "no XML with $option"
  done
  (($(wc -l <boxes) > 500)) || fail "only $(wc -l <boxes) boxes"
  ! grep -E 'misplaced|ill-sized' boxes || fail "boxes are not where they belong"
  (($(grep -ac '<script' noise.svg) == 1)) || fail "a name became a script"
}

test_svg_options_change_what_they_say() {
  write_sample
  local name
  thag svg sample.folded --list-palettes >palettes || fail "no palettes"
  [[ $(thag __complete svg --palette '' | xargs) == "$(xargs <palettes)" ]] || fail "completion"
  [[ $(xargs <palettes) == 'aqua blue green hot mem orange purple red yellow rust colour-blind' ]] ||
    fail "palettes: $(xargs <palettes)"
  while read -r name; do
    thag svg sample.folded --palette "$name" | grep -o '<style>.*' >"style-$name" || fail "$name"
  done <palettes
  (($(md5sum style-* | cut -d ' ' -f 1 | sort -u | wc -l) == 11)) || fail "palettes are alike"
  thag svg sample.folded -p COLOR-BLIND | grep -o '<style>.*' | cmp - style-colour-blind || fail "case"
  thag svg sample.folded --width 800 --font-size 20 --title 'A <b>' --count-name bytes >wide.svg
  [[ $(text_of wide.svg title) == 'A <b>' ]] || fail "$(text_of wide.svg title)"
  grep -q ' width="800" .* data-font="20"' wide.svg || fail "another size"
  grep -q '500.bytes' wide.svg || grep -q '500...bytes' wide.svg || fail "not in bytes"
  thag svg sample.folded --min-width 100 >few.svg
  (($(boxes_of few.svg | wc -l) == 5)) || fail "$(boxes_of few.svg)"
  grep -q 'too narrow: 1 box<' few.svg || fail "it doesn't say what is missing"
  thag svg sample.folded --without lex | boxes_of /dev/stdin >boxes
  ! grep lex boxes || fail "lex is still there"
}

test_svg_rejects_what_makes_no_sense() {
  write_sample
  local -a bad=(--type pie --theme pink --palette plaid --width 10 --width 1e9 --font-size 0
    --min-width -1 --min-width x --width '' -o '' --min-width nan)
  local i
  for ((i = 0; i < ${#bad[@]}; i += 2)); do
    expect_status 2 thag svg sample.folded "${bad[i]}" "${bad[i + 1]}"
    one_line err "see 'thag help svg'"
  done
  expect_status 2 thag svg
  expect_status 2 thag svg ''
  expect_status 2 thag svg a b c
  expect_status 2 thag svg --bogus
  expect_status 1 thag svg missing.folded
  one_line err 'thag svg: missing.folded: No such file'
  expect_status 3 thag svg latest
  echo 'no number here' >bad.folded
  expect_status 1 thag svg bad.folded -o bad.svg
  [[ ! -e bad.svg ]] || fail "it wrote a picture of nothing"
}

test_svg_writes_whole_or_not_at_all() {
  write_sample
  echo old >kept.svg
  printf 'a 1\nbad\n' >bad.folded
  expect_status 1 thag svg --strict bad.folded -o kept.svg
  [[ $(cat kept.svg) == old ]] || fail "it was touched"
  expect_status 1 thag svg sample.folded -o no/such/folder.svg
  one_line err 'no/such/folder.svg: can.t write it: No such file'
  thag svg sample.folded 2>err | head -c 10 >/dev/null
  [[ ! -s err ]] || fail "$(cat err)"
  : >empty.folded
  expect_status 0 thag svg empty.folded -o empty.svg
  [[ $(boxes_of empty.svg 2>/dev/null | wc -l) -le 1 ]] || fail "boxes of nothing"
  grep -q 'nothing was counted' empty.svg || fail "it doesn't say that it is empty"
}

# Every call of a thread is a box, as wide as the same call is long in the export for Perfetto.
test_svg_flamechart_of_a_session_has_its_calls() {
  start_thagd
  "$EXAMPLES/treestat" --repeat 1 /usr/include/linux >/dev/null 2>&1
  until_true field_is state ended
  expect_status 0 thag export latest --format chrome -o calls.json
  expect_status 0 thag svg latest -t flamechart --min-width 0 -o chart.svg
  python3 - calls.json chart.svg <<'END' || fail "other calls"
import json, re, sys
events = [e for e in json.load(open(sys.argv[1]))["traceEvents"] if e["ph"] == "X"]
calls = [e for e in events if e["tid"] == e["pid"]]
assert len(calls) > 100 and len(events) > len(calls), (len(calls), len(events))
ns = lambda us: round(us * 1000)
first = min(ns(e["ts"]) for e in calls)
wanted = sorted((ns(e["ts"]) - first, ns(e["dur"]), e["name"]) for e in calls if ns(e["dur"]))
text = open(sys.argv[2]).read()
boxes = re.findall(r'data-s="(\d+)" data-w="(\d+)" data-d="(\d+)"><title>(.*)', text)
got = sorted((int(s), int(w), name) for s, w, d, name in boxes if d != "0")
assert got == wanted, [(a, b) for a, b in zip(got, wanted) if a != b][:5]
END
  [[ $(text_of chart.svg subtitle) =~ ^treestat,\ session\ 1,\ thread\ [0-9]+$ ]] ||
    fail "$(text_of chart.svg subtitle)"
  local other
  other=$(grep -o '"tid":[0-9]*' calls.json | sort -u | sed -n 's/.*://; 2p')
  expect_status 0 thag svg latest -t flamechart --thread "$other" -o other.svg
  cmp -s chart.svg other.svg && fail "another thread has the same calls"
  expect_status 2 thag svg latest -t flamechart --raw
  expect_status 4 thag svg latest -t flamechart --thread 1
  expect_status 4 thag svg 99 -t flamechart
}
