# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# The page: what is answered, and what a browser sees of a program that runs. Who may ask, and what
# may not be asked, is in tests/reliability/web.sh.

ok 'start' start
play make=good hello calls=1000 drained exited >/dev/null
id=$(last_id)
ok 'a session' eventually saved "$id"
url=http://localhost:$port

for method in POST PUT DELETE PATCH OPTIONS; do
  ok "$method" code 405 -X "$method" -H 'Content-Length: 0' "$url/api/sessions"
done
ok 'HEAD' bash -c "curl -sI -m 30 $url/api/sessions | grep -q '200 OK'"
# Nothing else happens meanwhile that would have the connection looked at.
# shellcheck disable=SC2016 # it is the inner shell that expands
head_ends() {
  timeout 20 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; printf "%s" "$2" >&3; cat <&3' - "$port" \
    "HEAD /api/sessions/$id/export HTTP/1.1"$'\r\n'"Host: localhost:$port"$'\r\n\r\n' >"$work/head" &&
    grep -q '200 OK' "$work/head"
}
ok 'HEAD of an export, whose connection ends' head_ends
ok 'NUL in a path' bash -c "! curl -sf -m 30 '$url/api/sessions/latest%00/export'"
ok 'what changes is not stored' grep -q 'no-store' <(curl -si -m 30 "$url/api/sessions")
not_modified() {
  local etag
  etag=$(curl -sI -m 30 "$url/app.js" | tr -d '\r' | sed -n 's/^etag: //p')
  [[ -n $etag ]] && code 304 -H "If-None-Match: $etag" "$url/app.js"
}
ok 'what is known is not sent again' not_modified

exports() {
  curl -si -m 30 "$url/api/sessions/$id/export?format=folded&thread=0&raw=0" | tr -d '\r' >"$work/export"
  grep -qE '^content-disposition: attachment; filename="fake-[0-9-]+\.folded"$' "$work/export" &&
    [[ $(sed '1,/^$/d' "$work/export") == "$(export_folded "$id")" ]]
}
ok 'export as attachment equals that of the command' exports
ok 'export of a thread that is not there is empty' bash -c "[[ -z \$(curl -s -m 30 '$url/api/sessions/$id/export?thread=3') ]]"
for query in format=svg thread=x thread=-1 thread=99999999999 from=x from=-1 to=x to=9223372036854775808 \
  to=99999999999999999999; do
  ok "export with $query" code 400 "$url/api/sessions/$id/export?$query"
done

