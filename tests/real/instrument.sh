#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# instrument.sh [PACKAGE]...: code bases that nobody here wrote, from Debian's sources. Each is
# instrumented in place, built with libthag, and passes its own tests while thagd profiles them;
# then the marks are removed, and nothing of the tree has changed. Fetches 4 MB and takes minutes;
# what it makes lies below the build, in real/. Prints "ok"/"not ok" lines and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
real=${THAG_BUILD:-$top/build}/real
export TMPDIR=$real/tmp
mkdir -p "$real/source" "$TMPDIR"
unset THAG_PROFILER LD_PRELOAD
# shellcheck source-path=SCRIPTDIR disable=SC1091
. "$here/../accuracy/lib.sh"
# shellcheck source-path=SCRIPTDIR disable=SC1091
. "$here/sources.sh"

instrument=${build:?}/tools/thag
flags=(-O1 -g -DTHAG_TIME_PROFILING "-I$top/libclient/include" "-I$top/proto")
libs=("-L$build/libclient" -lthag "-Wl,-rpath,$build/libclient")
passed=0 failed=0

# check NAME COMMAND...: what it says is shown when it fails.
check() {
  local name=$1 log=${work:?}/log
  shift
  if "$@" >"$log" 2>&1; then
    echo "ok $name$(sed -n 's/^REMARK/:/p' "$log" | tail -n 1)"
    passed=$((passed + 1))
    return 0
  fi
  echo "not ok $name"
  tail -n 25 "$log"
  failed=$((failed + 1))
  return 1
}

remark() { echo "REMARK $*"; }

# --- how each is configured, built and tested: in the tree $tree, with what is made in $made ---

configure_cmake() {
  cmake -S "$tree" -B "$made" -DCMAKE_BUILD_TYPE=None -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    -DCMAKE_C_FLAGS="${flags[*]}" -DCMAKE_CXX_FLAGS="${flags[*]}" \
    -DCMAKE_C_STANDARD_LIBRARIES="${libs[*]}" -DCMAKE_CXX_STANDARD_LIBRARIES="${libs[*]}" "$@"
}
build_cmake() { cmake --build "$made" -j "$(nproc)"; }
test_cmake() { (cd "$made" && ctest --output-on-failure -j "$(nproc)") && count_tests "$made"; }
count_tests() { remark "$(sed '/^---/,$d' "$1/Testing/Temporary/CTestCostData.txt" | wc -l) tests"; }

# what only Windows needs, and Debian leaves out
configure_zlib() { mkdir -p "$tree/win32" && touch "$tree/win32/zlib1.rc" && configure_cmake; }
build_zlib() { build_cmake; }
test_zlib() { test_cmake; }

configure_jansson() { configure_cmake -DJANSSON_BUILD_DOCS=OFF; }
build_jansson() { build_cmake; }
test_jansson() { test_cmake; }

configure_cjson() { configure_cmake -DENABLE_CUSTOM_COMPILER_FLAGS=OFF -DENABLE_CJSON_UTILS=ON; }
build_cjson() { build_cmake; }
test_cjson() { test_cmake; }

# C++
configure_tinyxml2() { configure_cmake; }
build_tinyxml2() { build_cmake; }
# its test writes into folders of the source
test_tinyxml2() {
  rm -rf "$made/run" && mkdir -p "$made/run" && cp -r "$tree/resources" "$made/run" &&
    mkdir -p "$made/run/resources/out" && (cd "$made/run" && "$made/xmltest") >"$made/run.log" 2>&1
  local status=$?
  tail -n 5 "$made/run.log"
  remark "$(grep -c '^\[pass\]' "$made/run.log") checks"
  ((status == 0))
}

configure_bzip2() { mkdir -p "$made"; }
make_bzip2() { make -C "$made" CFLAGS="${flags[*]}" LDFLAGS="-Wl,--no-as-needed ${libs[*]}" "$@"; }
build_bzip2() { cp -r "$tree/." "$made" && make_bzip2 bzip2 bzip2recover; }
test_bzip2() { make_bzip2 test && remark "3 files packed and 3 unpacked"; }

# Lua's tests are not in the package: a program that uses most of it says what it says without.
lua_flags=(-DLUA_USE_LINUX '-Dluai_makeseed(L)=0' '-Dl_randomizePivot()=0u' -DSTRCACHE_N=1
  -DSTRCACHE_M=1 -w)
