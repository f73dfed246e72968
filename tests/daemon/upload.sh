# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Recordings that a browser sends.

# send STATUS FILE [CURL-ARGUMENT]...: the status of the answer, whose body is in $work/body.
send() {
  local wanted=$1 file=$2
  shift 2
  code "$wanted" -H "Origin: http://localhost:$port" -H 'Expect:' "$@" --data-binary "@$file" \
    "http://localhost:$port/api/recordings?name=$(basename "$file")"
}
answers() { grep -q "$1" "$work/body" || { cat "$work/body"; return 1; }; }

# send_slowly: in the background, for a minute; more pids in $senders.
send_slowly() {
  curl -s -o /dev/null -H "Origin: http://localhost:$port" -H 'Expect:' --limit-rate 50k \
    --data-binary "@$work/noise" "http://localhost:$port/api/recordings?name=slow" &
  senders+=($!)
}
go_away() {
  kill "${senders[@]}"
  wait "${senders[@]}" 2>/dev/null
  senders=()
}
senders=()

mkdir "$work/recordings"
ok 'start' start --record "$work/recordings"
play make=good hello calls=1000 drained exited >/dev/null
ok 'a recording' eventually saved "$(last_id)"
recording=$(echo "$work"/recordings/*.thag)
export_folded "$(last_id)" >"$work/folded"
head -c 3M /dev/urandom >"$work/noise"
: >"$work/nothing"

# It is shown before it is read.
is_whole() { [[ $(export_folded "$(last_id)") == "$(<"$work/folded")" ]]; }
is_sent() { send 200 "$recording" && answers '"program":"fake"'; }
is_opened() { eventually is_sent && eventually is_whole; }
ok 'one that is sent is opened' is_opened
no_recording() { send 200 "$work/noise" && answers '"error":"'; }
ok 'one that is none is refused when all of it came' no_recording
ok 'nothing is refused' send 413 "$work/nothing"
ok 'more than a disk has is refused' send 413 "$recording" -H 'Content-Length: 2199023255552'

is_busy() { send 503 "$work/noise" && answers 'try again'; }
# Whether all four were before it; if not, one of them is the fifth.
four_at_once() {
  local i
  for i in 1 2 3 4; do send_slowly; done
  sleep 0.3
  is_busy || { go_away; return 1; }
}
ok 'a fifth at once is told to try again' eventually four_at_once
go_away
ok 'those who go away leave room' is_opened
leave_midway() {
  local i
  for ((i = 0; i < 12; i++)); do
    send_slowly
    sleep "0.0$i"
    go_away
  done
  is_opened
}
ok 'so do those who leave at any time' leave_midway
ok 'stop' stop

TMPDIR=$work/missing ok 'start where there is no room' start
no_room() { send 500 "$work/noise" && answers 'no room'; }
ok 'it says so' no_room
ok 'stop' stop

small=$work/small
if mkdir "$small" && mount -t tmpfs -o size=1M tmpfs "$small" 2>/dev/null; then
  TMPDIR=$small ok 'start where there is little room' start
  too_large() { send 200 "$work/noise" && answers 'No space left on device'; }
  ok 'one that is too large for the disk' too_large
  ok 'one that is not' is_opened
  ok 'stop' stop
  umount "$small"
else
  skip 'a full disk' 'no tmpfs can be mounted here'
fi
