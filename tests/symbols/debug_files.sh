# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh, run.sh and build.sh set
# Debug information in a file of its own, wherever it may be.

debug_id=$(build_id "$bin/gcc5")
debug_at=$(address "$bin/gcc5" _Z3runi)

# split_off DIRECTORY: a stripped gcc5 there, and its debug file as `debug`.
split_off() {
  mkdir -p "$1" && objcopy --only-keep-debug "$bin/gcc5" "$1/app.debug" &&
    objcopy --strip-all --add-gnu-debuglink="$1/app.debug" "$bin/gcc5" "$1/app"
}
# has_line FILE [OPTION]...: the function has a name, and a line.
has_line() {
  "$thag" symbols --functions "${@:2}" "$1" "$debug_at" | grep -q ' run(int) at .*sample\.cpp:60$'
}
has_no_name() {
  [[ $("$thag" symbols "$@" "$debug_at" 2>/dev/null) == *' ??' ]]
}

ok 'split off' split_off "$work/beside"
ok 'beside the file' has_line "$work/beside/app"
in_dot_debug() {
  split_off "$work/dot" && mkdir "$work/dot/.debug" &&
    mv "$work/dot/app.debug" "$work/dot/.debug/" && has_line "$work/dot/app"
}
ok 'in .debug beside the file' in_dot_debug
below_root() {
  split_off "$work/far" && mkdir -p "$work/root$work/far" &&
    mv "$work/far/app.debug" "$work/root$work/far/" && has_no_name "$work/far/app" &&
    has_line "$work/far/app" --debug-dirs "/nowhere:$work/root" &&
    THAG_DEBUG_DIRS=$work/root has_line "$work/far/app"
}
ok 'below the directory for debug files' below_root
by_id() {
  local tree=$work/tree/.build-id/${debug_id:0:2}
  mkdir -p "$tree" && objcopy --only-keep-debug "$bin/gcc5" "$tree/${debug_id:2}.debug" &&
    strip -o "$work/naked" "$bin/gcc5" && has_no_name "$work/naked" &&
    has_line "$work/naked" --debug-dirs "$work/tree"
}
ok 'by build id' by_id
ok 'by build id, when the file itself is gone' has_line "$work/nowhere" \
  --build-id "$debug_id" --debug-dirs "$work/tree"
alone() {
  "$thag" symbols --json --build-id "$debug_id" --debug-dirs "$work/tree" "$work/nowhere" "$debug_at" |
    python3 -c '
import json, sys
a = json.load(sys.stdin)
assert a["debug_file"].startswith(sys.argv[1]) and a["dwarf"] and a["symbols"]' "$work/tree/.build-id/"
}
ok 'which is said' alone
ok 'by build id, when the file was built anew' has_line "$bin/plain" \
  --build-id "$debug_id" --debug-dirs "$work/tree"
not_its_own() {
  split_off "$work/wrong" && objcopy --only-keep-debug "$bin/plain" "$work/wrong/app.debug" &&
    has_no_name "$work/wrong/app"
}
ok 'a debug file of another build is not believed' not_its_own

# Without a build id there is a checksum.
checksum() {
  g++ -g -O2 -Wl,--build-id=none "$here/sample.cpp" -o "$work/sum" || return 1
  mkdir -p "$work/sums"
  objcopy --only-keep-debug "$work/sum" "$work/sums/sum.debug" &&
    objcopy --strip-all --add-gnu-debuglink="$work/sums/sum.debug" "$work/sum" "$work/sums/sum" &&
    debug_at=$(address "$work/sum" _Z3runi) has_line "$work/sums/sum" || return 1
  printf '\1' >>"$work/sums/sum.debug"
  debug_at=$(address "$work/sum" _Z3runi) has_no_name "$work/sums/sum"
}
ok 'by checksum, and not when it is wrong' checksum
exported_only() {
  strip -o "$work/lib.so" "$bin/libgcc5.so" &&
    "$thag" symbols "$work/lib.so" "$(address "$bin/libgcc5.so" _Z3runi)" | grep -q ' run(int)$'
}
ok 'a stripped library still exports names' exported_only

shipped() {
  local at
  g++ -g -O1 -finstrument-functions -Wl,--build-id "$here/sample.cpp" -o "$work/as-built" -lm &&
    at=$(address "$work/as-built" _Z3runi) &&
    "$here/../../examples/symbols/ship.sh" "$here/sample.cpp" "$work/ship" >/dev/null &&
    ! "$thag" symbols "$work/ship/sample" "$at" 2>/dev/null &&
    "$thag" symbols --functions --debug-dirs "$work/ship/debug" "$work/ship/sample" "$at" |
    grep -q ' run(int) at .*sample\.cpp:60$'
}
ok 'a program as examples/symbols/ship.sh ships it' shipped
