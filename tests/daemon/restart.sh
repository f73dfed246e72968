# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# thagd is killed, or stopped, while programs run.

ok 'start' start
ok 'a program' attach make=good hello open=1 calls=1000 drained wait calls=500 drained wait calls=250 wait exited
first=$(last_id)
ok 'it has a record' test -s "$work/thagd.sessions/$first"
ok 'closed to others' bash -c "[[ \$(stat -c %a '$work/thagd.sessions/$first') == 600 ]]"
kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
ok 'the program goes on without a daemon' bash -c "echo >&7; sleep 0.2; kill -0 $program"
ok 'the next daemon starts' start
goes_on() {
  is "$first" state '"live"' && eventually is "$first" events 2000 && is "$first" lost 4004 &&
    [[ $(session "$first" message) == *'4004 words recorded before that went with the earlier one'* ]] &&
    [[ $(session "$first" threads) == *"\"tid\": $program, \"calls\": 1000"* ]]
}
ok 'goes on with its session, and tells what is lost' goes_on
ok 'stop' stop
ok 'what it had was saved' bash -c "grep -q 'live' fake-*.json && grep -q 'f;g ' fake-*.folded"
ok 'the program is still there' kill -0 "$program"
ok 'one more daemon' start
goes_on_again() { is "$first" state '"live"' && is "$first" lost 6004; }
ok 'goes on as well' goes_on_again
new_id() {
  play make=good hello exited >/dev/null && (($(last_id) == first + 1))
}
ok 'ids are not given twice' new_id
ends_in_the_end() {
  exec 7>&-
  wait "$program" && eventually saved "$first" && is "$first" state '"ended"' &&
    is "$first" events 1000 && [[ ! -e $work/thagd.sessions/$first ]]
}
ok 'ends, and its record with it' ends_in_the_end

ok 'another program' attach make=good hello calls=10 drained wait
second=$(last_id)
kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
exec 7>&-
wait "$program"
echo 'no json' >"$work/thagd.sessions/77"
echo '{"id":78,"pid":1,"start_time":1,"start_unix_ns":1,"nonce":"00","program":"x"}' >"$work/thagd.sessions/78"
ln -s /etc/passwd "$work/thagd.sessions/79"
ok 'a daemon after that' start
was_lost() {
  is "$second" state '"lost"' && [[ $(session "$second" message) == *'ended while no thagd ran'* ]]
}
ok 'what died meanwhile is listed as lost' was_lost
ok 'records that make no sense are removed' bash -c "[[ \$(ls '$work/thagd.sessions') == next ]]"
ok 'a program that closes its descriptors' attach make=good hello calls=10 drained close wait
third=$(last_id)
kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
ok 'once more' start
ok 'can not be found again' is "$third" state '"lost"'
exec 7>&-
wait "$program"

survives_many_kills() {
  local i id
  attach make=good hello calls=10 drained wait exited || return 1
  id=$(last_id)
  for ((i = 0; i < 20; i++)); do
    kill -9 "$daemon_pid"
    wait "$daemon_pid" 2>/dev/null
    start && is "$id" state '"live"' && is "$id" lost 43 || return 1
  done
  exec 7>&-
  wait "$program" && eventually saved "$id" && is "$id" state '"ended"'
}
ok 'twenty kills in a row' survives_many_kills

waits_for_a_stopped_daemon() {
  local id
  kill -STOP "$daemon_pid"
  (sleep 1; kill -CONT "$daemon_pid") &
  play make=good hello calls=400000 drained exited | grep -q '^drained' && id=$(last_id) &&
    eventually saved "$id" && is "$id" events 1600000
}
ok 'a daemon that was stopped reads on' waits_for_a_stopped_daemon
ok 'stop in the end' stop
