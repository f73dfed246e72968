# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the tests of thagd share: a place of their own, a daemon in it, programs played by hand.
: "${THAG_BUILD:?the build directory}"
thagd=$THAG_BUILD/daemon/thagd
fake=$THAG_BUILD/daemon/fake_program
place=$(mktemp -d) # mode 0700
socket=$place/thagd.sock
out=$place/out
passed=0 failed=0 daemon_pid=''
export port=''

unset THAG_SOCKET XDG_RUNTIME_DIR THAG_PROFILER
mkdir "$out"
cd "$out" || exit 1

cleanup() {
  [[ -z $daemon_pid ]] || kill -9 "$daemon_pid" 2>/dev/null
  rm -rf "$place"
}
trap cleanup EXIT

# ok NAME COMMAND...: the command must succeed.
ok() {
  local name=$1
  shift
  if "$@" >"$place/said" 2>&1; then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    head -n 20 "$place/said" | cut -c1-300 | sed 's/^/  /'
    failed=$((failed + 1))
  fi
}

finish() {
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

# start [OPTION]...: a daemon on our socket, ready to answer. Tests talk to programs by fd 7, which
# it must not hold.
start() {
  rm -f "$place/line"
  "$thagd" --socket "$socket" --port 0 "$@" >"$place/line" 2>>"$place/log" 7>&- &
  daemon_pid=$!
  eventually grep -qs listening "$place/line" || return 1
  port=$(sed -n 's/.*localhost:\([0-9]*\).*/\1/p' "$place/line")
}

# stop [SIGNAL]: ends it; its exit status.
stop() {
  local status=0
  kill "-${1:-TERM}" "$daemon_pid"
  wait "$daemon_pid" 2>/dev/null || status=$?
  daemon_pid=''
  return "$status"
}

# eventually COMMAND...: within 10 s it succeeds.
eventually() {
  local i
  for ((i = 0; i < 200; i++)); do
    ! "$@" || return 0
    sleep 0.05
  done
  return 1
}

play() { "$fake" "$socket" "$@"; }

# fails_with STATUS PATTERN COMMAND...: it ends so, with one line on stderr that matches.
fails_with() {
  local wanted=$1 pattern=$2 status=0
  shift 2
  timeout 10 "$@" >/dev/null 2>"$place/stderr" || status=$?
  cat "$place/stderr"
  [[ $status == "$wanted" && $(wc -l <"$place/stderr") == 1 ]] &&
    grep -qE "$pattern" "$place/stderr"
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

# A sanitizer keeps freed memory for a while: then only what leaks for good would be seen.
sanitized() { grep -qaE '__(asan|tsan)_init' "$thagd"; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$daemon_pid/status"; }
fd_count() { find "/proc/$daemon_pid/fd" -mindepth 1 | wc -l; }
