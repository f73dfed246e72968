# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh, run.sh and build.sh set
# `thag symbols`: the same frames as llvm-symbolizer, readable names, clear errors.

for name in gcc5 gcc4-no-pie gcc-compressed gcc-zdebug gcc-types gcc-no-symbols gcc-split libgcc5.so clang5 clang-split; do
  ok "frames of $name are those of llvm-symbolizer" \
    "$here/compare.py" "$thag" "$bin/$name" 3000
done
ok 'and those of thagd itself' "$here/compare.py" "$thag" "$thagd" 3000

names() { "$thag" symbols "$@" | sed 's/^0x[0-9a-f]* //; s/ at .*//'; }

readable() {
  local addresses
  mapfile -t addresses < <(nm -n "$bin/mangled.so" | awk '$2 == "T" { print $1 }')
  diff <(names "$bin/mangled.so" "${addresses[@]}") - <<'END'
outer::box<3>::area(int)
std::vector<int, std::allocator<int> >::size() const
run(int)::{lambda(int, int)#1}::operator()(int, int) const
core::fmt::Formatter::pad
<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop
123foo::bar
mycrate::mod::function
std::mem::align_of::<usize>
plain_c
_Znot_mangled
END
}
ok 'C++ and Rust are readable' readable

scoped() {
  [[ $(names --functions "$bin/gcc5" "$(address "$bin/gcc5" _ZL10local_onlyi)") == 'local_only(int)' ]] &&
    "$thag" symbols --functions "$bin/gcc5" "$(address "$bin/gcc5" _Z3runi)" |
    grep -qE '^0x[0-9a-f]+ run\(int\) at .*sample\.cpp:60$'
}
ok 'a function is where it is declared' scoped

several_ways() {
  local at
  at=$(address "$bin/gcc5" main)
  diff <("$thag" symbols "$bin/gcc5" "$at") <("$thag" symbols "$bin/gcc5" "0x$at") &&
    diff <("$thag" symbols "$bin/gcc5" "$at") <("$thag" symbols "$bin/gcc5" "gcc5+0x$at") &&
    diff <("$thag" symbols "$bin/gcc5" "$at") <(echo "$at" | "$thag" symbols "$bin/gcc5" -)
}
ok 'an address can be written as profiles have it' several_ways

as_json() {
  "$thag" symbols --json "$bin/gcc5" "$(address "$bin/gcc5" main)" 1 >"$work/json"
  (($? == 4)) && python3 -c '
import json, sys
a = json.load(open(sys.argv[1]))
assert a["dwarf"] and a["symbols"] and a["debug_file"] is None
first, second = a["addresses"]
assert first["status"] == "found" and first["function"]["name"] == "main"
assert first["function"]["line"] == 79 and first["frames"][-1]["name"] == "main"
assert second["status"] == "unknown" and second["frames"] == []
' "$work/json"
}
ok 'JSON' as_json

without_dwarf() {
  [[ $("$thag" symbols --no-dwarf "$bin/gcc5" "$(address "$bin/gcc5" _Z3runi)") == *' run(int)' ]]
}
ok 'by the table of symbols only' without_dwarf

bare() { strip -o "$bin/bare" "$bin/gcc5" && "$@"; }
ok 'stripped: says what to do' bare \
  fails_with 4 'stripped.*-dbgsym package or build it with -g' "$thag" symbols "$bin/bare" 1234
ok 'no such file' fails_with 1 'no such file' "$thag" symbols "$work/nowhere" 1
ok 'not ELF' fails_with 1 "can't be read" "$thag" symbols "$here/sample.cpp" 1
ok 'a directory' fails_with 1 "can't be read" "$thag" symbols / 1
ok 'not linked' fails_with 1 "can't be read as a linked" "$thag" symbols "$bin/object.o" 1
ok 'another build' fails_with 1 'another build' "$thag" symbols --build-id 0011223344556677 "$bin/gcc5" 1
ok 'no address' fails_with 2 'an address is missing' "$thag" symbols "$bin/gcc5"
ok 'no file' fails_with 2 'a file is missing' "$thag" symbols
ok 'not an address' fails_with 2 'no hexadecimal address' "$thag" symbols "$bin/gcc5" xyz
ok 'not a build id' fails_with 2 'is no build id' "$thag" symbols --build-id xyz "$bin/gcc5" 1
ok 'nowhere in it' fails_with 4 '1 of 1 addresses are in no function' "$thag" symbols "$bin/gcc5" 1
