#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The timeline that thagd keeps, with a real program: what its page is told is what the program did.
# THAG_BUILD names the build. Ends with "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${THAG_BUILD:-$here/../../build}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-timeline.XXXXXX")
export THAG_SOCKET=$work/thagd.sock XDG_CACHE_HOME=$work/cache THAG_ON_FULL=wait
export LD_LIBRARY_PATH=$build/libclient
export PATH=$build/tools:$build/daemon:$PATH
unset THAG_PROFILER THAG_RECORD
program=$build/tests/timeline-program
cd "$work" || exit 1
# shellcheck source=tests/support/thagd.sh disable=SC1091
. "$here/../support/thagd.sh"
trap 'stop_thagd; rm -rf "$work"' EXIT

# check WHAT SESSION [ARGUMENT]...
check() { timeout 120 python3 "$here/check.py" "$port" "$@"; }

# play PAIRS: the program, to its end; what it did is in `calls`.
play() {
  "$program" "$1" >"$work/calls" 2>&1 && eventually is_saved
}

ok 'thagd starts' start_thagd
ok 'a program runs' play 200000
id=$(last id)
ok 'each call is a slice, when it was' check slices "$id" calls
ok 'threads, files and lines' check names "$id" calls
ok 'marks and values' check notes "$id" calls
ok 'windows, and lanes in any order' check windows "$id" calls
ok 'no call is missing, at any width' check tiny "$id" 200000
ok 'the flame of a range' check ranges "$id"
ok 'the slowest calls of a function' check slowest "$id"
ok 'each call is in a file for Chrome' check chrome "$id" calls 200000
ok 'senseless requests are refused' check hostile "$id"

follow() {
  local status=0 pid
  "$program" 1000 "$work/stop" >"$work/calls" 2>&1 &
  pid=$!
  eventually grep -q outer "$work/calls" && check slices latest calls && check live latest || status=1
  touch "$work/stop"
  wait "$pid"
  return "$status"
}
ok 'a program that runs' follow

ok 'thagd with little room' start_thagd --timeline 1M
ok 'many calls' play 3000000
ok 'what is old is coarse, and whole' check budget latest 3000000
ok 'a file for Chrome says what it has not' check chrome_cut latest 3000000
warns() {
  thag export latest --format chrome -o "$work/file" 2>"$work/warned" && grep -q 'are missing, as the file says' "$work/warned"
}
ok 'so does thag export' warns
ok 'again' play 3000000
ok 'the session before gave its room' check tiny "$(last id)" 3000000

ok 'thagd without timelines' start_thagd --timeline off
ok 'a program without one' play 1000
ok 'says so' check refused latest 'keeps no timeline'
ok 'nor calls for Chrome' check chrome_refused latest
has_no_calls() {
  ! thag export latest --format chrome -o "$work/none" 2>"$work/why" &&
    grep -q 'no timeline' "$work/why" && [[ ! -e $work/none ]]
}
ok 'thag export says so, too' has_no_calls
is_refused() {
  local status=0
  thagd --socket "$work/other" --port 0 --timeline "$1" || status=$?
  [[ $status == 2 ]]
}
for wrong in x 0 1023K 12X -5 99999999999999999999 2000G ''; do
  ok "--timeline '$wrong'" is_refused "$wrong"
done

open_recording() {
  "$program" 200000 >"$work/calls" 2>&1 && eventually is_saved && id=$(last id) &&
    thag open rec/*.thag >"$work/opened"
}
mkdir rec
ok 'thagd that records' start_thagd --record "$work/rec"
ok 'a recorded program' open_recording
ok 'its timeline' check slices "$id" calls
ok 'its recording has the same' check same "$(last id)" "$id"
ok 'its file for Chrome' check chrome "$(last id)" calls 200000
ok 'the flame of a range of it' check ranges "$(last id)"
ok 'the slowest calls in it' check slowest "$(last id)"
ok 'thagd with little room that records' start_thagd --timeline 1M --record "$work/rec"
ok 'many recorded calls' play 3000000
ok 'what found no room is read again' check tiny latest 3000000

finish