compile_lua() {
  # shellcheck disable=SC2046 # names without blanks
  gcc "${flags[@]}" "${lua_flags[@]}" $(find "$1/src" -name '*.c' ! -name luac.c) -o "$2" \
    -Wl,-E -lm -ldl "${libs[@]}"
}
configure_lua() {
  echo '#define DEB_HOST_MULTIARCH "none"' >"$tree/src/lua5.4-deb-multiarch.h"
  mkdir -p "$made" && compile_lua "$tree" "$made/plain"
}
build_lua() { compile_lua "$tree" "$made/lua"; }
test_lua() {
  "$made/plain" "$here/work.lua" 3 >"$made/plain.out" && "$made/lua" "$here/work.lua" 3 >"$made/out" &&
    cmp "$made/plain.out" "$made/out" && remark "$(wc -l <"$made/out") lines of output"
}

# shellcheck disable=SC2034 # the packages, and what their profiles must have
declare -A packages=([zlib]=zlib [jansson]=jansson [cjson]=cjson [tinyxml2]=tinyxml2
  [bzip2]=bzip2 [lua]=lua5.4)
declare -A seen=([zlib]=deflate [jansson]=json_loads [cjson]=cJSON_Parse
  [tinyxml2]=tinyxml2::XMLDocument::Parse [bzip2]=BZ2_compressBlock [lua]=luaV_execute)

# --- what is done with each ---

prepare() {
  fetch "${packages[$1]}" || return 1
  rm -rf "$tree" "$made" "$tree.orig"
  mkdir -p "$(dirname "$tree")"
  cp -r "$(unpacked "${packages[$1]}")" "$tree"
}

instrument_tree() {
  local summary with=()
  [[ ! -e $made/compile_commands.json ]] || with=(-p "$made")
  cp -r "$tree" "$tree.orig"
  "$instrument" instrument -i --headers "${with[@]}" "$tree" 2>"$work/err" || {
    tail -n 5 "$work/err"
    return 1
  }
  summary=$(tail -n 1 "$work/err")
  summary=${summary#thag instrument: }
  remark "${summary% (--report*}"
}

instrument_twice() {
  cp -r "$tree" "$work/once" &&
    "$instrument" instrument -i --headers "$@" "$tree" 2>/dev/null && diff -r "$work/once" "$tree"
  local status=$?
  rm -rf "$work/once"
  return "$status"
}

tests_pass() {
  export THAG_PROFILER="time,$work/profile"
  rm -rf "$work/profile" && mkdir "$work/profile"
  "test_$1"
  local status=$?
  unset THAG_PROFILER
  return "$status"
}

was_profiled() {
  local function=${seen[$1]}
  wait_for 20 grep -qrF ";$function" "$work/profile" --include='*.folded' || {
    find "$work/profile" | head
    return 1
  }
  remark "$(find "$work/profile" -name '*.folded' | wc -l) profiles, with $function"
}

remove_from_tree() {
  "$instrument" remove -i "$tree" 2>"$work/err" && diff -r "$tree.orig" "$tree" || return 1
  remark "$(sed 's/^thag remove: //' "$work/err")"
}

test_package() {
  local tree=$real/instrument/$1/source made=$real/instrument/$1/made with=()
  check "$1: sources" prepare "$1" && check "$1: configured" "configure_$1" || return
  [[ ! -e $made/compile_commands.json ]] || with=(-p "$made")
  check "$1: instrumented" instrument_tree || return
  check "$1: a second time changes nothing" instrument_twice "${with[@]}"
  check "$1: built" "build_$1" && check "$1: its own tests pass" tests_pass "$1" &&
    check "$1: they were profiled" was_profiled "$1"
  check "$1: removed, and as it was" remove_from_tree
}

main() {
  local name
  start_daemon || {
    echo "not ok thagd starts"
    echo "0 passed, 1 failed"
    exit 1
  }
  (($# > 0)) || set -- zlib jansson cjson tinyxml2 bzip2 lua
  for name in "$@"; do
    [[ -v "packages[$name]" ]] || {
      echo "instrument.sh: no package '$name'; there are ${!packages[*]}"
      exit 2
    }
    test_package "$name"
  done
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

main "$@"
