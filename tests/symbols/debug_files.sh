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

ok 'split off' split_off "$place/beside"
ok 'beside the file' has_line "$place/beside/app"
in_dot_debug() {
  split_off "$place/dot" && mkdir "$place/dot/.debug" &&
    mv "$place/dot/app.debug" "$place/dot/.debug/" && has_line "$place/dot/app"
}
ok 'in .debug beside the file' in_dot_debug
below_root() {
  split_off "$place/far" && mkdir -p "$place/root$place/far" &&
    mv "$place/far/app.debug" "$place/root$place/far/" && has_no_name "$place/far/app" &&
    has_line "$place/far/app" --debug-dirs "/nowhere:$place/root" &&
    THAG_DEBUG_DIRS=$place/root has_line "$place/far/app"
}
ok 'below the directory for debug files' below_root
by_id() {
  local tree=$place/tree/.build-id/${debug_id:0:2}
  mkdir -p "$tree" && objcopy --only-keep-debug "$bin/gcc5" "$tree/${debug_id:2}.debug" &&
    strip -o "$place/naked" "$bin/gcc5" && has_no_name "$place/naked" &&
    has_line "$place/naked" --debug-dirs "$place/tree"
}
ok 'by build id' by_id
ok 'by build id, when the file itself is gone' has_line "$place/nowhere" \
  --build-id "$debug_id" --debug-dirs "$place/tree"
ok 'by build id, when the file was built anew' has_line "$bin/plain" \
  --build-id "$debug_id" --debug-dirs "$place/tree"
not_its_own() {
  split_off "$place/wrong" && objcopy --only-keep-debug "$bin/plain" "$place/wrong/app.debug" &&
    has_no_name "$place/wrong/app"
}
ok 'a debug file of another build is not believed' not_its_own

# Without a build id there is a checksum.
checksum() {
  g++ -g -O2 -Wl,--build-id=none "$here/sample.cpp" -o "$place/sum" || return 1
  mkdir -p "$place/sums"
  objcopy --only-keep-debug "$place/sum" "$place/sums/sum.debug" &&
    objcopy --strip-all --add-gnu-debuglink="$place/sums/sum.debug" "$place/sum" "$place/sums/sum" &&
    debug_at=$(address "$place/sum" _Z3runi) has_line "$place/sums/sum" || return 1
  printf '\1' >>"$place/sums/sum.debug"
  debug_at=$(address "$place/sum" _Z3runi) has_no_name "$place/sums/sum"
}
ok 'by checksum, and not when it is wrong' checksum
exported_only() {
  strip -o "$place/lib.so" "$bin/libgcc5.so" &&
    "$thag" symbols "$place/lib.so" "$(address "$bin/libgcc5.so" _Z3runi)" | grep -q ' run(int)$'
}
ok 'a stripped library still exports names' exported_only

shipped() {
  local at
  g++ -g -O1 -finstrument-functions -Wl,--build-id "$here/sample.cpp" -o "$place/as-built" -lm &&
    at=$(address "$place/as-built" _Z3runi) &&
    "$here/../../examples/symbols/ship.sh" "$here/sample.cpp" "$place/ship" >/dev/null &&
    ! "$thag" symbols "$place/ship/sample" "$at" 2>/dev/null &&
    "$thag" symbols --functions --debug-dirs "$place/ship/debug" "$place/ship/sample" "$at" |
    grep -q ' run(int) at .*sample\.cpp:60$'
}
ok 'a program as examples/symbols/ship.sh ships it' shipped
