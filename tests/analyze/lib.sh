# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the tests of `thag analyze` share: a terminal that tmux plays, profiles to look at, and ways
# through the menus. Each test runs in a subshell, in a directory of its own; `session` is the name
# of its terminal.

: "${THAG_BUILD:?}" "${session:=}"

stem=my-prog-20261128-074012
older=my-prog-20261127-101112-4242

# --- a terminal ---

tm() { tmux -f /dev/null -L thag "$@"; }

# The server's environment is none of this test.
new_terminal() {
  tm kill-session -t "$session" 2>/dev/null
  tm new-session -d -s "$session" -x "${1%x*}" -y "${1#*x}" -e THAG_SOCKET="$THAG_SOCKET" \
    -e XDG_CONFIG_HOME="$XDG_CONFIG_HOME" -e XDG_RUNTIME_DIR="$WORK/run" "$2" ||
    fail "tmux doesn't start"
  tm set-option -t "$session" status off
}

# on SIZE [VARIABLE=VALUE]... : starts it on the profiles of this directory. What is shown when it
# has ended is its status, and whether the terminal is as it was.
on() {
  local size=$1
  shift
  new_terminal "$size" \
    "trap : INT; stty -g >before; env LC_ALL=C.UTF-8 $* '$THAG_BUILD/tools/thag' analyze '${directory:-.}' 2>err
     echo \"status \$?\"; stty -g >after; cmp before after && echo restored; exec cat"
}

screen() { tm capture-pane -p -t "$session"; }
keys() { tm send-keys -t "$session" "$@"; }
text() { tm send-keys -t "$session" -l "$1"; }
is_shown() { screen | grep -qE -- "$1"; }

# shows PATTERN...: until all are there, ten seconds at most.
shows() {
  local pattern deadline=$((SECONDS + 10))
  for pattern; do
    until is_shown "$pattern"; do
      ((SECONDS < deadline)) || {
        screen
        fail "this wasn't shown: $pattern"
      }
      sleep 0.02
    done
  done
}

# A help, or an answer that was there before, can hide what a key does: this waits until it is gone.
hides() {
  local deadline=$((SECONDS + 10))
  while is_shown "$1"; do
    ((SECONDS < deadline)) || {
      screen
      fail "this is still shown: $1"
    }
    sleep 0.02
  done
}

# ends STATUS: it has ended, and has left the terminal as it was.
ends() { shows "^status $1\$" '^restored$'; }

# holds_rows FILE: the lines of a table, but for the cut, are on the screen.
holds_rows() {
  local line
  while IFS= read -r line; do
    [[ -z $line ]] || screen | grep -qF -- "${line:0:70}" || {
      screen
      fail "this line isn't shown: $line"
    }
  done <"$1"
}

# The command line below the last action is run as it stands; its output is in the file twin.
run_twin() {
  keys y
  shows 'The same from a shell'
  screen | sed -n '2,/^$/p' | tr -d '\n' >twin.sh
  keys q
  hides 'The same from a shell'
  PATH=$THAG_BUILD/tools:$PATH bash ./twin.sh >twin 2>twin.err || fail "$(cat twin.sh twin.err)"
}

# --- profiles and menus ---

make_profiles() {
  printf '%s\n' "main;parse;lex 300" "main;parse 100" "main;eval;call;eval;call 400" \
    "main;eval;call 150" "main;eval 50" "main;idle 7" >"$stem".folded
  printf '{"program":"my-prog"}' | tee "$stem".json >"$older".json
  printf '%s\n' "main;parse;lex 800" "main;parse 100" "main;eval 60" "main;new 40" >"$older".folded
  printf '%s\n' "main;alloc 2000000" "main;small 1000" >"$stem"-memory.folded
  printf '%s\n' "main;alloc 3000000" >"$older"-memory.folded
  touch -d 2020-01-01 perf.folded
  printf '%s\n' "# a title" "swapper;idle 5" >perf.folded
  touch -d 2020-01-01 perf.folded
}

# at PROGRAM-MENU...: presses keys until the actions of the newest profile are shown.
at_time() {
  keys 1
  shows 'Time: profiles'
  keys Enter
  shows '> 1  Flamegraph'
}
at_memory() {
  keys 3
  shows 'Memory: profiles'
  keys Enter
  shows '> 1  Flamegraph'
}

# back_out: leaves all screens.
back_out() {
  local deadline=$((SECONDS + 10))
  until is_shown '^status '; do
    ((SECONDS < deadline)) || fail "there is no way back"
    keys q
    sleep 0.02
  done
  ends 0
}

# drawn: sets `path` to the picture that the screen names.
drawn() {
  shows 'No browser was found here|in your browser'
  path=$(screen | sed -n 's/^  \(\/.*\.svg\)$/\1/p')
  [[ -f $path && $(stat -c %a "$path") == 600 ]] || fail "no picture: $(screen)"
  grep -q '</svg>' "$path" || fail "$path is no picture"
}

# twin_draws: the command line makes the same picture.
twin_draws() {
  mv "$path" first.svg
  run_twin
  cmp first.svg "$path" || fail "the command line draws something else: $(cat twin.sh)"
  rm -f "$path"
  keys Enter
  shows '> . '
}
