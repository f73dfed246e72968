# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154,SC2094 # run.sh sets them; the same file may be meant
# The commands: streams, files, folders, patches, filters, reports, and what is refused.

: "${build:?}" "${work:?}"

hello() { printf '#include <stdio.h>\n\nint main(void)\n{\n\tputs("hello");\n}\n\nvoid f(void) { main(); }\n'; }

make_tree() {
  mkdir -p tree/sub tree/.git tree/built/meson-private tree/node_modules
  for name in a.c sub/b.c .git/c.c built/d.c node_modules/e.c .hidden.c; do
    hello >"tree/$name"
  done
  printf 'static inline int g(void)\n{\n\treturn 1;\n}\n' >tree/sub/h.h
  echo 'not a source' >tree/README
  ln -s ../a.c tree/sub/link.c
}

test_streams() {
  hello >a.c
  expect 0 thag instrument <a.c
  printf '#include <stdio.h>\n#include <thag.h> /* thag instrument: all marks */\n\nint main(void)\n{\n\tTHAG_ENABLE_PROFILING(time);\n\tputs("hello");\n}\n\nvoid f(void) { THAG_PROFILED(); main(); }\n' >expected.c
  same out expected.c
  says err 'thag instrument: 2 marks in 1 of 1 file'
  expect 0 thag remove <expected.c
  same out a.c
  says err 'thag remove: 2 marks taken out of 1 of 1 file'
  expect 0 thag instrument a.c
  same out expected.c
  expect 0 thag instrument -q --profile both <a.c
  says out 'THAG_ENABLE_PROFILING(both);'
  [[ ! -s err ]] || fail "not quiet: $(cat err)"
}

test_own_names() {
  hello >a.c
  ln -s "$build/tools/instrument/thag-instrument" thag-remove
  expect 0 "$build/tools/instrument/thag-instrument" <a.c
  cp out b.c
  expect 0 ./thag-remove <b.c
  same out a.c
}

# As installed, and where the program is missing.
test_thag_finds_the_program() {
  mkdir bin
  cp "$build/tools/thag" bin
  hello >a.c
  expect 1 env PATH=/nowhere bin/thag instrument <a.c
  says err "thag instrument: can't run thag-instrument"
  cp "$build/tools/instrument/thag-instrument" bin
  expect 0 env PATH=/nowhere bin/thag instrument <a.c
  says out THAG_PROFILED
}

test_marks_made_by_hand_stay() {
  printf '#include <thag.h>\nvoid f(void)\n{\n\tTHAG_PROFILED();\n}\nvoid g(void)\n{\n\tTHAG_SECTION(a, "a");\n}\nint main(void)\n{\n\tg();\n\tTHAG_ENABLE_PROFILING(both);\n}\n' >hand.c
  expect 0 thag instrument <hand.c
  cp out marked.c
  [[ $(diff hand.c marked.c) == $'7a8\n> \tTHAG_PROFILED(); /* thag instrument */' ]] || fail "$(diff hand.c marked.c)"
  expect 0 thag instrument <marked.c
  same out marked.c
  expect 0 thag remove <marked.c
  same out hand.c
  expect 0 thag remove --all <marked.c
  says out '#include <thag.h>'
  ! grep -E 'PROFIL' out || fail "not all are gone"
  says out THAG_SECTION
}

test_folders_in_place() {
  make_tree
  cp -a tree before
  chmod 750 tree/a.c
  expect 0 thag instrument -i tree
  says err '4 marks in 2 of 2 files'
  for name in .git/c.c built/d.c node_modules/e.c .hidden.c sub/h.h README; do
    same "tree/$name" "before/$name"
  done
  [[ -L tree/sub/link.c && $(stat -c %a tree/a.c) == 750 ]] || fail "link or mode"
  cp -a tree once
  expect 0 thag instrument -i tree
  diff -r once tree || fail "twice isn't once"
  expect 0 thag instrument -i --headers tree
  says err '1 mark in 1 of 3 files'
  expect 0 thag remove -i tree
  diff -r before tree || fail "not as it was"
  expect 0 thag instrument -i tree/built tree/sub/link.c
  says err '4 marks in 2 of 2 files'
  [[ -L tree/sub/link.c ]] || fail "the link is gone"
}

test_backups() {
  hello >a.c
  cp a.c before.c
  chmod 640 a.c
  expect 0 thag instrument -i --backup a.c
  same a.c.orig before.c
  [[ $(stat -c %a a.c.orig) == 640 ]] || fail "mode"
  expect 0 thag remove -i --backup=~ a.c
  same a.c before.c
  says a.c~ THAG_PROFILED
}

