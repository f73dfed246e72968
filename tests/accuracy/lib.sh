# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Shared by run.sh and shares.sh: a daemon of our own, and profiled runs.

accuracy_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${THAG_BUILD:-$accuracy_top/build}
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-accuracy.XXXXXX")
daemon_pid=
export THAG_SOCKET=$work/thagd.sock
export PYTHONDONTWRITEBYTECODE=1

accuracy_cleanup() {
  if [[ -n $daemon_pid ]]; then
    kill "$daemon_pid" 2>/dev/null || true
    wait "$daemon_pid" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap accuracy_cleanup EXIT

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
  local tries=$(($1 * 20))
  shift
  while ! "$@" >/dev/null 2>&1; do
    ((--tries > 0)) || return 1
    sleep 0.05
  done
}

start_daemon() {
  "$build/daemon/thagd" --foreground --port 0 --socket "$THAG_SOCKET" >"$work/thagd.log" 2>&1 &
  daemon_pid=$!
  wait_for 10 "$build/tools/thag" list || {
    echo "thagd doesn't answer:"
    cat "$work/thagd.log"
    return 1
  }
}

has_session_file() { compgen -G "$1/*.json" >/dev/null; }

newest_session() {
  "$build/tools/thag" list --json | grep -oE '"id": *"?[0-9]+' | grep -oE '[0-9]+' | sort -n |
    tail -n 1
}

# profile DIRECTORY PROGRAM ARG...: runs it profiled. DIRECTORY then holds the session's files,
# its stdout, and where to ask thagd about it: port and session.
profile() {
  local directory=$1
  shift
  mkdir -p "$directory"
  THAG_PROFILER="time,$directory" "$@" >"$directory/stdout" || return 1
  wait_for 20 has_session_file "$directory" || { echo "no session file"; return 1; }
  newest_session >"$directory/session"
  grep -oE 'localhost:[0-9]+' "$work/thagd.log" | head -n 1 | cut -d : -f 2 >"$directory/port"
}

# make_tree DIRECTORY FILES: the same directories and texts each time.
make_tree() {
  mkdir -p "$1"
  awk -v top="$1" -v files="$2" '
    function word() {
      seed = (seed * 1103515245 + 12345) % 2147483648
      return names[int(seed / 65536) % count] int(seed / 256) % 97
    }
    BEGIN {
      count = split("alpha beta gamma_ delta Eps zeta_x eta Theta iota k lambda_mu nu", names, " ")
      seed = 1
      for (file = 0; file < files; file++) {
        directory = top "/d" file % 7 "/e" file % 3
        if (!(directory in made)) { system("mkdir -p " directory); made[directory] = 1 }
        path = directory "/f" file ".h"
        for (line = 0; line < 100 + 7 * (file % 23); line++)
          print "\t" word() " = " word() "(" word() ", 0x" line "f); /* " word() " */" >path
        close(path)
      }
    }'
}
