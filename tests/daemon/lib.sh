# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the tests of thagd share: a place of their own, a daemon in it, programs played by hand.
: "${THAG_BUILD:?the build directory}"
thagd=$THAG_BUILD/daemon/thagd
fake=$THAG_BUILD/daemon/fake_program
work=$(mktemp -d) # mode 0700
socket=$work/thagd.sock
out=$work/out
daemon_pid=''
manager='' # see service.sh
export port=''

unset THAG_SOCKET XDG_RUNTIME_DIR THAG_PROFILER
mkdir "$out"
cd "$out" || exit 1

cleanup() {
  [[ -z $daemon_pid ]] || kill -9 "$daemon_pid" 2>/dev/null
  [[ -z $manager ]] || kill "$manager" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

# shellcheck source=tests/support/ok.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/../support/ok.sh"
# shellcheck source=tests/support/sanitized.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/../support/sanitized.sh"

# start [OPTION]...: a daemon on our socket, ready to answer. Tests talk to programs by fd 7, which
# it must not hold.
start() {
  rm -f "$work/line"
  "$thagd" --socket "$socket" --port 0 "$@" >"$work/line" 2>>"$work/log" 7>&- &
  daemon_pid=$!
  eventually grep -qs listening "$work/line" || return 1
  port=$(sed -n 's/.*localhost:\([0-9]*\).*/\1/p' "$work/line")
}

# stop [SIGNAL]: ends it; its exit status.
stop() {
  local status=0
  kill "-${1:-TERM}" "$daemon_pid"
  wait "$daemon_pid" 2>/dev/null || status=$?
  daemon_pid=''
  return "$status"
}

play() { "$fake" "$socket" "$@"; }

# fails_with STATUS PATTERN COMMAND...: it ends so, with one line on stderr that matches.
fails_with() {
  local wanted=$1 pattern=$2 status=0
  shift 2
  timeout 10 "$@" >/dev/null 2>"$work/stderr" || status=$?
  cat "$work/stderr"
  [[ $status == "$wanted" && $(wc -l <"$work/stderr") == 1 ]] &&
    grep -qE "$pattern" "$work/stderr"
}

# A program that waits for lines on fd 7 between its steps.
attach() {
  rm -f "$work/in" "$work/said_by" # what the one before said is not to be taken for this one's
  mkfifo "$work/in"
  "$fake" "$socket" "$@" <"$work/in" >"$work/said_by" &
  # shellcheck disable=SC2034 # for the parts
  program=$!
  exec 7>"$work/in"
  eventually grep -qs drained "$work/said_by"
}

request() { play "op=$1"; }
list() { request '{"op":"list"}' | tail -n 1; }

# session ID FIELD: a field of a session, by jq's rules, without jq.
session() {
  list | python3 -c '
import json, sys
for s in json.load(sys.stdin)["sessions"]:
    if s["id"] == sys.argv[1]:
        print(json.dumps(s[sys.argv[2]]))
' "$1" "$2"
}

# is ID FIELD VALUE
is() { [[ $(session "$1" "$2") == "$3" ]]; }

last_id() { list | python3 -c 'import json,sys; print(json.load(sys.stdin)["sessions"][-1]["id"])'; }

# saved ID: its files were written.
saved() { [[ $(session "$1" files) == *.json* ]]; }

export_folded() { request "{\"op\":\"export\",\"session\":\"$1\"}" | tail -n +2; }

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$daemon_pid/status"; }
fd_count() { find "/proc/$daemon_pid/fd" -mindepth 1 | wc -l; }
