# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Rows about thagd's own limits: connections, memory, other thagds, browsers.

# becomes the program: run it in the background
burden() { THAG_ON_FULL=wait exec "$build/tests/burden" "$@"; }

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
    rmdir "$group"
  fi
  thagd() { exec "$build/daemon/thagd" "$@"; }
fi
