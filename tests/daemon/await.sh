# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Requests that are answered when a program's sessions are saved.

# ends: the program goes on to its end.
ends() {
  exec 7>&-
  wait "$program"
}

await_request() { echo "{\"op\":\"await\",\"pid\":$1,\"status\":0,\"limit_ms\":$2}"; }

# Of commands and programs that thagd talks with.
connections() { find "/proc/$daemon_pid/fd" -lname 'socket:*' 2>/dev/null | wc -l; }
is_connected() { (($(connections) == idle + $1)); }
start_idle() { start && idle=$(connections); }

# asks PID: in the background, until thagd holds this connection and no other; sets `asker`.
asks() {
  "$fake" "$socket" "op=$(await_request "$1" 60000)" >"$work/answer" 7>&- &
  asker=$!
  eventually is_connected 1
}

# answered [FIELD VALUE]...: what the sessions of the answer have in common, in order.
answered() {
  tail -n 1 "$work/answer" | python3 -c '
import json, sys
sessions = json.load(sys.stdin)["sessions"]
wanted = [json.loads(value) for value in sys.argv[2:]]
found = [session[sys.argv[1]] for session in sessions]
sys.exit(found != wanted and "%s, not %s" % (found, wanted))
' "$@"
}

ok 'start' start_idle

unknown() {
  play "op=$(await_request 1 60000)" >"$work/answer" && grep -q '^0 ' "$work/answer" &&
    answered saved
}
ok 'nobody waits for a process without sessions' unknown

waits() {
  attach make=good hello calls=10 drained wait && asks "$program" || return 1
  [[ ! -s $work/answer ]] || return 1
  ends
  wait "$asker" && answered saved true && answered state '"ended"' && answered pid "$program" &&
    [[ $(tail -n 1 "$work/answer") == *'.json'* ]]
}
ok 'the answer comes when the profile is saved' waits

asks_late() {
  play "op=$(await_request "$program" 60000)" >"$work/answer" && answered saved true
}
ok 'at once when it is saved already' asks_late

limited() {
  attach make=good hello calls=10 drained wait || return 1
  play "op=$(await_request "$program" 50)" >"$work/answer" && answered saved false &&
    play "op={\"op\":\"await\",\"pid\":$program}" >"$work/answer" && answered saved false
}
ok 'after the limit it tells how things are' limited
ok 'that program ends' ends

replaced() {
  attach make=good hello calls=10 drained \
    "exec=exec '$fake' '$socket' make=good hello calls=20 drained wait exited" || return 1
  eventually bash -c "[[ \$(grep -c drained '$work/said_by') == 2 ]]" && asks "$program" || return 1
  ends
  wait "$asker" && answered saved true true && answered events 40 80
}
ok 'all sessions of a process are waited for' replaced

told() {
  attach make=good hello calls=10 drained wait || return 1
  play "op={\"op\":\"await\",\"pid\":$program,\"status\":9,\"limit_ms\":0}" >"$work/answer"
  ends
  play "op={\"op\":\"await\",\"pid\":$program,\"limit_ms\":60000}" >"$work/answer" &&
    answered saved true
}
ok 'a status that is told is no reason to believe in an end' told

gone() {
  attach make=good hello calls=10 drained wait && asks "$program" || return 1
  kill -9 "$asker"
  wait "$asker" 2>/dev/null
  eventually is_connected 0 && ends && eventually saved "$(last_id)"
}
ok 'who goes away while it waits is forgotten' gone

# One more than thagd lets wait; programs are welcome all the same.
many() {
  local i asked=()
  attach make=good hello calls=10 drained wait || return 1
  for ((i = 0; i < 256; i++)); do
    asked+=("ask=$(await_request "$program" 60000)")
  done
  play "${asked[@]}" "op=$(await_request "$program" 60000)" make=good hello exited \
    >"$work/answer"
  cat "$work/answer"
  grep -q '^-16 .*too many wait' "$work/answer" && grep -q welcome "$work/answer" &&
    eventually is_connected 0 && ends
}
ok 'there is a limit to those who wait, and it keeps no program out' many

stopped() {
  attach make=good hello calls=10 drained wait && asks "$program" && stop || return 1
  wait "$asker" && answered saved true && grep -q 'thagd was stopped' "$work/answer" && ends
}
ok 'a thagd that ends answers first' stopped

ok 'another daemon' start_idle
killed() {
  attach make=good hello calls=10 drained wait && asks "$program" || return 1
  kill -9 "$daemon_pid"
  wait "$daemon_pid" 2>/dev/null
  daemon_pid=''
  wait "$asker" && grep -q 'no answer' "$work/answer" && ends
}
ok 'one that is killed keeps nobody' killed
