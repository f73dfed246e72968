# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154,SC2094 # run.sh sets them; the same file may be meant
# What holds for any source, tried on sources of this tree and of this folder, each written anew in
# several ways by mutate.py: remove(instrument(x)) is x, instrument(instrument(x)) is instrument(x),
# and what compiled before compiles with the marks, as a profile and as nothing.

: "${here:?}" "${top:?}" "${build:?}"

# How often each source is mutated; the seeds are the same each time. With 12, 384 sources held.
mutations=${THAG_MUTATIONS:-1}

sources() {
  ls "$here"/functions.{c,cpp} "$top"/core/thag_{hist,pages,pretty,search,strings,text}.c \
    "$top"/tools/{c,o,p}*.c "$top"/tools/instrument/{main,patch,place,scan}.c \
    "$top"/examples/functions/*.c* "$top"/examples/treestat/*.c "$top"/tests/unit/cpp_scenes.cpp \
    "$top"/tests/functions/*.c*
}

make_mutants() {
  local source seed=1 round
  mkdir mutants
  for source in $(sources); do
    for ((round = 0; round < mutations; round++)); do
      "$here/mutate.py" "$seed" "$source" >"mutants/$seed-$(basename "$source")" || return 1
      seed=$((seed + 1))
    done
  done
}

# compile SOURCE FLAG...: whether it does; libclang's headers are not for gcc.
compiles() {
  local compiler=gcc standard=gnu11
  [[ $1 != *.cpp ]] || compiler=g++ standard=gnu++20
  "$compiler" -std="$standard" -w -fsyntax-only -isystem /usr/lib/llvm-19/include \
    "-I$top/examples/treestat" -Dplugin_work=w -DNAME=n "${flags[@]}" "${@:2}" "$1" 2>/dev/null
}

# Prints the sources of FOLDER that compile.
compiling() {
  local source
  for source in "$1"/*; do
    compiles "$source" -DTHAG_TIME_PROFILING && compiles "$source" && basename "$source"
  done
}

# instrument FOLDER: each as its own compiler takes it.
instrument_all() {
  local ending
  for ending in c cpp; do
    "$build/tools/thag" instrument -q -i --path "*.$ending" "$1" -- \
      -std=gnu"$([[ $ending == c ]] && echo 11 || echo ++20)" -Dplugin_work=w -DNAME=n \
      "-I$top/examples/treestat" -isystem /usr/lib/llvm-19/include "${flags[@]}" >>out 2>&1 ||
      fail "$(tail -n 3 out)"
  done
}

test_properties_of_mutants() {
  local compiling
  make_mutants || fail "mutate.py failed"
  cp -r mutants original
  compiling original >before &
  compiling=$!
  instrument_all mutants
  cp -r mutants once
  wait "$compiling"
  (($(wc -l <before) * 10 > $(find original -type f | wc -l) * 8)) ||
    fail "only $(wc -l <before) mutants compile before"
  compiling once >after &
  compiling=$!
  instrument_all mutants
  diff -rq once mutants || fail "instrumented twice isn't once"
  thag remove -q -i mutants || fail "remove failed"
  diff -rq original mutants || fail "removed, they aren't as they were"
  wait "$compiling"
  diff before after || fail "they don't compile any more"
  echo "REMARK $(find mutants -type f | wc -l) sources, $(wc -l <before) that compile," \
    "$(cat once/* | grep -acE 'THAG_(PROFILED|ENABLE_PROFILING)\([a-z]*\);') marks"
}
