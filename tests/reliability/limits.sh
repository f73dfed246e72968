# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Rows about thagd's own limits: connections, memory, other thagds, browsers.

# becomes the program: run it in the background
burden() { exec env THAG_ON_FULL=wait "$build/tests/burden" "$@"; }

# sanitizers keep what was freed for a while: how much memory there is says nothing then
if ! sanitized; then
  ok 'start' start_thagd
  ok '16 ten thousand connections' \
    python3 "$here/connections.py" "$THAG_SOCKET" "$port" "$thagd" "$build/tools/thag"
  # what grows with time alone is left out
  ok '53 start without timelines' start_thagd --timeline off
  ok '53 200 tabs, and some that never read' \
    python3 "$here/tabs.py" "$port" "$thagd" "$build/tests/burden" "$build/tools/thag"
fi

# --- 42 ---

second_says_so() {
  local status=0
  "$build/daemon/thagd" --socket "$THAG_SOCKET" --port 0 >"$work/second" 2>&1 || status=$?
  cat "$work/second"
  ((status == 4)) && [[ $(wc -l <"$work/second") == 1 ]] &&
    grep -q "already running (pid $thagd, http://localhost:$port)" "$work/second" && thag list
}
ok '42 start' start_thagd
ok '42 a second thagd on the socket' second_says_so
# started_at_once N: of so many on one socket one serves, and the others say so.
started_at_once() {
  local i pids=() pid status refused=0
  for ((i = 0; i < $1; i++)); do
    "$build/daemon/thagd" --socket "$work/race.sock" --port 0 >"$work/race.$i" 2>&1 &
    pids+=($!)
  done
  eventually race_is_over "$1" || return 1
  kill "$(cut -d' ' -f1 "$work/race.lock")"
  for pid in "${pids[@]}"; do
    status=0
    wait "$pid" || status=$?
    ((status == 0 || status == 4)) || return 1
    ((refused += status == 4))
  done
  echo "$refused of $1 refused"
  ((refused == $1 - 1))
}
race_is_over() {
  [[ $(cat "$work"/race.[0-9]* | grep -cE 'already (running|starting)') == $(($1 - 1)) ]] &&
    grep -qs listening "$work"/race.[0-9]*
}
ok '42 eight thagds started at once' started_at_once 8
side_by_side() {
  local other
  "$build/daemon/thagd" --socket "$work/other.sock" --port 0 --output-dir "$work/out" >"$work/other" 2>&1 &
  other=$!
  eventually grep -q listening "$work/other" && clear_out && (burden 1 1 1 1) >"$work/small" &&
    (THAG_SOCKET=$work/other.sock burden 1 1 1 1) >"$work/small" &&
    [[ $(thag list --json | grep -o '"program"' | wc -l) != 0 ]] && eventually two_saved || return 1
  kill "$other" && wait "$other"
}
two_saved() { [[ $(find "$work/out" -name '*.json' | wc -l) == 2 ]]; }
ok '42 two thagds on two sockets' side_by_side
stop_thagd

# sessions FIELD: of each session a line.
sessions() {
  thag list --json | python3 -c '
import json, sys
for session in json.load(sys.stdin)["sessions"]:
    print(session["pid"], session[sys.argv[1]])' "$1"
}
# says PID PATTERN: what its session has to say.
says() { sessions message | grep -qE "^$1 .*$2"; }

# --- 41: under 256 MB ---

# limited KIND: what follows in this shell is.
limited() {
  case $1 in
    RLIMIT_DATA) ulimit -Sd $((256 << 10)) ;;
    cgroup) echo "$BASHPID" >"$group/cgroup.procs" ;;
  esac
}

# make_group: a memory cgroup of 256 MB, where we may make one: $group and its $peak.
make_group() {
  local top=/sys/fs/cgroup limit=memory.max
  peak=memory.peak
  [[ ! -d $top/memory ]] || top=$top/memory limit=memory.limit_in_bytes peak=memory.max_usage_in_bytes
  group=$top/thag-test.$$
  { mkdir "$group" && echo $((256 << 20)) >"$group/$limit"; } 2>/dev/null || group=''
  trap drop_group EXIT
}
# shellcheck disable=SC2317 # for the trap
drop_group() {
  stop_thagd
  [[ -z $group ]] || rmdir "$group"
  group=''
  cleanup
}

# counted PID CALLS: its profile was saved and holds them all.
counted() { reported "$1" 1 "$2"; }

# A small program beside it has a whole profile.
small_one_is_whole() {
  local calls pid
  burden 1 50 5 5 >"$work/small" &
  pid=$!
  wait "$pid" && read -r calls <"$work/small" && eventually counted "$pid" "$calls" &&
    says "$pid" None
}

# Far more paths, names and blocks than there is room for: all calls counted, coarser, and said.
burdened() {
  local calls pid said status=0
  clear_out
  mkfifo "$work/hold" && exec 9<>"$work/hold"
  burden 8 20000 300000 300000 hold <"$work/hold" >"$work/big" &
  pid=$!
  eventually test -s "$work/big" && eventually says "$pid" 'leaves thagd 256 MiB: its profile is coarser' &&
    small_one_is_whole && curl -sf "http://localhost:$port/api/sessions" | grep -q 'leaves thagd 256 MiB' || status=1
  said=$(sessions message)
  echo >&9
  exec 9>&-
  rm "$work/hold"
  wait "$pid" && read -r calls <"$work/big" && eventually counted "$pid" "$calls" || status=1
  echo "$said; $(reports_of "$pid") of $calls"
  kill -0 "$thagd" && small_one_is_whole && return "$status"
}

if ! sanitized; then
  # shellcheck disable=SC2317 # for start_thagd
  thagd() {
    limited "$limit"
    exec "$build/daemon/thagd" "$@"
  }
  limit=RLIMIT_DATA
  ok '41 start under RLIMIT_DATA of 256 MB' start_thagd
  ok '41 memory budget reached' burdened
  stop_thagd
  make_group
  if [[ -n $group ]]; then
    limit=cgroup
    ok '41 start in a memory cgroup of 256 MB' start_thagd
    ok '41 memory budget reached in a cgroup' burdened
    ok '41 the cgroup was never full' test "$(cat "$group/$peak")" -lt $((250 << 20))
    stop_thagd
    rmdir "$group" && group=''
  fi
  thagd() { exec "$build/daemon/thagd" "$@"; }
fi
