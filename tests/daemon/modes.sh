# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# What programs record is told, and switched by whoever asks.

# answer JSON FIELD: a field of the answer to a request.
answer() { request "$1" | sed 's/^[-0-9]* //' | python3 -c '
import json, sys
print(json.dumps(json.loads(sys.stdin.readline()).get(sys.argv[1])))' "$2"; }
# refuses JSON ERRNO PATTERN
refuses() { request "$1" | tee /dev/stderr | grep -qE "^-$2 .*$3"; }

says() { eventually grep -qsx "$1" "$work/said_by"; }

ok 'start' start
ok 'a program that records time' attach make=good hello heed=1 calls=10 drained \
  wish wait heed=0 wish wait heed=3 wish wait calls=5 wait exited
id=$(last_id)
tells() { is "$id" modes '"time"' && is "$id" active '"time"' && is "$id" wished null; }
ok 'what it was asked for, and what it does, are told' tells
ok 'a kind that is none is refused' refuses "{\"op\":\"enable\",\"session\":\"$id\",\"kinds\":\"space\"}" 22 'time, memory or both'
ok 'a kind of the wrong type is refused' refuses "{\"op\":\"enable\",\"session\":\"$id\",\"kinds\":3}" 22 'a field'
ok 'without a session it is refused' refuses '{"op":"disable"}' 22 'a field'
ok 'of no session it is refused' refuses '{"op":"enable","session":"999"}' 2 'no such session'
ok 'nothing was wished' is "$id" wished null

switches_off() {
  [[ $(answer "{\"op\":\"disable\",\"session\":\"$id\"}" wished) == '"none"' ]] && says 'wish 1 0' &&
    is "$id" active '"time"' && is "$id" wished '"none"'
}
ok 'disable reaches the program' switches_off
echo >&7
heeded() { eventually is "$id" wished null && is "$id" active '"none"' && is "$id" modes '"time"'; }
ok 'and is waited for until it is heeded' heeded

kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
ok 'the next daemon' start
ok 'still knows that it is off' is "$id" active '"none"'
switches_on() {
  [[ $(answer "{\"op\":\"enable\",\"session\":\"latest\",\"kinds\":\"both\"}" wished) == '"both"' ]] &&
    says 'wish 2 3' && is "$id" active '"none"'
}
ok 'and counts its wishes on' switches_on
echo >&7
ok 'heeded again' eventually is "$id" active '"both"'
defaults() {
  [[ $(answer "{\"op\":\"enable\",\"session\":\"$id\"}" wished) == '"time"' ]] && says 'wish 3 1'
}
ok 'enable alone means what it was started with' defaults
ok 'asking changes nothing' test "$(answer "{\"op\":\"modes\",\"session\":\"$id\"}" active)" = '"both"'

get_changes_nothing() {
  local path
  for path in "/api/sessions/$id/enable" "/api/sessions/$id/disable" "/api/enable?session=$id"; do
    [[ $(curl -s -m 30 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port$path") == 404 ]] || return 1
  done
  [[ $(answer "{\"op\":\"modes\",\"session\":\"$id\"}" wished) == '"time"' ]]
}
ok 'no GET switches anything' get_changes_nothing

exec 7>&-
wait "$program"
ok 'it ends' eventually saved "$id"
ok 'what it recorded at last is in the file' grep -q '"active": "both"' fake-*.json
ok 'what was asked for, too' grep -q '"modes": "time"' fake-*.json
ok 'one that has ended is not switched' refuses "{\"op\":\"disable\",\"session\":\"$id\"}" 3 'has ended'
hostile_modes() {
  local other
  attach make=good hello heed=4294967295 calls=10 drained wait exited || return 1
  other=$(last_id)
  eventually is "$other" active '"both"' && [[ $(answer "{\"op\":\"disable\",\"session\":\"$other\"}" wished) == '"none"' ]] || return 1
  exec 7>&-
  wait "$program"
}
ok 'modes that can not be harm nobody' hostile_modes

# --- sessions that the user ends ---

ends() { request "{\"op\":\"end\",\"session\":\"$1\"}" | grep -q '^0 '; }
nothing_of() { sleep 0.3 && is "$1" state '"ended"' && is "$1" signal null; }
ok 'a program that heeds its wishes' attach make=good hello heed=1 calls=10 drained wish heed=0 \
  wait calls=5 wait
id=$(last_id)
ended() {
  ends "$id" && eventually saved "$id" && is "$id" state '"ended"' && is "$id" active '"none"' &&
    is "$id" ending false && is "$id" message '"it was ended while the program ran"' && says 'wish 1 0'
}
ok 'is ended once it has heeded that' ended
events=$(session "$id" events)
echo >&7
nothing_more() { sleep 0.5 && is "$id" events "$events" && kill -0 "$program"; }
ok 'what it records then is not read' nothing_more
ok 'it is not ended twice' refuses "{\"op\":\"end\",\"session\":\"$id\"}" 3 'has ended already'
ok 'of no session it is refused' refuses '{"op":"end","session":"999"}' 2 'no such session'
ok 'without a session it is refused' refuses '{"op":"end"}' 22 'needs a session'
exec 7>&-
wait "$program"
ok 'its program ends without a word' nothing_of "$id"

ok 'a program that heeds nothing' attach make=good hello heed=1 calls=10 drained wait
id=$(last_id)
# for 2.5 seconds, which on a busy machine are over before all this was asked
is_waited_for() {
  ends "$id" || return 1
  ! is "$id" ending true || ends "$id" || return 1
  refuses "{\"op\":\"enable\",\"session\":\"$id\"}" 3 'being ended|has ended already'
}
ok 'is waited for' is_waited_for
ok 'and ended then' eventually saved "$id"
exec 7>&-
wait "$program"

ok 'another one' attach make=good hello heed=1 calls=10 drained wait
id=$(last_id)
goes_meanwhile() {
  ends "$id" || return 1
  exec 7>&-
  wait "$program"
  eventually saved "$id" && is "$id" message null
}
ok 'that ends by itself meanwhile has ended so' goes_meanwhile

ok 'yet another' attach make=good hello heed=1 calls=10 drained wait
id=$(last_id)
ends_for_the_next() {
  ends "$id" && kill -9 "$daemon_pid" || return 1
  wait "$daemon_pid" 2>/dev/null
  start && eventually saved "$id" && is "$id" state '"ended"' && kill -0 "$program"
}
ok 'whose thagd is killed meanwhile is ended by the next' ends_for_the_next
exec 7>&-
wait "$program"
ok 'stop' stop
rm -f fake-*
