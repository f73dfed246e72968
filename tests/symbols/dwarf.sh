# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh, run.sh and build.sh set
# DWARF that is right, but rare; and such as lacks something.

code=$(readelf -SW "$bin/dwarf.so" | grep -oP ' \.text +PROGBITS +\K\w+')
# slot N: the address of the Nth 16 bytes of code.
slot() { printf '%x\n' $((0x$code + 16 * $1)); }
# said_of SLOT...: frames, those that follow each other and are the same as one with their number.
said_of() {
  local number
  for number in "$@"; do
    "$thag" symbols "$bin/dwarf.so" "$(slot "$number")" 2>/dev/null
  done | sed 's/^0x[0-9a-f]* //; s/ at .*//; s/^ *(inlined by) //' | uniq -c | awk '{ $1 = $1; print }'
}
says() { diff <(said_of "${@:2}") <(echo "$1"); }

ok 'no more calls in each other than an answer has room for' says $'63 inner\n1 outermost' 0
ok 'blocks that do not say where they are' says $'1 in_block\n1 blocks' 1
ok 'more blocks in each other than are entered' says '1 too_many_blocks' 2
ok 'blocks of exceptions' says $'1 tried\n1 exceptional\n1 caught\n1 exceptional' 3 4
ok 'a line beyond all' says $'1 from_afar\n1 far' 5
ok 'modules and namespaces' says $'1 in_module\n1 in_spaces' 6 7
ok 'more namespaces in each other than are entered' says '1 ??' 8
ok 'the shorter of two that begin at one place' says $'1 short\n1 long\n1 shorter\n1 longer' 9 10 11 12
ok 'a linkage name of no bytes' says '1 with_no_linkage' 13
ok 'a name of no bytes' says '1 ??' 14
ok 'a linkage name alone' says '1 scope::by_linkage()' 15
ok "C++ by its standards' names, and C" says $'1 scope::of_c03()\n1 scope::of_c11()\n1 of_c' 18 19 20

ok 'more ranges than are read' says $'1 in_ranges\n1 ??' 21 22

# libdw calls it ???
of_no_file() {
  "$thag" symbols --json "$bin/dwarf.so" "$(slot 16)" | python3 -c '
import json, sys
address, = json.load(sys.stdin)["addresses"]
assert address["frames"] == [{"name": "of_no_file", "file": "dwarf.c", "line": 7}], address
assert address["function"] == {"name": "of_no_file", "file": None, "line": 0}, address'
}
ok 'a function that is declared in no file' of_no_file
line_of_call() {
  "$thag" symbols --json "$bin/dwarf.so" "$(slot 5)" | python3 -c '
import json, sys
address, = json.load(sys.stdin)["addresses"]
assert [frame["line"] for frame in address["frames"]] == [7, 0], address'
}
ok 'that line is none' line_of_call
ok 'what a linker left out is nowhere' fails_with 4 'in no function' "$thag" symbols "$bin/dwarf.so" 4

no_symbols() {
  "$thag" symbols --json "$bin/gcc-no-symbols" 1 >"$work/json"
  grep -q '"status": "unknown"' "$work/json" &&
    [[ $("$thag" symbols "$bin/gcc-no-symbols" "$(address "$bin/gcc5" _Z3runi)") == *' run(int) at '* ]]
}
ok 'without symbols' no_symbols
# Lines are in the file itself; functions are not.
lost_parts() {
  mkdir "$work/parts" && cd "$work/parts" && g++ -g -O0 -gsplit-dwarf -c "$here/sample.cpp" -o sample.o &&
    g++ sample.o -o lost && rm sample.dwo && cd "$out" &&
    "$thag" symbols "$work/parts/lost" "$(address "$work/parts/lost" _Z3runi)" |
    grep -qE '^0x[0-9a-f]+ run\(int\) at .*sample\.cpp:[0-9]+$'
}
ok 'split, and the parts are lost' lost_parts
