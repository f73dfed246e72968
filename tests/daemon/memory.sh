# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Events of memory, written by hand: what is told of them, also where they make no sense.

# tells ID FIELD VALUE: of the session's memory.
tells() {
  [[ $(session "$1" memory | python3 -c '
import json, sys
print(json.dumps(json.load(sys.stdin)[sys.argv[1]]))' "$2") == "$3" ]]
}

# played STEP...: a program that ends; its id.
played() {
  play make=good "$@" >/dev/null && played_id=$(last_id) && eventually saved "$played_id"
}

file_of() { session "$1" files | python3 -c '
import json, sys
print(next((f for f in json.load(sys.stdin) if f.endswith(sys.argv[1])), ""))' "$2"; }

export_metric() {
  request "{\"op\":\"export\",\"session\":\"$1\",\"metric\":\"$2\",\"by\":\"$3\"}" | tail -n +2
}

ok 'start' start

counts() {
  played modes=3 hello alloc=4096:100 alloc=8192:200 open=1 free=4096 realloc=8192:12288:300 \
    realloc=12288:0:99 free=77 alloc=16384:3000000000000 exited &&
    tells "$played_id" allocations 4 && tells "$played_id" allocated_bytes 3000000000600 &&
    tells "$played_id" live 2 && tells "$played_id" live_bytes 3000000000300 &&
    tells "$played_id" reallocations 1 && tells "$played_id" unmatched_frees 1 &&
    tells "$played_id" temporary 1 && tells "$played_id" lost 0
}
ok 'what is allocated, freed, reallocated, and what is live' counts
files_of_calls() {
  diff - "$(file_of "$played_id" -memory.folded)" <<<$'<no call> 300\nf 3000000000300' &&
    [[ -z $(file_of "$played_id" detail.folded) ]] &&
    [[ $(export_metric "$played_id" leaked calls) == 'f 3000000000300' ]] &&
    [[ $(export_metric "$played_id" temporary calls) == '<no call> 1' ]]
}
ok 'a file by calls, and none without stacks' files_of_calls
stacks() {
  played modes=2 flags=6 trace=1:0:2 trace=2:1:3 hello alloc=4096:100:1 alloc=8192:200:2 \
    free=4096:2 exited &&
    diff - "$(file_of "$played_id" -memory_detail.folded)" <<<$'f 100\nf;g 200' &&
    diff - "$(file_of "$played_id" -memory_detail_dealloc.folded)" <<<'f;g 100' &&
    diff - <(export_metric "$played_id" live traces) <<<'f;g 200'
}
ok 'files by stack' stacks
no_time() { [[ $(session "$played_id" files) == '["'*-memory.folded'", "'*_detail.folded'", "'*_dealloc.folded'", "'*.json'"]' ]]; }
ok 'who asked for memory alone gets no empty file of time' no_time

# notes PATTERN STEP...: what the session says about its memory.
notes() {
  local pattern=$1
  shift
  played "$@" && session "$played_id" memory | grep -qE "$pattern"
}
ok 'a malloc of its own is told' notes 'a malloc of its own' modes=2 flags=32 hello exited
ok 'and is the message' bash -c "[[ '$(session "$(last_id)" message)' == *'malloc of its own'* ]]"
ok 'a threshold is told' notes '"size_threshold": 64' modes=2 threshold=64 hello exited
ok 'sampling is told' notes 'one in 524288 bytes was looked at' modes=2 sample=524288 hello exited
ok 'any threshold, any rate' notes '"sample_bytes": 9223372036854775807' modes=2 threshold=18446744073709551615 \
  sample=18446744073709551615 hello alloc=4096:1 exited
ok 'lost events are told' notes '7 allocations and frees were lost' modes=2 hello lost-memory=7 exited
ok 'what was switched off is told' notes 'switched off 3 times' modes=2 hello pauses=3 exited
ok 'time alone has no memory' bash -c "'$fake' '$socket' make=good hello calls=1 exited >/dev/null"
none() { [[ $(session "$(last_id)" memory) == null ]]; }
ok 'and says so' none
late() { played hello alloc=4096:10 exited && tells "$played_id" live 1; }
ok 'memory that was not asked for is met' late

pages() {
  played modes=2 flags=8 hello map=65536:8192:0 map=1048576:4096:0 unmap=65536:8192:0 exited &&
    tells "$played_id" mapped_bytes 4096 && tells "$played_id" mapped_peak_bytes 12288
}
ok 'pages that it maps itself' pages

rubbish() {
  local seed
  for seed in 1 2 3; do
    played modes=3 flags=6 hello "rubbish=$seed" drained exited || return 1
    export_metric "$played_id" live traces >/dev/null && export_metric "$played_id" freed traces >/dev/null &&
      session "$played_id" memory | python3 -c '
import json, sys
m = json.load(sys.stdin)
assert m["allocations"] - m["frees"] == m["live"], m
assert m["unmatched_frees"] and m["displaced"], m' || return 1
  done
}
ok 'random addresses, sizes and stacks' rubbish
long_chain() {
  local steps=() i
  for ((i = 1; i < 3000; i++)); do steps+=("trace=$i:$((i - 1)):$((2 + i % 2))"); done
  played modes=2 flags=2 "${steps[@]}" trace=5000:6000:2 trace=6000:5000:2 trace=7:7:2 hello \
    alloc=4096:1:2999 alloc=8192:2:5000 alloc=12288:4:6000 alloc=16384:8:4194303 exited &&
    tells "$played_id" lost_traces 4 &&    diff - <(export_metric "$played_id" live traces) <<<'<no stack> 15'
}
ok 'stacks that are too deep, go in a circle, or are not there' long_chain
still_exact() { played modes=2 hello churn=200000 drained exited && tells "$played_id" allocations 200000 &&
  tells "$played_id" live 0 && tells "$played_id" temporary 200000; }
ok 'and the next one is as exact as the first' still_exact

restarted() {
  rm -f "$work/in" "$work/said_by"
  mkfifo "$work/in"
  "$fake" "$socket" make=good modes=2 hello alloc=4096:1 alloc=8192:2 drained wait free=4096 \
    alloc=12288:4 free=8192 drained wait exited <"$work/in" >"$work/said_by" &
  program=$!
  exec 7>"$work/in"
  eventually grep -qs drained "$work/said_by" || return 1
  played_id=$(last_id)
  kill -9 "$daemon_pid"
  wait "$daemon_pid" 2>/dev/null
  start && echo >&7 && eventually tells "$played_id" unmatched_frees 2 &&
    tells "$played_id" live_bytes 4 && tells "$played_id" allocations 1 &&
    session "$played_id" memory | grep -q 'restarted: 2 frees were of blocks' || return 1
  exec 7>&-
  wait "$program" && eventually saved "$played_id" && tells "$played_id" live_bytes 4
}
ok 'a thagd that takes over says what it can not know' restarted

for bad in '"metric":"age"' '"metric":"live","by":"age"' '"metric":"live","from":5,"to":5' \
  '"format":"memories"' '"metric":7'; do
  refused() { request "{\"op\":\"export\",$bad}" | head -1 | grep -q '^-22 '; }
  ok "wrong export $bad" refused
done
whole() {
  request "{\"op\":\"export\",\"session\":\"$played_id\",\"format\":\"memory\"}" | tail -n +2 |
    python3 -c '
import json, sys
m = json.load(sys.stdin)
assert m["live_bytes"] == 4 and m["live"] == 1, m'
}
ok 'all of it as JSON' whole
over_http() {
  curl -sf "http://localhost:$port/api/sessions/$played_id/export?metric=live&by=calls" |
    diff - <(echo '<no call> 4') &&
    curl -s "http://localhost:$port/api/sessions/$played_id/export?metric=age" | grep -q 'no such metric'
}
ok 'and over HTTP' over_http
sanitized || ok 'memory is bounded' test "$(rss_kb)" -lt 700000
ok 'stop' stop
