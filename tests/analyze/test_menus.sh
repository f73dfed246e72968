# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Menus, choosing of profiles, and tables.

# The runner sets it.
: "${THAG_BUILD:?}" "${stem:?}" "${older:?}" "${path:=}"

test_menu_and_exit() {
  on 80x24
  shows '> 1  Time Profile: Single' 'Time Profile: Differential' 'Memory Profile: Single' \
    'Memory Profile: Differential' '5  Exit'
  keys '?'
  shows 'thag analyze looks at profiles'
  keys Escape
  shows '5  Exit'
  keys Down Down Down Down Enter
  ends 0
}

test_profiles_are_grouped_and_filtered() {
  on 80x24
  keys 1
  shows "$stem.folded" "$older.folded" '^my-prog$' '^perf$'
  screen | grep -v '^ *$' | sed -n '2,6p' | awk '{ print $NF }' >order
  printf '%s\n' my-prog "$stem".folded "$older".folded perf perf.folded | cmp - order ||
    fail "$(screen)"
  ! is_shown memory.folded || fail "a profile of memory is among those of time"
  keys /
  text 4242
  keys Enter
  shows "filter '4242': 1 of 3" "$older.folded"
  hides perf.folded
  keys Escape
  shows perf.folded
  keys /
  text nothing
  keys Enter
  shows '^  none' '0 of 3'
  keys Escape q
  shows '5  Exit'
  keys 3
  shows "$stem-memory.folded" "$older-memory"
  ! is_shown "$stem.folded" || fail "a profile of time is among those of memory"
  back_out
}

test_statistics() {
  on 80x24
  at_time
  keys 5
  shows '^\$ thag stat' 'FUNCTION'
  thag stat ./"$stem".folded >expected
  holds_rows expected
  run_twin
  cmp expected twin || fail "the command line says something else"
  local order
  for order in t=total c=calls m=mean x=max n=name 9=p99 s=self; do
    keys "${order%=*}"
    shows "sort ${order#*=}"
    thag stat "$stem".folded --sort "${order#*=}" >expected
    screen | sed -n '/FUNCTION/,/^$/p' | awk 'NR > 1 && NF { print $NF }' >rows
    sed '1,/FUNCTION/d' expected | awk '{ print $NF }' | cmp - rows || fail "${order#*=}: $(screen)"
  done
  keys S
  shows 'main;eval;call;eval;call' '--stacks'
  run_twin
  holds_rows twin
  keys S
  hides '--stacks'
  keys /
  text 'le?x'
  keys Enter
  shows '--filter .le\?x.'
  hides parse
  keys /
  keys C-u
  text '('
  keys Enter
  shows 'missing|parenthes'
  keys '?'
  shows 'What each function, or stack, took'
  keys q
  back_out
}

