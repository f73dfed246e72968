# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the tests of the `thag` command share. Each test runs in a subshell, in an empty directory
# of its own, with a control socket of its own; `fail` ends it.

# The runner sets them: the build, its example programs, a scratch directory, this directory.
: "${THAG_BUILD:?}" "${EXAMPLES:?}" "${WORK:?}" "${TESTS:?}"

thag() { "$THAG_BUILD/tools/thag" "$@"; }

fail() {
  echo "  $*"
  exit 1
}

# expect_status STATUS COMMAND...: runs it, with stdout in the file out and stderr in err.
expect_status() {
  local expected=$1 status=0
  shift
  "$@" >out 2>err || status=$?
  ((status == expected)) || {
    sed 's/^/  err: /' err
    fail "$* ended with $status, not $expected"
  }
}

# one_line FILE PATTERN: it is one line, and holds the pattern.
one_line() {
  (($(wc -l <"$1") == 1)) || fail "$1 has $(wc -l <"$1") lines, not 1: $(cat "$1")"
  grep -qE -- "$2" "$1" || fail "$1 lacks '$2': $(cat "$1")"
}

# told_of ID PATTERN: `out` is one line, which tells that of the session, of treestat at $pid.
told_of() { one_line out "^session $1 \\(treestat, pid ${pid:?}\\): $2$"; }

# until_true COMMAND...: waits for it, ten seconds at most.
until_true() {
  local deadline=$((SECONDS + 10))
  until "$@"; do
    ((SECONDS < deadline)) || fail "this never came true: $*"
    sleep 0.02
  done
}

# start_thagd [OPTION]...: its first line tells the port that it found.
start_thagd() {
  "$THAG_BUILD/daemon/thagd" --daemonize --port 0 "$@" >thagd.out 2>thagd.err ||
    fail "thagd doesn't start: $(cat thagd.err)"
}

# The newest value of FIELD in thag list --json.
field() {
  thag list --json | sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" | tail -n 1
}

field_is() { [[ $(field "$1") == "$2" ]]; }
ended_are() { (($(thag list | grep -c ' ended ') == $1)); }
has_stacks() { thag export latest 2>/dev/null | grep -q ';'; }

# Without the times: a thagd that has just started still learns how long a tick is.
stacks_of() { sed 's/ [0-9]*$//' "$@"; }

sum_of() { awk '{ sum += $NF } END { printf "%.0f\n", sum }' "$@"; }

# Compiles a helper of these tests once, and prints its path.
helper() {
  local program=$WORK/bin/$1
  [[ -x $program ]] || cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -I proto -o "$program" \
    "$TESTS/$1.c" || return
  echo "$program"
}

# A program that runs until it is killed; sets `pid`.
run_treestat() {
  "$EXAMPLES/treestat" --seconds 60 --top 1 /usr/include >/dev/null 2>&1 &
  # shellcheck disable=SC2034 # for the caller
  pid=$!
  until_true has_stacks
}
