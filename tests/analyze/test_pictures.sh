# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Pictures, as files and in the terminal.

# The runner sets it.
: "${THAG_BUILD:?}" "${stem:?}" "${path:=}"

test_pictures() {
  # in /tmp
  on 120x40 XDG_RUNTIME_DIR=
  at_time
  keys 1
  drawn
  thag svg "$stem".folded | cmp - "$path" || fail "thag svg draws something else"
  twin_draws
  keys 3
  drawn
  thag svg "$stem".folded -t flamechart | cmp - "$path" || fail "it is no flamechart"
  twin_draws
  keys 2
  shows Filters
  keys Down Down Enter
  text eval
  keys Enter Home Enter
  drawn
  thag svg "$stem".folded --without eval | cmp - "$path" || fail "it isn't filtered"
  twin_draws
  keys 4
  shows Filters
  keys Enter
  drawn
  thag svg "$stem".folded -t flamechart --without eval | cmp - "$path" || fail "it isn't filtered"
  twin_draws
  back_out
}

test_options_of_pictures() {
  local palette
  on 80x24
  at_time
  keys 8
  shows 'Palette +aqua'
  for palette in $(thag svg --list-palettes | tail -n +2) aqua; do
    keys 1
    shows "Palette +$palette"
  done
  keys 1 2 3 4
  shows 'Palette +blue' 'Theme +light' 'Flamegraphs as +icicle' 'kept: beside'
  keys q 1
  shows "\\./$stem-icicle.svg"
  thag svg "$stem".folded --type icicle --palette blue --theme light | cmp - "$stem"-icicle.svg ||
    fail "the picture isn't as the options say"
  back_out
}

test_browser() {
  mkdir bin run
  # it runs on, as browsers do
  # shellcheck disable=SC2016 # the script expands it
  printf '#!/bin/sh\necho "$1" >%s\nexec sleep 5\n' "$PWD/run/opened" >bin/xdg-open
  chmod +x bin/xdg-open
  on 80x24 "PATH='$PWD/bin:$PATH' DISPLAY=:99 XDG_RUNTIME_DIR='$PWD/run'"
  at_time
  keys 1
  drawn
  [[ $path == "$PWD"/run/thag-flamegraph-*.svg ]] || fail "$path"
  until_true cmp -s <(echo "$path") run/opened
  # it is not waited for
  keys q
  shows '> 1  Flamegraph'
  back_out
}

test_flame_in_terminal() {
  on 80x24
  at_time
  keys 6
  shows '^\{all +\}' '^\[main +\]' '^\[eval +\].\[parse +\]' '100.0% of all, 1.01us \(1007 ns\)'
  keys Down Down
  shows '^\{eval' '59.6% of all, 600ns \(600 ns\)  self 5.0%, 50ns \(50\)'
  keys Down Down Down
  # recursion is kept: the call in the call
  shows '^\[eval' '^\{call +\}$' '39.7% of all, 400ns'
  keys Up Up Up Right Right
  shows '^ parse ' '39.7% of all, 400ns \(400 ns\)'
  keys Enter
  shows '^\{parse +\}$' '^\[lex +\] +$|^\[lex +\]$'
  hides '^\[main'
  keys u
  shows '^\[main' '\{parse +\}'
  keys 0
  shows '^\[all'
  keys /
  text EVAL
  keys Enter
  shows "'EVAL': 59.6% of all, functions: 1" '^\+eval'
  keys n
  shows '39.7% of all, 400ns \(400 ns\)  self -' '^\{eval'
  keys i
  shows 'main;eval;call;eval'
  keys q n
  shows '59.6% of all'
  run_twin
  grep -q '</svg>' twin || fail "the command line draws nothing"
  keys f
  shows Filters
  keys Down Down Enter
  text parse
  keys Enter Home Enter
  shows '--without parse' '607 ns'
  back_out
}
