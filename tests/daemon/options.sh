# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# The command line, one daemon a socket, and where the socket may be.

help_names_all() {
  local option
  "$thagd" --help >"$place/help" && "$thagd" -h | cmp - "$place/help" || return 1
  for option in port socket output-dir foreground daemonize log-level version help; do
    grep -q -- "--$option" "$place/help" || return 1
  done
  grep -q 'Exit status: 0 .*1 .*2 .*4 ' "$place/help"
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
  "$thagd" --socket "$socket" --output-dir "$place/none"
ok 'socket path too long' fails_with 1 'too long' "$thagd" --socket "$place/$(printf 'x%.0s' {1..120})"
ok 'THAG_SOCKET must be absolute' fails_with 1 'absolute' env THAG_SOCKET=a/b "$thagd"
ok 'directory that is not there' fails_with 1 'No such file' "$thagd" --socket "$place/none/s.sock"

touch "$place/file.sock"
ok 'a file in the way stays' fails_with 1 'in the way' "$thagd" --socket "$place/file.sock"
ok 'a file in the way is still there' test -f "$place/file.sock"
mkdir -m 777 "$place/open" && chmod 777 "$place/open"
ok 'directory others may write to' fails_with 1 'written by others' "$thagd" --socket "$place/open/s.sock"
ln -s "$place/elsewhere" "$place/trap.lock"
ok 'lock that is a symbolic link' fails_with 1 "can't open" "$thagd" --socket "$place/trap.sock"
ok 'nothing was made through it' test ! -e "$place/elsewhere"
if [[ $(id -u) == 0 ]]; then
  mkdir -m 700 "$place/theirs" && chown 12345 "$place/theirs"
  ok 'directory of another user' fails_with 1 'another user' "$thagd" --socket "$place/theirs/s.sock"
fi

starts_in_runtime_dir() {
  local pid status
  mkdir -m 700 "$place/runtime"
  XDG_RUNTIME_DIR=$place/runtime "$thagd" --port 0 >/dev/null 2>&1 &
  pid=$!
  eventually test -S "$place/runtime/thag/thagd.sock"
  status=$(stat -c %a "$place/runtime/thag" "$place/runtime/thag/thagd.sock" \
    "$place/runtime/thag/thagd.sessions" | tr '\n' ' ')
  kill "$pid" && wait "$pid" && [[ $status == '700 600 700 ' ]]
}
ok 'default place, closed to others' starts_in_runtime_dir

ok 'start' start
ok 'one line, with address and socket' grep -qE "^thagd [0-9.]+ listening: http://localhost:$port \(socket $socket\)$" "$place/line"
ok 'info' bash -c "'$fake' '$socket' 'op={\"op\":\"info\"}' | grep -q '\"pid\":$daemon_pid,\"port\":$port'"
ok 'second daemon' fails_with 4 "already running \(pid $daemon_pid, http://localhost:$port\)" \
  "$thagd" --socket "$socket"
ok 'busy port' fails_with 5 "port $port is busy" "$thagd" --socket "$place/b.sock" --port "$port"

tries_the_next_port() {
  local pids=() i ports
  for i in 1 2; do
    "$thagd" --socket "$place/p$i.sock" >"$place/p$i" 2>/dev/null &
    pids+=($!)
    eventually grep -q listening "$place/p$i" || return 1
  done
  ports=$(sed 's/.*localhost:\([0-9]*\).*/\1/' "$place"/p[12] | sort -u | wc -l)
  kill "${pids[@]}"
  wait "${pids[@]}"
  [[ $ports == 2 ]]
}
ok 'without --port the next free one is taken' tries_the_next_port
ok 'killed' bash -c "kill -9 $daemon_pid"
wait "$daemon_pid" 2>/dev/null
ok 'its socket is stale' test -S "$socket"
ok 'a stale socket is replaced' start
ok 'stop by SIGINT' stop INT
ok 'the socket is gone' test ! -e "$socket"
ok 'start again' start
ok 'stop by SIGHUP' stop HUP

daemonizes() {
  "$thagd" --socket "$socket" --port 0 --daemonize >"$place/line" &&
    request '{"op":"info"}' | grep -q '^0 ' && grep -q listening "$place/thagd.log" &&
    request '{"op":"stop"}' | grep -q '^0 ' && eventually test ! -e "$socket"
}
ok 'daemonize returns when it answers, logs, and stops on request' daemonizes
holds_nothing_of_ours() {
  local held
  exec 9>"$place/held"
  "$thagd" --socket "$socket" --port 0 --daemonize >/dev/null
  held=$(readlink "/proc/$(cut -d' ' -f1 "$place/thagd.lock")"/fd/* | grep -c "$place/held")
  exec 9>&-
  request '{"op":"stop"}' && [[ $held == 0 ]] && eventually test ! -e "$socket"
}
ok 'in the background it holds nothing of who started it' holds_nothing_of_ours
ok 'a second one in the background fails as in the foreground' bash -c "
  '$thagd' --socket '$socket' --port 0 --daemonize && ! '$thagd' --socket '$socket' --daemonize &&
  '$fake' '$socket' 'op={\"op\":\"stop\"}'"
ok 'and is gone' eventually test ! -e "$socket"
