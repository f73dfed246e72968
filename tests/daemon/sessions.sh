# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Programs come, are counted, end in every way, and leave files.

ok 'start' start

ends_well() {
  local id
  play make=good hello shared calls=100000 drained exited >"$work/said_by" || return 1
  id=$(last_id)
  eventually saved "$id" && is "$id" state '"ended"' && is "$id" events 400000 &&
    is "$id" lost 0 && is "$id" signal null && grep -q drained "$work/said_by" &&
    grep -q read-only "$work/said_by" && is "$id" argv '["fake", "one"]'
}
ok 'every call is counted, and the program may not write what is ours' ends_well
folded_matches() {
  local id
  id=$(last_id)
  [[ $(export_folded "$id") == "$(cat fake-*.folded)" ]] &&
    [[ $(cat fake-*.folded | sed 's/ [0-9]*$//' | tr '\n' ' ') == 'f f;g ' ]] &&
    python3 -c 'import json,sys; j=json.load(open(sys.argv[1])); f=sum(int(l.split()[-1]) for l in open(sys.argv[2]))
assert j["total_ns"] == f and j["calls"] == 200000 and j["unit"] == "ns", j' fake-*.json fake-*.folded
}
ok 'export equals the file, self times sum to the total' folded_matches
ok 'nothing else was left behind' bash -c "[[ \$(ls -A | wc -l) == 2 ]]"

# dies STEPS... STATE SIGNAL
dies() {
  local state=${*: -2:1} signal=${*: -1} id
  { play make=good hello calls=1000 open=3 "${@:1:$#-2}"; } >/dev/null 2>&1
  id=$(last_id)
  eventually saved "$id" && session "$id" state && is "$id" state "\"$state\"" &&
    is "$id" signal "$signal" && is "$id" events 4003 && is "$id" truncated 3
}
ok 'SIGKILL' dies kill=9 crashed '"SIGKILL"'
ok 'SIGSEGV' dies kill=11 crashed '"SIGSEGV"'
ok 'SIGABRT' dies kill=6 crashed '"SIGABRT"'
ok '_exit' dies exit=3 ended null
ok 'the files of one second differ' bash -c "[[ \$(ls fake-*.folded | wc -l) == 5 && \$(ls fake-*.json | wc -l) == 5 ]]"

loss_is_counted() {
  local id
  play make=good hello calls=1 lost=77 exited && id=$(last_id) && eventually saved "$id" &&
    is "$id" lost 77
}
ok 'what the program lost is told' loss_is_counted

strange_names() {
  local id
  play make=good hello $'name=a;b\n<script>"\xff\t' exited && id=$(last_id) && eventually saved "$id" &&
    [[ $(export_folded "$id" | wc -l) == 1 ]] && ! export_folded "$id" | grep -q ';'
}
ok 'a name can forge neither a frame nor a line' strange_names

many_threads() {
  local id before
  before=$(rss_kb)
  play make=good hello threads=100000 drained exited && id=$(last_id) && eventually saved "$id" &&
    is "$id" events 400000 && { sanitized || (($(rss_kb) - before < 50000)); }
}
ok '100,000 short threads leave memory flat' many_threads

goes_by_exec() {
  local id pid status=0
  "$fake" "$socket" make=good hello calls=10 'exec=exec sleep 30' >/dev/null &
  pid=$!
  eventually is_program "$pid" sleep || return 1
  id=$(last_id)
  eventually saved "$id" && is "$id" state '"ended"' || status=1
  kill "$pid"
  wait "$pid" 2>/dev/null
  return $status
}
is_program() { [[ $(readlink "/proc/$1/exe") == */$2 ]]; }
ok 'a program that became another has ended' goes_by_exec

idles() {
  local id pid
  mkfifo "$work/in"
  "$fake" "$socket" make=good hello calls=10 wait calls=1 drained wait exited \
    <"$work/in" >/dev/null &
  pid=$!
  exec 7>"$work/in"
  eventually bash -c "[[ \$('$fake' '$socket' 'op={\"op\":\"list\"}') == *'\"live\"'* ]]" || return 1
  id=$(last_id)
  eventually is "$id" state '"idle"' || return 1
  echo >&7
  eventually is "$id" state '"live"' || return 1
  exec 7>&-
  wait "$pid"
  eventually saved "$id" && is "$id" events 44
}
ok 'without events idle, with them live again' idles

unwritable() {
  local id
  play output="$1" make=good hello calls=5 exited && id=$(last_id) || return 1
  eventually bash -c "[[ \$('$fake' '$socket' 'op={\"op\":\"list\"}') == *\"can't save the profile\"* ]]" &&
    [[ $(session "$id" message) == *"can't save the profile"* ]] && is "$id" files '[]' &&
    [[ $(export_folded "$id" | wc -l) == 2 ]]
}
ok 'directory that is not there: said, and the profile stays' unwritable "$work/nowhere"
ok 'directory that can not be written: said, and the profile stays' unwritable /proc/self
writes_to() {
  local id
  mkdir "$work/sub" && play cwd="$work" output=sub make=good hello calls=5 exited &&
    id=$(last_id) && eventually saved "$id" && [[ $(find "$work/sub" -type f | wc -l) == 2 ]]
}
ok 'the directory the program was told, from where it runs' writes_to

bad_requests() {
  local bad
  for bad in '' '[]' '{' '{"op":1}' '{"op":"dance"}' '{"op":"export","session":"999"}' \
    '{"op":"export","format":"xml"}' '{"op":"export","thread":-1}' '{"op":"export","session":7}' \
    '{"op":"export","thread":4294967296}' '{"op":"open"}' '{"op":"open","file":7}' \
    '{"op":"open","file":"x.thag"}' "{\"op\":\"open\",\"file\":\"/$(printf 'x%.0s' {1..4096})\"}" \
    '{"op":"forget"}' '{"op":"forget","session":7}' '{"op":"record"}' '{"op":"end","session":7}' \
    '{"op":"await"}' '{"op":"await","pid":0}' '{"op":"await","pid":1,"limit_ms":-1}' \
    '{"op":"await","pid":1,"status":-2}' \
    '{"op":"list","op":"stop"}'; do
    play "op=$bad" | grep -qE '^-[0-9]+ {"error":"[^"]+"}$' || { echo "$bad"; return 1; }
  done
}
ok 'wrong requests get one line each' bad_requests

ok 'stop' stop
ok 'log says no error but the unwritable ones' bash -c "[[ \$(grep -c ' error: ' '$work/log') == 2 ]]"