test_filters() {
  on 80x24
  at_time
  keys 5
  shows FUNCTION
  keys f
  shows 'Go on without filters'
  keys Down Down Enter
  shows '^without'
  text '/^par/'
  keys Enter
  shows 'remove: --without /\^par/'
  keys Home Enter
  shows "--without '/\\^par/'"
  hides ' lex'
  thag stat "$stem".folded --without '/^par/' >expected
  holds_rows expected
  keys F
  shows ' lex'
  back_out
  for option in only=2 without-own=4 hide=5; do
    on 80x24
    at_time
    keys 7
    shows 'Filters' 'remove: --without'
    # those of the last time are there, and can be taken away
    keys End d
    hides 'remove:'
    keys Home
    for ((i = 1; i < ${option#*=}; i++)); do keys Down; done
    keys Enter
    text eval
    keys Enter
    shows "remove: --${option%=*} eval"
    keys Home Enter
    shows "--${option%=*} eval"
    keys q q q q
    ends 0
    # for the next one
    on 80x24
    at_time
    keys 7
    shows "remove: --${option%=*} eval"
    keys End d
    hides 'remove:'
    keys Home Down Down Enter
    text x
    keys Enter
    shows 'remove: --without x'
    back_out
  done
}

test_functions_from_a_list() {
  on 80x24
  at_time
  keys 5
  shows FUNCTION
  keys f
  shows 'Filters'
  keys Down Down Enter
  shows '^without'
  keys Enter
  shows '^> main$' '^  eval$' '^  idle$'
  keys /
  text ALL
  keys Enter
  shows '^> call$' '1 of 6'
  keys Enter
  shows 'remove: --without call'
  keys Home Enter
  shows '--without call'
  thag stat "$stem".folded --without call >expected
  holds_rows expected
  back_out
}

test_least_and_recursion() {
  on 80x24
  at_time
  keys 5
  shows FUNCTION
  keys f
  keys Down Down Down Down Down Enter
  shows '^at least'
  text many
  keys Enter
  shows 'no whole number'
  keys Enter
  text 200
  keys Enter
  shows 'remove: --at-least 200'
  keys Down Enter
  shows 'remove: --collapse'
  keys Home Enter
  shows '--at-least 200 --collapse'
  thag stat "$stem".folded --at-least 200 --collapse >expected
  holds_rows expected
  back_out
}

test_difference() {
  on 120x40
  keys 2
  shows 'Before: profiles'
  keys Down Enter
  shows 'After: profiles' 'what came after it'
  keys Enter
  shows 'Table of the difference'
  keys 3
  shows CHANGE
  thag diff "$older".folded "$stem".folded >expected
  holds_rows expected
  run_twin
  cmp expected twin || fail "$(cat twin.sh)"
  local order
  for order in r=relative b=before a=after n=name c=change; do
    keys "${order%=*}"
    shows "sort ${order#*=}"
    thag diff "$older".folded "$stem".folded --sort "${order#*=}" >expected
    screen | sed -n '/FUNCTION/,/^$/p' | awk 'NR > 1 && NF { print $NF }' >rows
    sed '1,/FUNCTION/d' expected | awk '{ print $NF }' | cmp - rows || fail "${order#*=}: $(screen)"
  done
  keys N S
  shows '--stacks --normalise'
  thag diff "$older".folded "$stem".folded --stacks --normalise >expected
  holds_rows expected
  keys N S q 1
  drawn
  thag svg "$older".folded "$stem".folded | cmp - "$path" || fail "thag svg draws something else"
  twin_draws
  keys q
  shows 'Before: profiles'
  keys Enter
  shows 'After: profiles'
  keys End Enter
  shows 'of two programs'
  back_out
}

test_choices_are_remembered() {
  on 80x24 XDG_CONFIG_HOME="$PWD/config"
  keys 2
  shows Before
  keys q 1
  shows 'Time: profiles'
  keys Enter
  shows '> 1  Flamegraph'
  keys 5
  shows FUNCTION
  keys n S
  shows '--sort name --stacks'
  keys q 8
  shows Palette
  keys 1 1
  shows 'Palette +green'
  back_out
  on 80x24 XDG_CONFIG_HOME="$PWD/config"
  shows '> 1  Time'
  at_time
  keys 5
  shows '--sort name --stacks'
  keys q 1
  drawn
  run_twin
  grep -q 'palette green' twin.sh || fail "$(cat twin.sh)"
  back_out
  # words that no command knows are forgotten
  echo '{"palette": "mud", "sort": "luck", "theme": "dark"}' >config/thag/analyze.json
  on 80x24 XDG_CONFIG_HOME="$PWD/config"
  at_time
  keys 5
  shows FUNCTION
  keys q 1
  drawn
  run_twin
  grep -q "type flamegraph --theme dark$" twin.sh || fail "$(cat twin.sh)"
  back_out
  # a file that is none is said once, and replaced
  echo '{' >config/thag/analyze.json
  on 80x24 XDG_CONFIG_HOME="$PWD/config"
  shows "not as it was written"
  keys Down
  hides "not as it was"
  back_out
  grep -q '"menu"' config/thag/analyze.json || fail "it isn't replaced"
  on 80x24 XDG_CONFIG_HOME=/proc/none
  shows '/proc/none/thag/analyze.json: '
  at_time
  back_out
}

test_corrupt_profiles() {
  printf 'no number\n' >bad-20261129-000000.folded
  on 80x24
  at_time
  keys 5
  shows 'line 1|no folded stacks|malformed'
  shows '> 5  Statistics|It failed'
  back_out
  printf 'a;b 3\nno number\n' >bad-20261129-000000.folded
  on 80x24
  at_time
  keys 5
  shows 'FUNCTION' '100.0%' 'line 2'
  back_out
  rm bad-20261129-000000.folded
  mkdir gone
  cp "$stem".folded gone/
  directory=gone on 80x24
  at_time
  rm -r gone
  keys 1
  shows 'No such file'
  keys 6
  shows 'No such file'
  back_out
  directory=$PWD/nowhere on 80x24
  keys 1
  shows 'nowhere: No such file'
  keys D C-u
  text "$PWD"
  keys Enter
  shows "$stem.folded"
  back_out
}

test_wrong_usage() {
  expect_status 2 thag analyze a b
  one_line err "one directory at a time; see 'thag help analyze'"
  expect_status 2 thag analyze --nothing
  expect_status 0 thag analyze --help
  grep -q '^Usage: thag analyze' out || fail "no help"
  ln -s "$THAG_BUILD/tools/thag" thag-analyze
  expect_status 0 ./thag-analyze --help
  grep -q '^Usage: thag analyze' out || fail "the link is something else"
  expect_status 2 ./thag-analyze a b
}
