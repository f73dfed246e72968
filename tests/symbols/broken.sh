# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh, run.sh, build.sh and daemon.sh set
# Malformed files: thagd doesn't notice but for a count, and others still get names.

broken_count=${THAG_BROKEN_FILES:-300}
mkdir -p "$work/broken"
ok 'break files' python3 "$here/mutate.py" "$bin/gcc5" "$work/broken" "$broken_count"
ok 'start' start

# Twenty files a program, so that one which ends the reader often doesn't lose all of its names.
all_broken() {
  local i j steps
  for ((i = 0; i < broken_count; i += 20)); do
    steps=()
    for ((j = i; j < i + 20 && j < broken_count; j++)); do
      steps+=(module="$work/broken/broken$j" address="$run_at" address="$main_at" address=1500)
    done
    "$play_functions" "$socket" "${steps[@]}" drained exited >/dev/null || return 1
  done
  id=$(last_id)
}
ok 'programs with broken files run' all_broken
long_saved() { eventually saved "$id" || eventually saved "$id" || eventually saved "$id"; }
ok 'their profiles are saved' long_saved
accounted() {
  list | python3 -c '
import json, sys
named = unnamed = 0
for session in json.load(sys.stdin)["sessions"]:
    symbols = session["symbols"]
    named += symbols["named"]
    unnamed += sum(symbols["unnamed"].values())
    assert symbols["unnamed"]["late"] == 0, session
    assert symbols["named"] + sum(symbols["unnamed"].values()) == symbols["functions"], session
print(named, "named", unnamed, "not")
assert named > 0 and unnamed > 0'
}
ok 'each function has a name, or a reason for having none' accounted
still_named() { profile module="$app" build-id="$app_id" address="$run_at" && [[ $(frames "$id") == 'run(int)' ]]; }
ok 'the next program has its names' still_named
noise() {
  local seed
  for seed in 1 2 3; do
    profile noise=$seed || return 1
  done
}
ok 'a senseless table of modules' noise
ok 'and the next program has its names' still_named

reader() { pgrep -P "$daemon_pid" -f -- --symbols; }
# The reader is stopped, asked, and killed, as if a file had ended it.
dies_reading() {
  local pid
  pid=$(reader) && kill -STOP "$pid" || return 1
  "$play_functions" "$socket" module="$bin/clang5" build-id="$(build_id "$bin/clang5")" \
    address="$(address "$bin/clang5" _Z3runi)" address=1 drained pause exited >/dev/null
  kill -9 "$pid"
  id=$(last_id)
  eventually saved "$id" || return 1
  session "$id" symbols
  [[ $(frames "$id") == *'run(int)'* ]] && session "$id" symbols | grep -q '"named": 1, "with_line": 0' &&
    grep -q 'now without its DWARF' "$work/log"
}
rm -rf "$work/cache/thag"
ok 'a file that ends its reader is read without its DWARF' dies_reading
is_zombie() { grep -q '^State:.*Z' "/proc/$1/status"; }
dies_idle() {
  local pid
  pid=$(reader) && kill -9 "$pid" && eventually is_zombie "$pid" && profile module="$bin/gcc-more" \
    build-id="$(build_id "$bin/gcc-more")" address="$(address "$bin/gcc-more" _Z3runi)" &&
    [[ $(frames "$id") == 'run(int)' ]] && session "$id" symbols | grep -q '"with_line": 1'
}
ok 'a reader that ends by itself is started again' dies_idle
confined() {
  local pid
  pid=$(reader) || return 1
  grep -q '^NoNewPrivs:.*1$' "/proc/$pid/status" && grep -q 'core file size *0 *0' "/proc/$pid/limits" &&
    { sanitized || grep -qE 'data size *2147483648' "/proc/$pid/limits"; } &&
    (($(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l) < 40))
}
ok 'the reader is confined' confined
last_reader=$(reader)
ok 'stop' stop
ok 'the reader is gone, too' test ! -e "/proc/$last_reader/exe"
ok 'no error was logged' bash -c "! grep ' error: ' '$work/log'"
