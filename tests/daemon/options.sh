# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# The command line, one daemon a socket, and where the socket may be; what is in the way there is in
# tests/reliability/files.sh.

help_names_all() {
  local option
  "$thagd" --help >"$work/help" && "$thagd" -h | cmp - "$work/help" || return 1
  for option in port socket output-dir token foreground daemonize log-level limits json version help; do
    grep -q -- "--$option" "$work/help" || return 1
  done
  grep -q 'Exit status: 0 .*1 .*2 .*4 ' "$work/help"
}
ok 'help names every option and exit status' help_names_all
ok 'version' bash -c "[[ \$('$thagd' --version) =~ ^thagd\ [0-9.]+$ ]]"
ok 'unknown option' fails_with 2 "unknown option '--nope'" "$thagd" --nope
ok 'unexpected argument' fails_with 2 "unexpected argument 'x'" "$thagd" x
ok 'missing value' fails_with 2 "missing after '--port'" "$thagd" --port
ok 'port that is no number' fails_with 2 "not '8k'" "$thagd" --port 8k
ok 'port too large' fails_with 2 "not '65536'" "$thagd" --port 65536
ok 'negative port' fails_with 2 "not '-1'" "$thagd" --port=-1
ok 'unknown log level' fails_with 2 "not 'loud'" "$thagd" --log-level loud
ok 'empty path' fails_with 2 'missing' "$thagd" --socket=
ok 'output-dir that is not there' fails_with 1 "can't write to --output-dir" \
  "$thagd" --socket "$socket" --output-dir "$work/none"
ok 'socket path too long' fails_with 1 'too long' "$thagd" --socket "$work/$(printf 'x%.0s' {1..120})"
ok 'THAG_SOCKET must be absolute' fails_with 1 'absolute' env THAG_SOCKET=a/b "$thagd"
ok 'directory that is not there' fails_with 1 'No such file' "$thagd" --socket "$work/none/s.sock"

# Each limit of the one header is told of, and is the only place where one is defined.
limits_are_complete() {
  local source=$here/../../daemon
  "$thagd" --limits >"$work/limits" && "$thagd" --limits --json >"$work/limits.json" || return 1
  sed -n 's/^#define THAG_\([A-Z0-9_]*\)[ \t].*/\1/p' "$source/thagd_limits.h" |
    sort >"$work/defined"
  awk 'NR > 1 { print $1 }' "$work/limits" | sort >"$work/told"
  comm -23 "$work/defined" "$work/told"
  [[ $(wc -l <"$work/defined") -ge 100 && -z $(comm -23 "$work/defined" "$work/told") ]] || return 1
  ! grep -nE '^#define [A-Z_]*(BYTES_MAX|CONNECTIONS|SESSIONS|TRIES|TIMEOUT)[A-Z_]* ' "$source"/*.[ch] |
    grep -vE 'thagd_limits.h|_PATH ' || return 1
  python3 - "$work/limits.json" "$work/limits" <<'END'
import json, sys
limits = json.load(open(sys.argv[1]))["limits"]
told = [line.split()[0] for line in open(sys.argv[2])][1:]
assert [limit["name"] for limit in limits] == told
assert all(set(limit) == {"name", "value", "unit", "beyond"} and limit["beyond"] for limit in limits)
END
}
ok 'every limit is told of, in a table and as JSON' limits_are_complete
# limit NAME OPTION...: its value in effect.
limit() {
  local name=$1
  shift
  "$thagd" --limits "$@" | sed -n "s/^$name  *\([0-9]* [A-Za-z]*\) .*/\1/p"
}
limits_are_in_effect() {
  [[ $(limit TIMELINE_BUDGET) == '256 MiB' && $(limit TIMELINE_BUDGET --timeline 3M) == '3 MiB' ]]
}
ok 'limits are those in effect' limits_are_in_effect
ok '--json alone' fails_with 2 'only --limits' "$thagd" --json

starts_in_runtime_dir() {
  local pid status
  mkdir -m 700 "$work/runtime"
  XDG_RUNTIME_DIR=$work/runtime "$thagd" --port 0 >/dev/null 2>&1 &
  pid=$!
  eventually test -S "$work/runtime/thag/thagd.sock"
  status=$(stat -c %a "$work/runtime/thag" "$work/runtime/thag/thagd.sock" \
    "$work/runtime/thag/thagd.sessions" | tr '\n' ' ')
  kill "$pid" && wait "$pid" && [[ $status == '700 600 700 ' ]]
}
ok 'default place, closed to others' starts_in_runtime_dir

ok 'start' start
ok 'one line, with address and socket' grep -qE "^thagd [0-9.]+ listening: http://localhost:$port \(socket $socket\)$" "$work/line"
ok 'info' bash -c "'$fake' '$socket' 'op={\"op\":\"info\"}' | grep -q '\"pid\":$daemon_pid,\"port\":$port'"
ok 'second daemon' fails_with 4 "already running \(pid $daemon_pid, http://localhost:$port\)" \
  "$thagd" --socket "$socket"
ok 'stop by SIGINT' stop INT
ok 'the socket is gone' test ! -e "$socket"
ok 'start again' start
ok 'stop by SIGHUP' stop HUP

daemonizes() {
  "$thagd" --socket "$socket" --port 0 --daemonize >"$work/line" &&
    request '{"op":"info"}' | grep -q '^0 ' && grep -q listening "$work/thagd.log" &&
    request '{"op":"stop"}' | grep -q '^0 ' && eventually test ! -e "$socket"
}
ok 'daemonize returns when it answers, logs, and stops on request' daemonizes
holds_nothing_of_ours() {
  local held
  exec 9>"$work/held"
  "$thagd" --socket "$socket" --port 0 --daemonize >/dev/null
  held=$(readlink "/proc/$(cut -d' ' -f1 "$work/thagd.lock")"/fd/* | grep -c "$work/held")
  exec 9>&-
  request '{"op":"stop"}' && [[ $held == 0 ]] && eventually test ! -e "$socket"
}
ok 'in the background it holds nothing of who started it' holds_nothing_of_ours
ok 'a second one in the background fails as in the foreground' bash -c "
  '$thagd' --socket '$socket' --port 0 --daemonize && ! '$thagd' --socket '$socket' --daemonize &&
  '$fake' '$socket' 'op={\"op\":\"stop\"}'"
ok 'and is gone' eventually test ! -e "$socket"
