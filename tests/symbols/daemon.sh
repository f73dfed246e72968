# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh, run.sh and build.sh set
# thagd names the functions of programs, from files that are there, gone, changed or stripped.

app=$work/app
app_id=$(build_id "$bin/gcc5")
run_at=$(address "$bin/gcc5" _Z3runi)
main_at=$(address "$bin/gcc5" main)
cp "$bin/gcc5" "$app"

# profile STEP...: a program's run, and its session's id.
profile() {
  "$play_functions" "$socket" "$@" drained exited >/dev/null && id=$(last_id) && eventually saved "$id"
}
frames() { export_folded "$1" | sed 's/ [0-9]*$//'; }
# unnamed ID REASON N: that many functions have no name for that reason.
unnamed() {
  session "$1" symbols | python3 -c '
import json, sys
symbols = json.load(sys.stdin)
print(symbols)
sys.exit(symbols["unnamed"][sys.argv[1]] != int(sys.argv[2]))' "$2" "$3"
}

ok 'start' start

named() {
  profile module="$app" build-id="$app_id" address="$run_at" address="$main_at" || return 1
  [[ $(frames "$id") == $'main\nrun(int)' && $(frames "$id") == "$(sed 's/ [0-9]*$//' fake-*.folded)" ]] &&
    session "$id" symbols | grep -q '"named": 2, "with_line": 2' &&
    grep -q '"with_line": 2' fake-*.json && is "$id" message null
}
ok 'functions have names, in the export and in the files' named
every_kind() {
  local name
  for name in gcc4-no-pie libgcc5.so gcc-compressed gcc-split clang5 clang-split; do
    profile module="$bin/$name" build-id="$(build_id "$bin/$name")" \
      address="$(address "$bin/$name" _Z3runi)" || return 1
    [[ $(frames "$id") == 'run(int)' ]] || { echo "$name"; return 1; }
  done
}
ok 'at a fixed address, in a library, compressed, split' every_kind
no_id() {
  profile module="$bin/no-id.so" address="$(address "$bin/no-id.so" plain_c)" &&
    [[ $(frames "$id") == plain_c ]]
}
ok 'without a build id' no_id
stripped() {
  strip -o "$work/naked" "$bin/clang5"
  profile module="$work/naked" build-id="$(build_id "$bin/clang5")" address=1234 address=1250 &&
    frames "$id" | grep -qx 'naked+0x1234' && unnamed "$id" stripped 2 &&
    [[ $(session "$id" message) == '"2 of 2 functions have no name: stripped;'* ]]
}
ok 'stripped: module and address, counted, and said' stripped
missing() {
  profile module="$work/nowhere" address=77 && [[ $(frames "$id") == nowhere+0x77 ]] &&
    unnamed "$id" missing 1
}
ok 'a file that is gone' missing
changed() {
  profile module="$bin/plain" build-id=00112233445566778899 address=77 &&
    unnamed "$id" changed 1 && [[ $(session "$id" message) == *'built anew'* ]]
}
ok 'a file that was built anew' changed
nowhere() {
  profile absolute=fffffffffff0 entry=5 module= address=5 module=linux-vdso.so.1 address=6 &&
    [[ $(frames "$id" | LC_ALL=C sort) == $'0x1\n0x5\n0xfffffffffff0\nlinux-vdso.so.1+0x6' ]] &&
    unnamed "$id" no_module 4
}
ok 'an address in no module' nowhere
odd_files() {
  mkfifo "$work/fifo"
  profile module="$work/fifo" address=1 module=/dev/zero address=1 module=/proc/self/mem address=1 \
    module=/ address=1 module="$here/sample.cpp" address=1 &&
    unnamed "$id" unreadable 5
}
ok 'files that are no files' odd_files