# Patches that patch and git take, with odd line ends and names.
test_patches() {
  local file
  mkdir -p "with blank" sub
  hello >"with blank/a.c"
  hello | sed 's/$/\r/' >sub/crlf.c
  printf 'int f(void) { return 1; }\nint g(void) { return 2; }' >no-newline.c
  hello >$'q"\\\t.c'
  for file in 1 2 3 4 5 6 7 8 9; do
    printf 'int f%s(void)\n{\n\treturn 1;\n}\n\n' "$file"
    [[ $file != [47] ]] || printf '/*\n *\n *\n *\n *\n *\n *\n *\n */\n'
  done >long.c
  cp -a . "$work/patched"
  (cd "$work/patched" && expect 0 thag instrument -i .) || exit
  rm -f "$work/patched"/{out,err}
  expect 0 thag instrument --diff .
  cp out "$work/patch"
  mkdir "$work/by-patch" "$work/by-git"
  cp -a . "$work/by-patch" && cp -a . "$work/by-git"
  rm -f "$work"/by-*/{out,err}
  (cd "$work/by-patch" && patch -s -p1 <"$work/patch") || fail "patch doesn't take it"
  diff -r "$work/patched" "$work/by-patch" || fail "patched otherwise"
  if command -v git >/dev/null; then
    (cd "$work/by-git" && GIT_CEILING_DIRECTORIES=$work git apply --whitespace=nowarn "$work/patch") ||
      fail "git doesn't take it"
    diff -r "$work/patched" "$work/by-git" || fail "git made something else"
  fi
  (cd "$work/by-patch" && thag remove --diff . 2>/dev/null | patch -s -p1) || fail "patch of remove"
  rm -f out err "$work/by-patch"/*.orig
  diff -r . "$work/by-patch" || fail "not as it was"
}

test_check() {
  hello >a.c
  expect 1 thag instrument --check a.c
  says out 'a.c: 2 marks to add'
  expect 0 thag remove --check a.c
  expect 0 thag instrument -i a.c
  expect 0 thag instrument --check a.c
  [[ ! -s out ]] || fail "$(cat out)"
  expect 1 thag remove -c a.c
  says out 'a.c: 2 marks to take out'
}

test_filters() {
  printf 'int parse_a(void)\n{\n\treturn 1;\n}\nint parse_b(void) { return 2; }\nint print_c(void)\n{\n\n\treturn 3;\n}\nint main(void) { return 0; }\n' >a.c
  marks() { thag instrument -q "$@" <a.c | grep -c 'THAG_[A-Z_]*('; }
  (($(marks) == 4)) || fail "all"
  (($(marks --only parse) == 3)) || fail "only parse, and main"
  (($(marks --only '^parse_b$' --skip main) == 1)) || fail "only parse_b"
  (($(marks --skip 'parse_[a-z]') == 2)) || fail "skip parse"
  (($(marks --min-lines 4) == 2)) || fail "four lines, and main"
  mkdir lib test
  cp a.c lib/a.c
  cp a.c test/a_test.c
  expect 0 thag instrument -i --path 'lib/*' lib test
  says err 'in 1 of 1 file'
  expect 0 thag remove -i --exclude '*_test.c' lib test
  says err '4 marks taken out of 1 of 1 file'
  # by and by is as at once
  thag instrument -q a.c >at-once.c
  for name in print_c parse_b main parse_a; do
    expect 0 thag instrument -i --only "$name" --skip "$([[ $name == main ]] && echo none || echo main)" a.c
  done
  same a.c at-once.c
}

test_reports() {
  hello >a.c
  printf 'void no_mark(void);\nconst int x;\n' >b.c
  expect 1 thag instrument --check --json a.c b.c
  python3 - out <<'END' || fail "$(cat out)"
import json, sys
report = json.load(open(sys.argv[1]))
assert report["marks"] == 2 and report["changed"] == 1 and report["failed"] == 0
a, b = report["files"]
assert a["path"] == "a.c" and a["changed"] and a["marks"] == 2
assert [(f["name"], f["line"], f["marked"]) for f in a["functions"]] == [("main", 3, True), ("f", 8, True)]
assert not b["changed"] and b["functions"][0]["why"] == "a prototype"
END
  expect 0 thag instrument -v -i b.c
  says err 'b.c:1: no_mark: a prototype'
}

# A header's own command is that of the source that is most like it.
test_compile_commands() {
  mkdir -p project/src project/include project/build
  printf '#define RETURNS int\n' >project/include/types.h
  printf '#include "types.h"\n#ifndef WITH\n#error\n#endif\nRETURNS f(void)\n{\n\treturn WITH;\n}\n' >project/src/f.c
  cat >project/build/compile_commands.json <<'END'
[{ "directory": "DIR/build", "file": "../src/f.c",
   "command": "ccache gcc -I../include -DWITH=1 -Werror -fno-such-flag -o f.o -c ../src/f.c" }]
END
  sed -i "s|DIR|$PWD/project|" project/build/compile_commands.json
  expect 0 thag instrument project/src/f.c
  [[ $(wc -l <err) == 1 ]] || fail "$(cat err)"
  says out THAG_PROFILED
  mv project/build elsewhere
  sed -i "s|project/build|elsewhere|" elsewhere/compile_commands.json
  expect 0 thag instrument project/src/f.c
  says err "'types.h' file not found"
  expect 0 thag instrument -q project/src/f.c -- -Iproject/include -DWITH=2
  [[ ! -s err ]] || fail "$(cat err)"
  expect 1 thag instrument -p . project/src/f.c
  says err "./compile_commands.json isn't there"
  echo '[{' >compile_commands.json
  expect 1 thag instrument -p . project/src/f.c
  says err "makes no sense"
}

test_output_that_is_the_input() {
  hello >a.c
  cp a.c b.c
  thag instrument a.c 1<>a.c 2>err && fail "written over itself"
  says err 'the output is the same file'
  thag instrument <a.c 1<>a.c 2>err && fail "written over itself"
  thag remove <a.c >>a.c 2>err && fail "appended to itself"
  same a.c b.c
  thag instrument <a.c 2>err >a.c && fail "empty"
  says err 'the shell did that'
}

test_odd_files() {
  : >empty.c
  expect 0 thag instrument <empty.c
  [[ ! -s out ]] || fail "empty"
  printf 'int f(void)\n{\n\t\0return 1;\0\n}\n' >zeros.c
  expect 0 thag instrument <zeros.c
  says out THAG_PROFILED
  thag remove <out 2>/dev/null | cmp - zeros.c || fail "zeros"
  printf 'int f(void)\r{\r\treturn 1;\r}\r' >mac.c
  expect 1 thag instrument <mac.c
  says err 'carriage returns without line feeds'
  [[ ! -s out ]] || fail "written"
  printf '#endif\nint f(void) { return 1; }\n' >endif.c
  expect 1 thag instrument <endif.c
  says err "don't match"
  truncate -s 100M large.c
  expect 1 thag instrument -i large.c
  says err 'larger than 64 MiB'
  mkfifo pipe.c
  expect 1 thag instrument -i pipe.c
  says err 'not a regular file'
  hello >text.txt
  expect 1 thag instrument -i text.txt
  says err '-x does'
  expect 0 thag instrument -x c -i text.txt
  expect 1 thag instrument -i not-there.c
  says err 'No such file'
}

# Some fail, the others are done.
test_failures_stop_nobody() {
  mkdir d
  hello >d/a.c
  hello >d/b.c
  printf 'int f(void)\r{\r}\r' >d/aa.c
  expect 1 thag instrument -i d
  says err '4 marks in 2 of 3 files; 1 failed'
  if [[ $(id -u) != 0 ]]; then
    chmod 444 d/a.c
    expect 1 thag remove -i d/a.c
    says err "can't be written: Permission denied"
    mkdir d/closed
    chmod 0 d/closed
    expect 1 thag remove -i d
    says err "d/closed: can't be read"
  fi
}

test_wrong_usage() {
  local words
  hello >a.c
  while read -r words; do
    # shellcheck disable=SC2086 # words
    expect 2 thag $words
    says err "; see 'thag help ${words%% *}'"
    [[ $(wc -l <err) == 1 ]] || fail "$(cat err)"
  done <<'END'
instrument --nothing
instrument -x
instrument -x rust
instrument -i
instrument -i --diff a.c
instrument a.c a.c
instrument --backup a.c
instrument --json a.c
instrument --only ( a.c
instrument --only a --only b a.c
instrument --min-lines many a.c
instrument --profile often a.c
instrument --backup=/x -i a.c
remove --lambdas
remove -p build
END
  expect 0 thag instrument --help
  cp out help
  expect 0 thag help instrument
  same out help
  expect 0 thag remove -h
  cp out help
  expect 0 thag help remove
  same out help
  expect 1 bash -c "'$build/tools/thag' instrument <a.c >/dev/full"
  says err "can't write"
}

# The marks profile: from source to thag list's profile is tests/real's; here that it links and runs.
test_the_result_runs() {
  printf '#include <stdio.h>\n\nstatic int twice(int a)\n{\n\treturn 2 * a;\n}\n\nint main(void)\n{\n\tprintf("%%d\\n", twice(21));\n}\n' >a.c
  expect 0 thag instrument -i a.c
  gcc -DTHAG_TIME_PROFILING "${flags[@]}" a.c -o a -L"$build/libclient" -lthag \
    -Wl,-rpath,"$build/libclient" || fail "doesn't link"
  expect 0 env THAG_SOCKET="$PWD/nobody" ./a
  [[ $(cat out) == 42 ]] || fail "$(cat out)"
  says err thag
}
