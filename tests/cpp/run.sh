#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag.hpp with the compilers that are here: names are readable and the same with each, the marks
# leave nothing when compiled out, and a program's names arrive so in its profile. Prints "ok" and
# "not ok" lines and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${THAG_BUILD:-$root/build}
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-cpp.XXXXXX")
export THAG_SOCKET=$work/thagd.sock XDG_RUNTIME_DIR=$work
unset THAG_PROFILER THAG_ON_FULL
passed=0 failed=0

cleanup() {
  "$build/tools/thag" stop >/dev/null 2>&1
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
    printf '%s\n' "$output" | head -n 20 | sed 's/^/  /'
    failed=$((failed + 1))
  fi
}

names_are_readable() {
  "$@" -w "$here/names.cpp" -o "$work/names" && "$work/names" | "$build/tests/check_names"
}

include=(-I "$root/libclient/include" -I "$root/proto")
strict=(-Wall -Wextra -Wshadow -Wconversion -Wpedantic -Werror)

# Warnings of the headers would be a user's, too.
compiles_silently() { "$@" "${strict[@]}" "${include[@]}" -c "$here/marked.cpp" -o /dev/null; }

# Without the numbers of the string literals: a mark's own were numbered, too, and left out.
code_of() { objdump -d --no-show-raw-insn "$1" | tail -n +4 | sed 's/<\.L\.str[.0-9]*/<literal/'; }
symbols_of() { nm "$1" | sed 's/\.L\.str[.0-9]*/literal/'; }
sizes_of() { size -A "$1" | grep -v ':'; }

# Compiled out, the object is that of the same source without the marks.
marks_are_nothing() {
  grep -vE 'THAG_|thag::|thag\.hpp' "$here/marked.cpp" >"$work/bare.cpp"
  "$@" "${include[@]}" -g0 -c "$here/marked.cpp" -o "$work/marked.o" &&
    "$@" -g0 -c "$work/bare.cpp" -o "$work/bare.o" || return 1
  diff <(code_of "$work/marked.o") <(code_of "$work/bare.o") &&
    diff <(symbols_of "$work/marked.o") <(symbols_of "$work/bare.o") &&
    diff <(sizes_of "$work/marked.o") <(sizes_of "$work/bare.o")
}

start_thagd() {
  "$build/daemon/thagd" --socket "$THAG_SOCKET" --port 0 >"$work/thagd.log" 2>&1 &
  for _ in {1..200}; do
    [[ -S $THAG_SOCKET ]] && return
    sleep 0.05
  done
  cat "$work/thagd.log"
  return 1
}

# The example, built by whichever compiler: its output, and the stacks in its profile.
profile_of() {
  local stack
  "$@" -O2 -std=c++17 -DTHAG_TIME_PROFILING "${include[@]}" "$root/examples/cpp/calc.cpp" \
    -o "$work/calc" -L "$build/libclient" -lthag -Wl,-rpath,"$build/libclient" || return 1
  (cd "$work" && ./calc 100) >"$work/out" || return 1
  diff - "$work/out" <<'END' || return 1
double: 400 worked, 400 failed, sum 397972.441
float: 400 worked, 400 failed, sum 397972.441
END
  for _ in {1..100}; do # until thagd has read its last words
    "$build/tools/thag" export latest --format folded >"$work/folded" 2>/dev/null
    grep -q '<float>' "$work/folded" && break
    sleep 0.05
  done
  sed 's/ [0-9]*$//' "$work/folded" | sort >"$work/stacks"
  while read -r stack; do
    grep -qxF "$stack" "$work/stacks" || { echo "missing: $stack"; cat "$work/stacks"; return 1; }
  done <"$work/wanted"
  ! grep -E 'with|\[|anonymous (class|namespace)' "$work/stacks"
}

one=';report;{anonymous}::work_out'
number=';calc::evaluator'
work_of() {
  local lambda="main$one$1::{lambda}"
  echo "$lambda;calc::tokenizer::all"
  echo "$lambda;no value"
  echo "$lambda$number<$2>::operator();calc::evaluator<$2>::sum;calc::evaluator<$2>::product"
}

have() { command -v "$1" >/dev/null; }

check "a daemon" start_thagd
for compiler in g++ clang++; do
  have $compiler || continue
  for standard in 17 20; do
    command=("$compiler" "-std=c++$standard")
    check "names, $compiler C++$standard" names_are_readable "${command[@]}"
    check "no warning, $compiler C++$standard" compiles_silently "${command[@]}" -O2 \
      -DTHAG_TIME_PROFILING
    check "no warning, compiled out, $compiler C++$standard" compiles_silently "${command[@]}" -O2
    for level in 1 2; do
      check "marks compiled out are nothing, $compiler C++$standard -O$level" \
        marks_are_nothing "${command[@]}" -O$level
    done
  done
  if [[ $compiler == g++ ]]; then
    { work_of '<double>' double; work_of '<float>' float; } >"$work/wanted"
  else # it doesn't say which of a template's functions a lambda is in
    { work_of '' double; work_of '' float; } >"$work/wanted"
  fi
  check "the example's profile, $compiler" profile_of $compiler
done
echo "$passed passed, $failed failed"
((failed == 0))
