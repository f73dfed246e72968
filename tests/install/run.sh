#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What `meson install` puts on a machine is enough to build and profile a program, by pkg-config,
# in C and C++, with gcc and clang, shared and static; and without THAG_TIME_PROFILING the marks
# leave no trace in the object code. Prints "ok"/"not ok" lines and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${THAG_BUILD:-$(cd "$here/../.." && pwd)/build}
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-install.XXXXXX")
passed=0 failed=0
export THAG_SOCKET=$work/thagd.sock

cleanup() {
  [[ ! -S $THAG_SOCKET ]] || "$build/tools/thag" stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

# check NAME COMMAND...
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    printf '%s\n' "$output" | tail -n 20 | sed 's/^/  /'
    failed=$((failed + 1))
  fi
}

install_all() { DESTDIR=$work/root meson install -C "$build" --no-rebuild --quiet; }

# Everything from here on knows the installed files only.
use_installed() {
  local pc
  pc=$(find "$work/root" -name thag.pc)
  libraries=$(dirname "$(dirname "$pc")")
  export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$work/root
}

# compile OUTPUT shared|static COMPILER FLAG...
compile() {
  local output=$1 kind=$2 libs
  shift 2
  libs=$(pkg-config --libs thag)
  [[ $kind == shared ]] || libs=$libraries/libthag.a
  # shellcheck disable=SC2046,SC2086 # flags are words
  "$@" -Wall -Wextra -Werror $(pkg-config --cflags thag) -o "$output" $libs
}

# Without a daemon: the program's own output and status, and one line that says what to do.
runs_unprofiled() {
  LD_LIBRARY_PATH=$libraries "$1" >"$work/out" 2>"$work/err" || return 1
  cat "$work/out" "$work/err"
  [[ $(cat "$work/out") == 161700 && $(wc -l <"$work/err") == 1 ]]
}

