# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Terminals, signals, locales and names of any bytes.

# The runner sets it.
: "${THAG_BUILD:?}" "${session:=}" "${stem:?}"

test_sizes() {
  local size
  for size in 80x24 120x40 40x10 200x50; do
    on $size
    keys 1
    shows '> +2026'
    keys Enter
    shows '> 1  Flamegraph'
    keys 6
    shows '^\[main|^\{all' '% of all'
    keys q 5
    shows FUNCTION
    back_out
  done
  on 30x8
  shows 'is too small'
  tm resize-window -t "$session" -x 80 -y 24
  shows '5  Exit'
  tm resize-window -t "$session" -x 30 -y 8
  shows 'is too small'
  keys q
  ends 0
}

test_resize() {
  on 80x24
  at_time
  keys 6
  shows '^\[main {74}\]$'
  tm resize-window -t "$session" -x 120 -y 40
  shows '^\[main {114}\]$'
  tm resize-window -t "$session" -x 40 -y 10
  shows '^\[main {34}\]$'
  keys q 5
  shows FUNCTION
  tm resize-window -t "$session" -x 100 -y 30
  shows 'F none|f filters'
  back_out
}

# has_colours: whether what is shown has any.
has_colours() {
  tm capture-pane -p -e -t "$session" | grep -q $'\033\[[0-9;]*4[0-7]m'
}

test_without_colours() {
  on 80x24 TERM=screen-256color
  at_time
  keys 6
  shows '^\[main'
  until_true has_colours
  back_out
  for variable in NO_COLOR=1 TERM=vt100; do
    on 80x24 $variable
    at_time
    keys 6
    shows '^\{all' '^\[main' '^\[eval +\]..parse|^\[eval +\].\[parse'
    ! has_colours || fail "$variable has colours"
    keys Down
    shows '^\{main'
    back_out
  done
}

test_terminals_that_cannot() {
  on 80x24 TERM=dumb
  ends 2
  one_line err "this terminal can't be drawn on"
  on 80x24 TERM=no-such-terminal
  ends 2
  one_line err "this terminal can't be drawn on"
  expect_status 2 thag analyze
  one_line err "^thag analyze: no terminal: use thag stat, svg, diff or memory$"
}

test_locales() {
  printf 'caf\xc3\xa9;\xe6\xbc\xa2\xe5\xad\x97 5\n' >perf.folded
  touch perf.folded
  on 80x24
  at_time
  keys 6
  shows '^\[café' '^\[漢字'
  back_out
  on 80x24 LC_ALL=C
  at_time
  keys 6
  shows '^\[caf\? ' '^\[\?\? '
  keys q 5
  shows 'caf\?'
  back_out
}

test_hostile_names() {
  local name
  rm -f ./*.folded ./*.json
  name=$'-x\e[31m\n\'$(touch hacked) \xff'
  printf 'm\e]0;a\a\xffain;x%%s%%n\tb 5\n' >"$name-20261128-074012.folded"
  cp -- "$name-20261128-074012.folded" 4
  cp 4 'a b;c-20261128-074013.folded'
  on 120x40
  keys 1
  shows '\\x1b\[31m\\n' '\\xff'
  keys End Enter
  shows '> 1  Flamegraph'
  keys 5
  shows '^\$ thag stat' 'm\\x1b\]0' 'a\\x07\\xffain'
  run_twin
  grep -q '100.0%' twin || fail "$(cat twin.sh twin)"
  [[ ! -e hacked ]] || fail "a name was run"
  keys q 6
  shows '^\[m\\x1b' '^\[x%s%n'
  keys q 8
  shows Palette
  keys 4
  shows 'kept: beside'
  keys q 1
  shows 'The picture is|No browser'
  compgen -G '*-flamegraph.svg' >/dev/null || fail "no picture: $(ls)"
  keys q
  back_out
}

# signal SIGNAL: sent to the program that runs on this terminal.
signal() {
  local tty
  tty=$(tm display-message -p -t "$session" '#{pane_tty}')
  ps -o pid=,comm= -t "${tty#/dev/}" | awk '$2 == "thag" { print $1 }' | xargs kill "-$1"
}

test_signals() {
  local ending
  for ending in INT=130 TERM=143 HUP=129; do
    on 80x24
    at_time
    keys 6
    shows '^\[main'
    signal "${ending%=*}"
    ends "${ending#*=}"
  done
  on 80x24
  at_time
  keys C-c
  ends 130
}

test_stop_and_go_on() {
  new_terminal 80x24 "PS1='prompt> ' bash --norc"
  shows 'prompt>'
  text "stty -a >before; '$THAG_BUILD/tools/thag' analyze"
  keys Enter
  shows '5  Exit'
  keys 1
  shows 'Time: profiles'
  keys C-z
  shows 'Stopped'
  text 'stty -a >after; cmp before after && echo same'
  keys Enter
  shows '^same$'
  text fg
  keys Enter
  shows 'Time: profiles' "$stem.folded"
  keys q
  shows '5  Exit'
  keys q
  shows 'prompt>$'
}

# A pipe instead of a file makes a reader wait for ever: what takes long can be cancelled.
test_cancel() {
  on 80x24
  at_time
  rm "$stem".folded
  mkfifo "$stem".folded
  keys 5
  shows '[0-9]+ s; Esc cancels'
  keys Escape
  shows 'cancelled'
  back_out
}
