# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154,SC2094 # run.sh sets them; the same file may be meant
# Which functions get a mark, where it and the include go, and why others get none. The sources say
# it themselves: a function whose name begins with yes gets one, one whose name begins with no none.

: "${here:?}" "${build:?}"

# marked LANGUAGE SOURCE OPTION...: each function as its name says; it compiles as before, with
# profiling and without; and it can be taken back, and isn't marked twice.
marked() {
  local language=$1 source=$2 compiler=gcc define
  shift 2
  [[ $language == c ]] || compiler=g++
  expect 0 thag instrument -x "$language" "$@" <"$source"
  cp out marked
  check_names "$source" "$@"
  for define in -DTHAG_TIME_PROFILING -DNOTHING; do
    "$compiler" -x "$language" -std=gnu"${standard:-$([[ $language == c ]] && echo 11 || echo ++20)}" -w \
      -fsyntax-only "$define" "${flags[@]}" marked || fail "doesn't compile: $define"
  done
  thag remove <marked 2>/dev/null | cmp - "$source" || fail "removed, it isn't as it was"
  thag instrument -x "$language" "$@" <marked 2>/dev/null | cmp - marked || fail "marked twice"
}

# The report's names, against the marks that a reader sees.
check_names() {
  local source=$1
  shift
  thag instrument --check --json -x "$language" "$@" <"$source" >report.json 2>/dev/null
  python3 "$here/names.py" report.json || fail "not as the names say"
}

test_c_functions() { marked c "$here/functions.c"; }
test_cpp_functions() { marked c++ "$here/functions.cpp"; }
test_cpp_lambdas() {
  sed 's/no_lambda/yes_lambda/' "$here/functions.cpp" >source.cpp
  marked c++ source.cpp --lambdas
  (($(grep -c 'THAG_PROFILED' marked) > $(thag instrument -x c++ <source.cpp 2>/dev/null |
    grep -c THAG_PROFILED))) || fail "no more marks with --lambdas"
}

# Old C, and the C++ that thag.hpp is too new for.
test_old_standards() {
  printf 'int f(a, b)\nint a;\nchar b;\n{\n\tint c = a;\n\treturn b + c;\n}\n' >kr.c
  standard=89 marked c kr.c
  printf 'struct s { s() { } };\n' >old.cpp
  standard=++98 marked c++ old.cpp -- -std=c++98
  says marked '#include <thag.h>'
  expect 0 thag instrument -x c++ <old.cpp
  says out '#include <thag.hpp>'
}

# A function with two openings, in each of its shapes.
test_alternative_openings() {
  local define
  cat >two.c <<'END'
#ifdef A
int yes_f(int a) {
#else
int yes_f(long a) {
#endif
	return (int)a;
}
#ifdef A
int no_g(void)
{
	return 1;
}
#endif
int yes_h(void)
#ifdef A
{
#else
{ int b = 1;
#endif
	return 2;
}
END
  for define in A B; do
    expect 0 thag instrument -- "-D$define" <two.c
    cp out "marked$define.c"
    gcc -DA -DTHAG_TIME_PROFILING "${flags[@]}" -fsyntax-only "marked$define.c" || fail "$define, as A"
    gcc -DB -DTHAG_TIME_PROFILING "${flags[@]}" -fsyntax-only "marked$define.c" || fail "$define, as B"
    thag remove <out 2>/dev/null | cmp - two.c || fail "$define: not as it was"
  done
  # what the one doesn't see, the other does
  expect 0 thag instrument -- -DA <markedB.c
  [[ $(grep -c THAG_PROFILED out) == 5 ]] || fail "$(cat out)"
  thag remove <out 2>/dev/null | cmp - two.c || fail "both: not as it was"
}

# Without its headers: what is certain, and no more.
test_sources_that_dont_parse() {
  cat >broken.c <<'END'
#include "not-there.h"
#define MINE(name) int name(void)
not_there_t no_type(int a)
{
	return a;
}
NOT_THERE(int, no_macro)
{
	return 1;
}
EXPORT_NOT_THERE int no_export(void)
{
	return 1;
}
MINE(yes_mine)
{
	return not_there(1, there_is_no);
}
int yes_last(struct not_there *it)
{
	return it->member;
}
END
  expect 0 thag instrument <broken.c
  says err "stdin.c:1"
  says err "not-there.h"
  cp out marked
  language=c check_names broken.c
  thag remove <marked 2>/dev/null | cmp - broken.c || fail "not as it was"
}

test_gnu_nested_functions_are_reported() {
  printf 'int f(void)\n{\n\tint g(int a) { return a; }\n\treturn g(1);\n}\n' >nested.c
  expect 0 thag instrument -v <nested.c
  says err 'stdin:3: nested: a function in a function'
  [[ $(grep -c THAG_PROFILED out) == 1 ]] || fail "$(cat out)"
}