ws=(-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13'
  -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==')
sub=(-H 'Sec-WebSocket-Protocol: thag-1')
ok 'WebSocket without our protocol' code 400 "${ws[@]}" -H "Origin: $url" "$url/ws"
ok 'WebSocket elsewhere' code 400 "${ws[@]}" "${sub[@]}" -H "Origin: $url" "$url/other"
ok 'upgrade to something else' code 403 -H "Origin: $url" -H 'Connection: Upgrade' -H 'Upgrade: h3' "$url/"
# watch JSON COMMAND...: opens a WebSocket, sends one text (mask 0), keeps what comes in
# $work/frames until the command succeeds.
watch() {
  local request=$1 reader status=0
  shift
  rm -f "$work/frames"
  exec 8<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nOrigin: http://127.0.0.1:%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: thag-1\r\n\r\n' \
    "$port" "$port" >&8
  printf "\\x81\\x$(printf %02x $((128 + ${#request})))\\0\\0\\0\\0%s" "$request" >&8
  cat <&8 >"$work/frames" &
  reader=$!
  eventually "$@" || status=$?
  kill "$reader"
  wait "$reader" 2>/dev/null
  exec 8>&-
  return "$status"
}

# came PATTERN...: each was sent.
came() {
  local pattern
  for pattern in "$@"; do
    grep -aqs "$pattern" "$work/frames" || return 1
  done
}
frames() { "$here/frames.py" "$work/frames" "$@"; }
have_count() { [[ -s $work/frames && $(frames count) == "$1" ]]; }

two_and_no_more() { have_count 2 && sleep 1 && have_count 2; }
sees_frames() {
  watch "{\"op\":\"watch\",\"session\":\"$id\",\"width\":800}" two_and_no_more &&
    came 'HTTP/1.1 101' '"op":"sessions"'
}
ok 'list of sessions, a flame and a table; nothing more while nothing changes' sees_frames
# sees_memory FIELDS METRIC: FLAME, TABLE and MEMORY of that metric.
sees_memory() {
  play make=good modes=2 hello alloc=4096:100 alloc=8192:5 free=4096 exited >/dev/null
  watch "{\"op\":\"watch\",\"session\":\"latest\",$1}" frames metric "$2"
}
ok 'live memory' sees_memory '"metric":"live"' 3
ok 'leaks of a part of the run' sees_memory '"metric":"leaked","from":1,"to":9000000000' 5
ok 'frees by calls' sees_memory '"metric":"freed","by":"calls","from":5' 7
runs_since() { [[ $(last_id) != "$1" ]]; }
sees_live() {
  local status=0 before program
  before=$(last_id)
  "$fake" "$socket" make=good hello calls=4000000000 >/dev/null &
  program=$!
  eventually runs_since "$before" && watch '{"op":"watch","session":"latest"}' frames rate || status=$?
  kill -9 "$program"
  wait "$program" 2>/dev/null
  return "$status"
}
ok 'a running program is seen at least 4 and at most 8 times a second' sees_live
# Six programs end, while the disk takes 10 s for each sync: who looks doesn't wait for any of them.
slow_disk() {
  local status=0 tracer first
  strace -f -qq -o /dev/null -p "$daemon_pid" -e trace=fsync -e inject=fsync:delay_enter=10000000 &
  tracer=$!
  eventually grep -q '^TracerPid:[^0]*[1-9]' "/proc/$daemon_pid/status" || status=1
  play make=good hello calls=1000 drained exited >/dev/null
  first=$(last_id)
  for _ in {1..5}; do play make=good hello calls=1000 drained exited >/dev/null; done
  watch "{\"op\":\"watch\",\"session\":\"$first\"}" have_count 2 || status=1
  ! saved "$first" || status=1
  kill "$tracer"
  wait "$tracer"
  eventually saved "$(last_id)" && ((status == 0))
}
if sanitized || ! strace -qq -o /dev/null true 2>/dev/null; then
  skip 'a page on a slow disk' 'it would be traced, which is slow with a sanitizer, or not allowed here'
else
  ok 'a page on a slow disk' slow_disk
fi
for bad in '{"op":"watch"}' '{"op":"watch","session":"999"}' '{"op":"dance"}' '[1]' 'x' \
  '{"op":"watch","session":"1","focus":"zz"}' '{"op":"watch","session":"1","sort":"age"}' \
  '{"op":"watch","session":"1","metric":"age"}' \
  '{"op":"watch","session":"1","metric":"live","by":"age"}' \
  '{"op":"watch","session":"1","metric":"live","from":-1}' \
  '{"op":"watch","session":"1","metric":"live","from":2,"to":1}' \
  '{"op":"watch","session":"1","hide":["main"]}' '{"op":"watch","session":"1","only":1}' \
  '{"op":"watch","session":"1","metric":"live","to":"1"}' \
  '{"op":"source"}' '{"op":"source","session":"1"}' '{"op":"source","session":"1","function":"main"}' \
  '{"op":"source","session":"1","function":"0000000000000000"}' \
  '{"op":"source","session":"1","function":1}' '{"op":"source","session":"1","function":"/etc/passwd"}' \
  '{"op":"source","session":"999","function":"00000000000000ff"}' \
  '{"op":"source","session":"1","function":"00000000000000ff","place":16}' \
  '{"op":"source","session":"1","function":"00000000000000ff","place":"x"}' \
  '{"op":"source","session":"1","function":"00000000000000ff","first":-1}' \
  '{"op":"source","session":"1","function":"00000000000000ff","count":0}' \
  '{"op":"source","session":"1","function":"00000000000000ff","count":1001}' \
  '{"op":"source","session":"1","function":"00000000000000ff","metric":"age"}'; do
  says_error() {
    watch "$bad" came '"op":"error"'
  }
  ok "wrong request $bad" says_error
done

# A path in the request is not looked at.
names_no_file() {
  watch "{\"op\":\"source\",\"session\":\"$id\",\"function\":\"$1\",\"path\":\"/etc/passwd\"}" \
    came '"op":"source"' "isn't known" && ! came root:
}
ok 'the source of a function that is not there' names_no_file 00000000000000ff

ok 'stop' stop
