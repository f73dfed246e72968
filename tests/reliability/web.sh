# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Names of any bytes, and what comes from the network. HOSTILE_REQUESTS: how many are sent, SEED which.

can_be_another() { [[ $(id -u) == 0 ]] && command -v setpriv >/dev/null; }
as_another() { setpriv --reuid 65534 --clear-groups "$@"; }

# Their own thagd, so that they can wait for its patience to end while others go on.
begin_slow() {
  "$build/daemon/thagd" --socket "$work/slow.sock" --port 0 >"$work/slow" 2>&1 &
  slow_thagd=$!
  eventually grep -q listening "$work/slow" || return 1
  slow_port=$(sed -E 's/.*localhost:([0-9]+).*/\1/' "$work/slow")
  "$here/slow_loris.py" "$slow_port" >"$work/loris" 2>&1 &
  loris=$!
}
gives_way() {
  local status=0
  wait "$loris" || status=$?
  cat "$work/loris"
  if ((status == 0)) && can_be_another; then
    "$here/slow_loris.py" "$slow_port" 65534 || status=1
  fi
  kill "$slow_thagd" && wait "$slow_thagd" && return $status
}
ok 'start of another' begin_slow

# --- names ---

# A program whose own name is hostile, too; its names are in $work/names.
run_names() {
  local program=$work/$'evil;<b>"\n9  \e[31m\xff'
  cp "$build/tests/hostile-names" "$program" && mkdir -p "$work/logs" &&
    TMPDIR=$work/logs LD_LIBRARY_PATH=$build/libclient THAG_PROFILER=time,$work/out,quiet \
      "$program" $'one\n<b>' >"$work/names" 2>"$work/stderr" && eventually is_saved
}

# names_in FORMAT COMMAND...: what it prints has them, as FORMAT is to have them.
names_in() {
  local format=$1
  shift
  (cd "$work" && "$@" >found && "$here/check_names.py" names "$format" found)
}

ok 'start' start_thagd --log-level debug
ok '48 names of any bytes' run_names
for format in folded csv speedscope pprof firefox chrome perfetto events; do
  ok "48 names in $format" names_in "$format" thag export latest --format "$format"
done
ok '48 names in pictures' names_in svg thag svg latest -o -
ok '48 names in tables of JSON' names_in stat thag stat latest --json
ok '48 names in tables of CSV' names_in stat.csv thag stat latest --csv
ok '48 names in differences' names_in stat.csv thag diff latest latest --format csv
ok '48 names in the list' names_in list thag list --json
for command in list 'stat latest' 'top latest --iterations 1' 'diff latest latest'; do
  # shellcheck disable=SC2086 # words
  ok "48 names on a terminal: thag $command" names_in terminal thag $command
done
in_logs() {
  cat "$work/thagd.log" "$work"/logs/thag_profiler/evil__b___9____31m_-[0-9]*[0-9]-debug.log >"$work/log" &&
    names_in terminal cat "$work/log" && ! grep -vE '^[0-9]' "$work/log"
}
ok '48 names in logs' in_logs
in_files() { [[ $(find "$work/out" -mindepth 1 | LC_ALL=C grep -c '/evil__b___9____31m_-[0-9-]*[.][a-z]*$') == 2 ]]; }
ok '48 names of files' in_files
on_the_page() {
  node "$here/../web/run.mjs" --proto "$build/proto/proto.ts" --out "$build/tests/web" \
    ../reliability/page.test.ts
}
# what runs in a browser is not sanitized
sanitized || THAG_BUILD=$build ok '48, 51 names on the page; its token' on_the_page

# --- who may ask ---

id=$(last id)
url=http://localhost:$port