# The profile's stacks, once it is saved.
stacks() {
  local tries=200
  while ! compgen -G "$1/*.folded" >/dev/null && ((tries-- > 0)); do
    sleep 0.05
  done
  cat "$1"/*.folded
}

# Under `thag run`: calls in the profile. The folded stacks name each function and section.
runs_profiled() {
  local out=$work/profile-$2
  mkdir -p "$out"
  LD_LIBRARY_PATH=$libraries THAG_PROFILER="time,$out" \
    "$build/tools/thag" run -- "$1" >"$work/out" || return 1
  stacks "$out" >>"$work/out"
  cat "$work/out"
  [[ $(head -n 1 "$work/out") == 161700 ]] && grep -q 'main;count;adding;sum_below ' "$work/out"
}

# build_and_run NAME shared|static COMPILER FLAG...
build_and_run() {
  local name=$1
  shift
  compile "$work/$name" "$@" && runs_unprofiled "$work/$name"
}

# headers_compile "COMPILER FLAG..." HEADER...: each alone, with profiling and without.
headers_compile() {
  local header check
  read -ra check <<<"$1 -Wall -Wextra -Werror -fsyntax-only"
  for header in "${@:2}"; do
    printf '#define THAG_UV_ALL\n#include <%s>\n' "$header" >"$work/header.c"
    # shellcheck disable=SC2046 # flags are words
    "${check[@]}" $(pkg-config --cflags thag) "$work/header.c" &&
      "${check[@]}" "-I$(pkg-config --variable=includedir thag)" "$work/header.c" || return 1
  done
}

code_of() { objdump -d --no-show-raw-insn "$1" | tail -n +4; }

# Object code with the marks compiled out is that of the source without them.
marks_are_nothing() {
  local compiler=$1 flags=(-O2 -g0 -c "-I$(pkg-config --variable=includedir thag)")
  grep -vE '^\s*THAG_|thag\.h' "$here/sample.c" >"$work/bare.c"
  "$compiler" "${flags[@]}" "$here/sample.c" -o "$work/marked.o" &&
    "$compiler" "${flags[@]}" "$work/bare.c" -o "$work/bare.o" || return 1
  diff <(code_of "$work/marked.o") <(code_of "$work/bare.o") &&
    diff <(nm "$work/marked.o") <(nm "$work/bare.o") &&
    diff <(size -A "$work/marked.o" | grep -v ':') <(size -A "$work/bare.o" | grep -v ':')
}

# Without a mark: the installed `thag run --functions`, or linked with the hooks.
functions_profiled() {
  local name=$1 out=$work/profile-$1 libs=() option=()
  mkdir -p "$out"
  if [[ $name == linked ]]; then
    read -ra libs <<<"$(pkg-config --libs thag-cyg)"
  else
    option=(--functions)
  fi
  # shellcheck disable=SC2046 # flags are words
  gcc -O1 -fno-inline $(pkg-config --cflags thag-cyg) "$here/sample.c" -o "$work/functions-$name" \
    "${libs[@]}" || return 1
  LD_LIBRARY_PATH=$libraries THAG_PROFILER="time,$out" "$(find "$work/root" -type f -name thag)" \
    run -q "${option[@]}" -- "$work/functions-$name" >"$work/out" || return 1
  stacks "$out" >>"$work/out"
  cat "$work/out"
  [[ $(head -n 1 "$work/out") == 161700 ]] && grep -q 'main;count;sum_below ' "$work/out"
}

# The number behind a line of the newest file of that kind.
profiled_bytes() { awk -v frame="$2" 'index($0, frame) { n += $NF } END { print n + 0 }' "$1"; }

# Without a mark, and without a rebuild: the installed thag finds its library to preload.
memory_profiled() {
  local out=$work/profile-memory
  mkdir -p "$out"
  gcc -O1 -fno-inline "$here/allocates.c" -o "$work/allocates" || return 1
  THAG_PROFILER=",$out" "$(find "$work/root" -type f -name thag)" run --memory -- \
    "$work/allocates" 2>"$work/err" || return 1
  cat "$work/err"
  grep -qx 'thag: memory: peak 1.2 KiB, leaked 200 bytes in 2 blocks, 12 allocations' \
    "$work/err" &&
    (($(profiled_bytes "$out"/*-memory_detail.folded ';main;make') == 1200))
}

# A static program counts what it calls itself, in the profiled function.
wrapped_profiled() {
  local out=$work/profile-wrapped
  mkdir -p "$out"
  # shellcheck disable=SC2046 # flags are words
  gcc -O1 -fno-inline -static -DMARKED "$here/allocates.c" -o "$work/wrapped" \
    $(pkg-config --static --cflags --libs thag-wrap) || return 1
  THAG_PROFILER="memory,$out" "$build/tools/thag" run -q -- "$work/wrapped" || return 1
  cat "$out"/*-memory.folded
  (($(profiled_bytes "$out"/*-memory.folded 'main;make ') == 1200))
}

have() { command -v "$1" >/dev/null; }

check "installs" install_all
use_installed
for kind in shared static; do
  for pie in pie no-pie; do
    check "gcc C11 $kind $pie" build_and_run "c-$kind-$pie" $kind \
      gcc -std=c11 -pedantic -O2 -f$pie -$pie "$here/sample.c"
    check "g++ C++17 $kind $pie" build_and_run "cpp-$kind-$pie" $kind \
      g++ -std=c++17 -O2 -f$pie -$pie -x c++ "$here/sample.c" -x none
    have clang || continue
    check "clang C11 $kind $pie" build_and_run "clang-$kind-$pie" $kind \
      clang -std=c11 -O0 -f$pie -$pie "$here/sample.c"
    check "clang++ C++17 $kind $pie" build_and_run "clangpp-$kind-$pie" $kind \
      clang++ -std=c++17 -O2 -f$pie -$pie -x c++ "$here/sample.c" -x none
  done
done
check "thag.hpp" compile "$work/hpp" shared g++ -std=c++17 "$here/../cpp/marked.cpp"
check "headers for tasks, C" headers_compile "gcc -std=gnu11" thag_uv.h thag_coroutine.h
check "headers for tasks, C++" headers_compile "g++ -std=gnu++17 -x c++" thag_uv.h thag_coroutine.h
check "headers for tasks, C++20" headers_compile "g++ -std=c++20 -x c++" \
  thag_coroutine.hpp thag_uv.h
check "marks compiled out are nothing, gcc" marks_are_nothing gcc
have clang && check "marks compiled out are nothing, clang" marks_are_nothing clang
check "profiled, shared" runs_profiled "$work/c-shared-pie" shared
check "profiled, static" runs_profiled "$work/c-static-no-pie" static
check "profiled without a mark, preloaded" functions_profiled preloaded
check "profiled without a mark, linked" functions_profiled linked
check "memory of a program without a mark" memory_profiled
check "memory of a static program" wrapped_profiled
echo "$passed passed, $failed failed"
((failed == 0))
