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
ok 'HEAD' bash -c "curl -sI -m 5 $url/api/sessions | grep -q '200 OK'"
ok 'NUL in a path' bash -c "! curl -sf -m 5 '$url/api/sessions/latest%00/export'"
ok 'what changes is not stored' grep -q 'no-store' <(curl -si -m 5 "$url/api/sessions")
not_modified() {
  local etag
  etag=$(curl -sI -m 5 "$url/app.js" | tr -d '\r' | sed -n 's/^etag: //p')
  [[ -n $etag ]] && code 304 -H "If-None-Match: $etag" "$url/app.js"
}
ok 'what is known is not sent again' not_modified

exports() {
  curl -si -m 5 "$url/api/sessions/$id/export?format=folded&thread=0&raw=0" | tr -d '\r' >"$work/export"
  grep -qE '^content-disposition: attachment; filename="fake-[0-9-]+\.folded"$' "$work/export" &&
    [[ $(sed '1,/^$/d' "$work/export") == "$(export_folded "$id")" ]]
}
ok 'export as attachment equals that of the command' exports
ok 'export of a thread that is not there is empty' bash -c "[[ -z \$(curl -s -m 5 '$url/api/sessions/$id/export?thread=3') ]]"
for query in format=svg thread=x thread=-1 thread=99999999999; do
  ok "export with $query" code 400 "$url/api/sessions/$id/export?$query"
done

ws=(-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13'
  -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==')
sub=(-H 'Sec-WebSocket-Protocol: thag-1')
ok 'WebSocket without our protocol' code 400 "${ws[@]}" -H "Origin: $url" "$url/ws"
ok 'WebSocket elsewhere' code 400 "${ws[@]}" "${sub[@]}" -H "Origin: $url" "$url/other"
ok 'upgrade to something else' code 403 -H "Origin: $url" -H 'Connection: Upgrade' -H 'Upgrade: h3' "$url/"
# watch JSON SECONDS OUTPUT: opens a WebSocket, sends one text (mask 0), keeps what comes.
watch() {
  exec 8<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nOrigin: http://127.0.0.1:%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: thag-1\r\n\r\n' \
    "$port" "$port" >&8
  printf "\\x81\\x$(printf %02x $((128 + ${#1})))\\0\\0\\0\\0%s" "$1" >&8
  timeout "$2" cat <&8 >"$3"
  exec 8>&-
}

sees_frames() {
  watch "{\"op\":\"watch\",\"session\":\"$id\",\"width\":800}" 1 "$work/frames"
  grep -aq 'HTTP/1.1 101' "$work/frames" && grep -aq '"op":"sessions"\|"op": "sessions"' "$work/frames" &&
    [[ $(grep -ao THGF "$work/frames" | wc -l) == 2 ]]
}
ok 'list of sessions, a flame and a table; nothing more while nothing changes' sees_frames
# sees_memory FIELDS...: FLAME, TABLE and MEMORY, types 1, 2 and 3, of that metric.
sees_memory() {
  play make=good modes=2 hello alloc=4096:100 alloc=8192:5 free=4096 exited >/dev/null
  watch "{\"op\":\"watch\",\"session\":\"latest\",$1}" 1 "$work/frames"
  python3 - "$work/frames" "$2" <<'END'
import re, struct, sys
found = {}
data = open(sys.argv[1], "rb").read()
for at in (m.start() for m in re.finditer(b"THGF", data)):
    kind, metric = struct.unpack_from("<H", data, at + 6)[0], struct.unpack_from("<I", data, at + 44)[0]
    found[kind] = metric
sys.exit(found != dict.fromkeys((1, 2, 3), int(sys.argv[2])))
END
}
ok 'live memory' sees_memory '"metric":"live"' 3
ok 'leaks of a part of the run' sees_memory '"metric":"leaked","from":1,"to":9000000000' 5
ok 'frees by calls' sees_memory '"metric":"freed","by":"calls","from":5' 7
sees_live() {
  local count program
  "$fake" "$socket" make=good hello calls=30000000 >/dev/null &
  program=$!
  sleep 0.2
  watch '{"op":"watch","session":"latest"}' 2 "$work/frames"
  kill -9 "$program"
  wait "$program" 2>/dev/null
  count=$(grep -ao THGF "$work/frames" | wc -l)
  echo "$count frames in 2 s"
  ((count >= 16 && count <= 36))
}
ok 'a running program is seen at least 4 and at most 8 times a second' sees_live
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
    watch "$bad" 0.4 "$work/frames"
    grep -aq '"op":"error"' "$work/frames"
  }
  ok "wrong request $bad" says_error
done

# A path in the request is not looked at.
names_no_file() {
  watch "{\"op\":\"source\",\"session\":\"$id\",\"function\":\"$1\",\"path\":\"/etc/passwd\"}" 1 "$work/frames"
  grep -aq '"op":"source"' "$work/frames" && grep -aq "isn't known" "$work/frames" && ! grep -aq root: "$work/frames"
}
ok 'the source of a function that is not there' names_no_file 00000000000000ff

ok 'stop' stop
