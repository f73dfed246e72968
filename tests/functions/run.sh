#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Programs compiled with -finstrument-functions, with libthag-cyg linked or preloaded: calls counted
# against callgrind, function by function, and against what each program is known to do; filters,
# and the ways in which nothing is profiled. Prints "ok"/"not ok" lines and "N passed, N failed".
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=../accuracy/lib.sh
. "$(dirname "$0")/../accuracy/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
examples=$accuracy_top/examples
hooks=$build/libclient/libthag-cyg.so
passed=0 failed=0
unset THAG_FUNCTIONS THAG_FUNCTIONS_MIN_SIZE THAG_MODULES THAG_ON_FULL
export THAG_ON_FULL=wait PLUGIN_A=$work/plugin_a.so PLUGIN_B=$work/plugin_b.so

# check NAME COMMAND...
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    failed=$((failed + 1))
  fi
  [[ -z $output ]] || printf '%s\n' "$output" | tail -n 25
}

# compile OUTPUT COMPILER FLAG...: functions stay functions, so that callgrind sees what we see.
compile() {
  local output=$1 compiler=$2
  shift 2
  "$compiler" -g -O1 -fno-inline -finstrument-functions "$@" -o "$work/$output"
}

build_programs() {
  compile formula gcc "$examples/functions/formula.c" -lm -ldl || return 1
  compile functions.so g++ -fPIC -shared "$examples/functions/functions.cpp" || return 1
  compile treestat gcc -D_GNU_SOURCE -I"$accuracy_top/libclient/include" \
    "$examples"/treestat/*.c -pthread || return 1
  compile scenes g++ "$here/scenes.cpp" -pthread -ldl || return 1
  compile libearly.so gcc -fPIC -shared "$here/early.c" || return 1
  gcc "$here/early_main.c" -L"$work" -learly -Wl,-rpath,"$work" -o "$work/early_main" || return 1
  compile plugin_a.so gcc -fPIC -shared -DNAME=alpha "$here/plugin.c" || return 1
  compile plugin_b.so gcc -fPIC -shared -DNAME=beta_ "$here/plugin.c" || return 1
}

make_formulas() {
  awk 'BEGIN { for (i = 1; i < 400; i++) {
    print "sqrt(" i ") + cube(" i ") * (" i " - 1) ^ 2"; print "-" i " / (2 + fact(3))"; print "sqrt(-" i ")"
  } }' >"$work/formulas"
}

# hooked COMMAND...: with the hooks preloaded.
hooked() { LD_PRELOAD=$hooks "$@"; }

# calls_equal NAME "OBJECT..." COMMAND...: callgrind runs the same program, without the hooks.
calls_equal() {
  local name=$1 objects
  read -ra objects <<<"$2"
  shift 2
  valgrind --tool=callgrind --callgrind-out-file="$work/$name.callgrind" "$@" \
    >"$work/$name.stdout" 2>"$work/$name.valgrind" || return 1
  profile "$work/out-$name" hooked "$@" || return 1
  cmp "$work/$name.stdout" "$work/out-$name/stdout" || return 1
  "$here/compare.py" callgrind "$work/$name.callgrind" "$work/out-$name" "${objects[@]}"
}

formula() {
  calls_equal formula "formula functions.so" "$work/formula" -p "$work/functions.so" "$work/formulas"
}
treestat() { calls_equal treestat treestat "$work/treestat" --threads 1 "$work/tree"; }

# scene NAME FUNCTION=CALLS...: besides, an object is made before main and destroyed after it.
scene() {
  local name=$1
  shift
  profile "$work/out-$name" hooked "$work/scenes" "$name" || return 1
  "$here/compare.py" counts "$work/out-$name" main=1 Early::Early=1 Early::~Early=1 "$@"
}

cpp_scene() { calls_equal cpp scenes "$work/scenes" cpp; }

forks_scene() {
  profile "$work/out-forks" hooked "$work/scenes" forks || return 1
  wait_for 10 four_files "$work/out-forks" || return 1
  cat "$work"/out-forks/*.json | grep -oE '^  "calls": *[0-9]+' | sort | uniq -c
  # a child's stack begins with what it calls: the frames that are open belong to its parent
  [[ $(cat "$work"/out-forks/*.folded | grep -cE '^child_work\(\);leaf [0-9]+$') == 3 ]]
}

four_files() { [[ $(compgen -G "$1/*.folded" | wc -l) == 4 ]]; }

linked() {
  gcc -g -O1 -fno-inline "$examples/functions/formula.c" -finstrument-functions -lm -ldl \
    -L"$build/libclient" -lthag-cyg -Wl,-rpath,"$build/libclient" -o "$work/formula-linked" &&
    "$build/tools/thag" list >/dev/null &&
    profile "$work/out-linked" "$work/formula-linked" -p "$work/functions.so" "$work/formulas" &&
    "$here/compare.py" callgrind "$work/formula.callgrind" "$work/out-linked" formula functions.so
}

# clang's own instrumentation, which comes before its inlining, too.
by_clang() {
  clang -g -O1 -fno-inline -finstrument-functions "$examples/functions/formula.c" -lm -ldl \
    -o "$work/clang/formula" &&
    calls_equal formula-clang "formula functions.so" "$work/clang/formula" -p "$work/functions.so" \
      "$work/formulas"
}

# The library comes before the hooks: the first call of all finds them whole by itself.
early() {
  profile "$work/out-early" hooked "$work/early_main" || return 1
  "$here/compare.py" counts "$work/out-early" resolve=1 construct=1 early_call=1 \
    answer=2
}

# --- filters ---

# filtered NAME "VARIABLE=VALUE..." FUNCTION=CALLS...
filtered() {
  local name=$1 variables
  read -ra variables <<<"$2"
  shift 2
  profile "$work/out-$name" env "${variables[@]}" LD_PRELOAD="$hooks" "$work/formula" \
    -p "$work/functions.so" "$work/formulas" || return 1
  "$here/compare.py" counts "$work/out-$name" "$@"
}

filter_names() {
  filtered include THAG_FUNCTIONS=parse_*,!*_atom,evaluate_file evaluate_file=1 parse_sum=3591 \
    parse_product=4788 parse_power=5985 parse_call=1596 parse_number=3591
}

filter_exclude() {
  filtered exclude 'THAG_FUNCTIONS=-parse_*,!skip_blanks,![t]ake THAG_MODULES=formula' main=1 \
    load_plugin=1 evaluate_file=1 evaluate=1197 fail=399
}

filter_size() {
  local size
  size=$(nm -S --defined-only "$work/formula" | awk '$4 == "main" { print $2 }')
  size=$((16#$size))
  filtered size "THAG_FUNCTIONS_MIN_SIZE=$size THAG_MODULES=formula" main=1 parse_call=1596
}

filter_modules() {
  filtered modules 'THAG_MODULES=functions.so THAG_FUNCTIONS=formula_call' formula_call=1596
}

# A stripped file has no names but those it exports; sizes aren't known either.
filter_stripped() {
  strip -o "$work/stripped" "$work/formula" || return 1
  profile "$work/out-stripped" env THAG_FUNCTIONS='!nothing' THAG_FUNCTIONS_MIN_SIZE=1000000 \
    LD_PRELOAD="$hooks" "$work/stripped" "$work/formulas" || return 1
  grep -qE '^  "calls": *[0-9]{4,}' "$work"/out-stripped/*.json
}

# Bad values: one line, and all is recorded.
filter_bad() {
  local value
  for value in 'THAG_FUNCTIONS=a,[b' 'THAG_FUNCTIONS=a,!' 'THAG_MODULES=a[]' \
    'THAG_FUNCTIONS_MIN_SIZE=12k' 'THAG_FUNCTIONS_MIN_SIZE=-1' \
    "THAG_FUNCTIONS=$(printf '%020000d' 0)"; do
    env "$value" THAG_PROFILER="time,$work/out-bad" LD_PRELOAD="$hooks" "$work/formula" \
      "$work/formulas" >"$work/out" 2>"$work/err" || return 1
    if [[ $(wc -l <"$work/err") != 1 ]] || ! grep -q '^thag: THAG_' "$work/err"; then
      echo "${value:0:80}: $(cat "$work/err")"
      return 1
    fi
  done
}

# --- not profiled ---

# silent LINES COMMAND...: so many lines on stderr, and the program's own output.
silent() {
  local lines=$1
  shift
  "$@" "$work/formulas" >"$work/out" 2>"$work/err" || return 1
  cat "$work/err"
  "$work/formula" "$work/formulas" | cmp - "$work/out" && [[ $(wc -l <"$work/err") == "$lines" ]]
}

without_daemon() { silent 1 env THAG_SOCKET="$work/nobody" LD_PRELOAD="$hooks" "$work/formula"; }
turned_off() { silent 0 env THAG_PROFILER=none LD_PRELOAD="$hooks" "$work/formula"; }
bad_profiler() { silent 1 env THAG_PROFILER=often LD_PRELOAD="$hooks" "$work/formula"; }
little_memory() { silent 1 sh -c "ulimit -v 60000; LD_PRELOAD=$hooks exec $work/formula \"\$1\"" -; }

# --- thag run --functions ---

thag_run() { (cd "$work" && THAG_PROFILER="time,$work/out-run" "$build/tools/thag" run -q -F "$@"); }

run_preloads() {
  thag_run -- ./formula "$work/formulas" >"$work/out" 2>"$work/err" || return 1
  wait_for 10 has_session_file "$work/out-run" || return 1
  [[ ! -s $work/err ]] && grep -qE '^main;evaluate_file;evaluate;parse_sum' "$work"/out-run/*.folded
}

run_advises() {
  local status=0 sessions
  sessions=$("$build/tools/thag" list | wc -l)
  thag_run sh -c 'exit 42' 2>"$work/err" || status=$?
  cat "$work/err"
  [[ $status == 42 && $(wc -l <"$work/err") == 1 ]] || return 1
  grep -q "isn't compiled with -finstrument-functions" "$work/err" || return 1
  # a process without instrumented code is no session
  [[ $("$build/tools/thag" list | wc -l) == "$sessions" ]]
}

run_advises_static() {
  gcc -static -finstrument-functions "$here/plugin.c" -DNAME=main -Dplugin_work=unused \
    -o "$work/static" 2>/dev/null || gcc -static -x c - -o "$work/static" <<<'int main(void) { return 0; }' || return 1
  thag_run "$work/static" 2>"$work/err" || return 1
  cat "$work/err"
  grep -q 'linked statically' "$work/err" && [[ $(wc -l <"$work/err") == 1 ]]
}

main() {
  mkdir -p "$work/clang" "$work/out-run"
  check "programs compile without warnings" build_programs
  make_formulas
  make_tree "$work/tree" 30
  start_daemon || {
    echo "not ok thagd starts"
    echo "0 passed, 1 failed"
    exit 1
  }
  check "C, and a plugin in C++: calls equal callgrind's" formula
  check "the same, linked with the hooks" linked
  command -v clang >/dev/null && check "the same, by clang" by_clang
  check "treestat without marks: calls equal callgrind's" treestat
  check "C++: before and after main, virtual, templates, lambdas, exceptions" cpp_scene
  check "recursion a million deep" scene recursion recursion=1 deep_thread=1 deep=1000001 leaf=2
  check "longjmp" scene jumps jumps=1 landing=1000 jumper=5000 leaf=1002
  check "handlers on stacks of their own" scene alternate alternate=1 handler=1000 leaf=2002
  check "40 threads" scene threads threads=1 worker=40 leaf=4000002
  check "fork" forks_scene
  check "vfork and exec" scene vforks vforks=1 wait_for=100 leaf=202
  check "posix_spawn" scene spawns spawns=1 wait_for=20 leaf=22
  check "two plugins at the same address" scene plugins plugins=1 use_plugin=7 plugin_work=1330 \
    alpha=1300 beta_=30 leaf=2
  check "resolvers and early constructors" early
  check "filter: names" filter_names
  check "filter: what is left out" filter_exclude
  check "filter: sizes" filter_size
  check "filter: modules" filter_modules
  check "filter: a stripped program" filter_stripped
  check "filter: bad values are said in a line" filter_bad
  check "no thagd: one line, the program as it is" without_daemon
  check "THAG_PROFILER=none: nothing" turned_off
  check "a bad THAG_PROFILER: one line" bad_profiler
  check "no address space: one line" little_memory
  check "thag run --functions profiles" run_preloads
  check "thag run --functions says what isn't instrumented" run_advises
  check "thag run --functions says what is static" run_advises_static
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

main
