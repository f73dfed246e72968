#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# symbols.sh [UNITS] [DIRECTORY]: how fast names come for a big program: the first screen of it,
# 100 functions spread evenly. The program is generated and built once, of UNITS (48) sources, in
# DIRECTORY (build/big-program); that takes some minutes. Other tools are asked the same.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${THAG_BUILD:-$here/../build}" && pwd)
units=${1:-48} directory=${2:-$build/big-program} screen=100
program=$directory/program

make_program() {
  mkdir -p "$directory"
  "$here/big_program.py" "$directory" "$units" 20
  find "$directory" -name 'unit*.cpp' | sed 's/\.cpp$//' |
    xargs -P "$(nproc)" -I{} g++ -std=c++17 -g -O1 -c {}.cpp -o {}.o
  g++ "$directory"/unit*.o -o "$program"
  rm "$directory"/unit*.o
}

# Functions in the order of their addresses, one of so many.
spread() {
  nm -n "$program" | awk '$2 ~ /^[tTwW]$/ { print $1 }' >"$directory/all"
  awk -v step=$(($(wc -l <"$directory/all") / screen)) -v screen=$screen \
    'NR % step == 1 && n++ < screen' "$directory/all"
}

# timed NAME COMMAND...: with the addresses on its standard input.
timed() {
  local name=$1 took TIMEFORMAT='%R %U %S'
  shift
  command -v "$1" >/dev/null || return 0
  sed 's/^/0x/' "$directory/addresses" >"$directory/asked"
  took=$({ time "$@" <"$directory/asked" >"$directory/answer" 2>/dev/null || true; } 2>&1)
  awk -v name="$name" -v lines="$(wc -l <"$directory/answer")" '{
    printf "%-44s %7.1f ms   %.0f ms of it on a processor, %d lines\n", name, $1 * 1000,
      ($2 + $3) * 1000, lines }' <<<"$took"
}

[[ -e $program ]] || make_program
spread >"$directory/addresses"
printf 'program of %d MB, %d functions\n' "$(($(stat -c %s "$program") / 1000000))" \
  "$(wc -l <"$directory/all")"
mkdir -p "$directory/cache"
mapfile -t addresses <"$directory/addresses"
XDG_CACHE_HOME=$directory/cache "$build/bench/bench_symbols" "$program" \
  "$(readelf -n "$program" | awk '/Build ID/ { print $3 }')" "${addresses[@]}"
timed 'thag symbols' "$build/tools/thag" symbols "$program" -
timed 'llvm-symbolizer' llvm-symbolizer -e "$program" -f -i
timed 'addr2line' addr2line -e "$program" -f -i -C
timed 'eu-addr2line' eu-addr2line -e "$program" -f -i -C