ws=(-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13'
  -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' -H 'Sec-WebSocket-Protocol: thag-1')

# upgraded CURL-ARGUMENT...: the WebSocket opens; it is left at once.
upgraded() {
  curl -s -m 30 -N "${ws[@]}" -D "$work/head" "$@" -o /dev/null &
  local client=$!
  eventually grep -qs ' 101 ' "$work/head"
  local status=$?
  kill "$client"
  wait "$client" 2>/dev/null
  rm -f "$work/head"
  return $status
}

for host in localhost 127.0.0.1 '[::1]'; do
  [[ $host != *::1* || -e /proc/net/if_inet6 ]] || continue
  ok "49 Host $host" code 200 "http://$host:$port/api/sessions"
  ok "50 Origin $host" code 200 -H "Origin: http://$host:$port" "$url/api/sessions"
  ok "50 WebSocket of $host" upgraded -H "Origin: http://$host:$port" "http://$host:$port/ws"
done
for host in evil.example "evil.example:$port" localhost 127.0.0.1 "localhost:1$port" \
  "localhost.evil.example:$port" "127.0.0.1.evil.example:$port" "localhost:$port@evil.example" \
  "localhost.:$port" "0.0.0.0:$port" "127.1:$port" "[::]:$port" "localhost:0$port" ''; do
  ok "49 Host '$host'" code 403 -H "Host: $host" "$url/api/sessions"
  ok "49 Host '$host', WebSocket" code 403 "${ws[@]}" -H "Origin: $url" -H "Host: $host" "$url/ws"
done
without_host() {
  printf 'GET / HTTP/1.0\r\n\r\n' | timeout 30 curl -s -m 30 "telnet://localhost:$port" | grep ' 403 ' >/dev/null
}
ok '49 no Host' without_host
ok '49, 50 hosts and origins' unit gate '*' http_gate
for origin in http://evil.example null "https://localhost:$port" http://localhost file:// \
  "http://localhost:$port.evil.example" "http://localhost:1$port" "http://evil.example:$port" \
  "$url, http://evil.example" "$url/"; do
  ok "50 Origin '$origin'" code 403 -H "Origin: $origin" "$url/api/sessions"
  ok "50 Origin '$origin', page" code 403 -H "Origin: $origin" "$url/"
  ok "50 Origin '$origin', WebSocket" code 403 "${ws[@]}" -H "Origin: $origin" "$url/ws"
  ok "50 Origin '$origin', POST" code 403 -H "Origin: $origin" -d x "$url/api/recordings"
done
ok '50 WebSocket without Origin' code 403 "${ws[@]}" "$url/ws"
ok '50 POST without Origin' code 403 -d x "$url/api/recordings"

# --- what may be asked ---

ok '52 hidden requests' "$here/raw_requests.py" smuggling "$port"
ok '52 paths' "$here/raw_requests.py" paths "$port"
giant_body() {
  local before
  before=$(awk '/^VmRSS/ { print $2 }' "/proc/$thagd/status")
  # of a request that takes none, and of one that doesn't say how long it is
  head -c 200M /dev/zero | curl -s -m 60 -o /dev/null -X GET -T - "$url/" 2>/dev/null
  head -c 200M /dev/zero | curl -s -m 60 -o /dev/null -X POST -T - -H "Origin: $url" "$url/api/recordings"
  code 413 -H "Origin: $url" -H 'Content-Length: 2000000000000' -d x "$url/api/recordings" &&
    code 200 "$url/" && { sanitized || (($(awk '/^VmRSS/ { print $2 }' "/proc/$thagd/status") - before < 50000)); }
}
ok '52 giant bodies' giant_body
ok '54 headers of security, and no script within a page' "$here/raw_requests.py" pages "$port" "$id"
ok '54 GET changes nothing' "$here/raw_requests.py" unchanged "$port" "$id" "$work/out"

# --- other users ---

# anothers CODE PATH [CURL-ARGUMENT]...: what another user gets.
anothers() {
  local wanted=$1 path=$2 got
  shift 2
  got=$(as_another "$(type -P curl)" -s -m 30 -o /dev/null -w '%{http_code}' "$@" "$url$path")
  echo "$path: $got"
  [[ $got == "$wanted" ]]
}
refuses_another() {
  local path
  for path in / /app.js /api/sessions "/api/sessions/$id/export" '/?token=' \
    "/api/sessions?token=$(printf '%032d' 0)"; do
    anothers 403 "$path" || return 1
    [[ ! -e /proc/net/if_inet6 ]] || url="http://[::1]:$port" anothers 403 "$path" || return 1
  done
  anothers 403 /ws "${ws[@]}" -H "Origin: $url"
}

token_lets_in() {
  local token
  start_thagd --token --log-level debug || return 1
  url=http://localhost:$port
  token=$(sed -nE 's/.*token=([0-9a-f]{32}) .*/\1/p' "$work/line")
  [[ -n $token ]] && anothers 200 "/?token=$token" && anothers 200 /app.js &&
    anothers 200 "/api/sessions?token=$token" && anothers 200 "/api/sessions?x=y&token=$token" &&
    anothers 403 / && anothers 403 /api/sessions && anothers 403 "/api/sessions?token=${token}0" &&
    anothers 403 "/api/sessions?token=${token%?}" && anothers 403 "/api/sessions?token=" &&
    anothers 403 "/api/sessions?token=${token^^}" && anothers 403 /ws "${ws[@]}" -H "Origin: $url" &&
    anothers 403 "/ws?token=$token" "${ws[@]}" -H 'Origin: http://evil.example' &&
    anothers 403 "/?token=$token" -H 'Host: evil.example' && code 200 "$url/api/sessions" &&
    { sanitized || ! grep -rq "$token" "$work/thagd.log" "$work/out" "/proc/$thagd/cmdline" "${THAG_SOCKET%.sock}".*; }
}
if can_be_another; then
  ok '51 another user' refuses_another
  ok '51 another user with the token' token_lets_in
fi
tells_no_log() {
  local token
  token=$("$build/daemon/thagd" --socket "$work/told.sock" --port 0 --token --daemonize |
    sed -nE 's/.*token=([0-9a-f]{32}) .*/\1/p')
  [[ -n $token ]] && grep -q listening "$work/told.log" && ! grep -q "$token" "$work"/told.*
  local status=$?
  THAG_SOCKET=$work/told.sock thag stop
  return $status
}
ok '51 the token is printed, and nowhere else' tells_no_log

# --- all of it, by chance ---

hostile() {
  local program status=0
  start_thagd && clear_out || return 1
  "$build/examples/treestat" --seconds 600 --top 1 /usr/include >/dev/null 2>&1 &
  program=$!
  eventually is_listed "$program" || status=1
  ((status)) || MOST_MB=$(sanitized && echo 0 || echo 150) "$here/hostile_client.py" "$port" "$thagd" \
    "$(last id)" "${HOSTILE_REQUESTS:-$(sanitized && echo 300 || echo 1500)}" "${SEED:-1}" || status=1
  kill "$program"
  wait "$program" 2>/dev/null
  return $status
}
is_listed() { [[ $(last pid) == "$1" ]]; }
ok '52 requests and frames that no browser sends' hostile
ok '52 slow loris' gives_way