# An honest program: compiled with -finstrument-functions, the library preloaded, behind the runtime of
# the sanitizer that it may have been built with.
preloaded() {
  local library=$THAG_BUILD/libclient/libthag-cyg.so
  THAG_SOCKET=$socket LD_PRELOAD=$(ldd "$library" | awk '/lib[at]san/ { print $3 }'):$library "$1" \
    >/dev/null || return 1
  id=$(last_id)
  eventually saved "$id" && frames "$id" >"$work/frames"
}
instrumented() {
  g++ -g -O1 -finstrument-functions "$here/sample.cpp" -o "$work/instrumented" &&
    preloaded "$work/instrumented" &&
    grep -qxF 'main;run(int);outer::box<3>::area(int) const' "$work/frames"
}
ok 'a program with -finstrument-functions' instrumented
instrumented_and_known() {
  strip "$work/instrumented" && preloaded "$work/instrumented" &&
    grep -qxF 'main;run(int);outer::box<3>::area(int) const' "$work/frames"
}
ok 'the same build, stripped since: known from before' instrumented_and_known
instrumented_stripped() {
  g++ -s -O2 -finstrument-functions "$here/sample.cpp" -o "$work/instrumented" &&
    preloaded "$work/instrumented" &&
    grep -qE '^instrumented\+0x[0-9a-f]+;' "$work/frames"
}
ok 'one that was always stripped' instrumented_stripped

early() {
  local pid status=0
  mkfifo "$work/in"
  cp "$bin/gcc5" "$work/short-lived"
  "$play_functions" "$socket" module="$work/short-lived" build-id="$app_id" address="$run_at" \
    drained wait exited <"$work/in" >/dev/null &
  pid=$!
  exec 7>"$work/in"
  eventually live_named || status=1
  rm "$work/short-lived"
  echo >&7
  exec 7>&-
  wait "$pid"
  id=$(last_id)
  eventually saved "$id" && [[ $(frames "$id") == 'run(int)' ]] && return $status
}
live_named() { session "$(last_id)" symbols | grep -q '"named": 1'; }
ok 'names come while the program runs; its file may go then' early

ok 'stop' stop
kept() { [[ -s $work/cache/thag/symbols/$app_id ]]; }
ok 'what was found is kept' kept
mode() { [[ $(stat -c %a "$work/cache/thag/symbols/$app_id") == 600 ]]; }
ok 'for this user alone' mode

ok 'start again' start
from_cache() {
  profile module="$work/nowhere" build-id="$app_id" address="$run_at" address=77 &&
    [[ $(frames "$id") == $'nowhere+0x77\nrun(int)' ]] && unnamed "$id" missing 1
}
ok 'a file that is gone by the time thagd comes' from_cache
ok 'stop again' stop

killed_between() {
  local pid status=0
  start || return 1
  "$play_functions" "$socket" module="$work/nowhere" build-id="$app_id" address="$run_at" \
    drained wait exited <"$work/in" >/dev/null &
  pid=$!
  exec 7>"$work/in"
  eventually live_named || status=1
  kill -9 "$daemon_pid"
  wait "$daemon_pid" 2>/dev/null
  start || return 1
  echo >&7
  exec 7>&-
  wait "$pid"
  id=$(last_id)
  eventually saved "$id" && session "$id" symbols | grep -q '"named": 1' && return $status
}
ok 'thagd is killed, the next one has the names' killed_between
ok 'stop after that' stop

# What a cache may have become.
spoil() {
  local file=$work/cache/thag/symbols/$app_id
  case $1 in
  empty) : >"$file" ;;
  noise) head -c 4096 /dev/urandom >"$file" ;;
  cut) truncate -s -7 "$file" ;;
  flipped) printf '\377\377\377\377' | dd of="$file" bs=1 seek=48 conv=notrunc status=none ;;
  huge) truncate -s 1T "$file" ;;
  directory) rm "$file" && mkdir "$file" ;;
  link) rmdir "$file" && ln -s /dev/zero "$file" ;;
  esac
}
spoiled() {
  spoil "$1" && start && profile module="$app" build-id="$app_id" address="$run_at" &&
    [[ $(frames "$id") == 'run(int)' ]] && stop
}
for kind in empty noise cut flipped huge directory link; do
  ok "a cache that is spoiled: $kind" spoiled "$kind"
done
no_cache() {
  local status=0
  XDG_CACHE_HOME=/proc/nowhere start &&
    profile module="$app" build-id="$app_id" address="$run_at" &&
    [[ $(frames "$id") == 'run(int)' ]] || status=1
  stop && return $status
}
ok 'no place for a cache' no_cache
bounded_cache() {
  local i
  for ((i = 0; i < 700; i++)); do
    printf -v name '%040x' "$i"
    touch -d '2 days ago' "$work/cache/thag/symbols/$name"
  done
  rm -f "$work/cache/thag/symbols/$app_id"
  start && profile module="$app" build-id="$app_id" address="$run_at" && stop && kept &&
    (($(find "$work/cache/thag/symbols" -type f | wc -l) <= 512))
}
ok 'the cache is bounded, the oldest go' bounded_cache
