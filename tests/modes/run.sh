#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What programs record, and switching that, with a real thagd: tests/modes/program.c counts for
# itself which of its calls were recorded. THAG_BUILD names the build; SWITCHES (1000) how often
# it is switched at random. Ends with "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${THAG_BUILD:-$here/../../build}" && pwd) || exit 1
program=$build/tests/modes-program
switches=${SWITCHES:-1000}
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-modes.XXXXXX")
export THAG_SOCKET=$work/thagd.sock THAG_ON_FULL=wait XDG_RUNTIME_DIR=$work TMPDIR=$work/tmp
unset THAG_PROFILER THAG_PAUSED THAG_CLOCK THAG_RUN
thagd='' pid=''
# shellcheck source=tests/support/ok.sh disable=SC1091
. "$here/../support/ok.sh"
cd "$work" || exit 1
mkdir tmp out

cleanup() {
  [[ -z $pid ]] || kill -9 "$pid" 2>/dev/null
  [[ -z $thagd ]] || kill -9 "$thagd" 2>/dev/null
  cd / && rm -rf "$work"
}
trap cleanup EXIT

thag() { "$build/tools/thag" "$@"; }

# end_program: and what can be told of it.
end_program() {
  [[ -d /proc/$pid ]] && grep '^State' "/proc/$pid/status" || echo "the program is gone"
  kill -9 "$pid"
  tail -n 4 printed errors
}

# ok NAME COMMAND...: the command must succeed.
ok() {
  local name=$1
  shift
  if "$@" >said 2>&1; then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    { tail -n 40 said; echo "thagd says:"; tail -n 4 log; } | cut -c1-300 | sed 's/^/  /'
    failed=$((failed + 1))
    [[ -z $pid ]] || end_program | sed 's/^/  /'
    pid=''
  fi
}

start_thagd() {
  rm -f line
  "$build/daemon/thagd" --port 0 --output-dir "$work/out" >line 2>>log &
  thagd=$!
  eventually grep -qs listening line
}

kill_thagd() {
  kill -9 "$thagd"
  wait "$thagd" 2>/dev/null
  thagd=''
}

# field NAME: of the only report that was written.
field() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' out/*.json "$1"
}

# listed FIELD: of the newest session.
listed() {
  thag list --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["sessions"][-1][sys.argv[1]])' "$1"
}
is() { [[ $(listed "$1") == "$2" ]]; }

one_report() { [[ $(find out -name '*.json' | wc -l) == 1 ]]; }
no_session() { [[ -z $(find out -name '*.json') && $(sessions) == "$before" ]]; }
sessions() { thag list | wc -l; }

# counts_agree: what the program counted is what its profile has, every stack was left as it was
# entered, and nothing was recorded or left out that shouldn't.
counts_agree() {
  local recorded
  recorded=$(awk '$1 == "recorded" { print $2 }' printed)
  eventually one_report || return 1
  sed -n '/"threads"/q; /^  "[a-z]/p' out/*.json
  cat printed
  [[ $(field calls) == "$recorded" ]] && (($(field unmatched) == 0)) &&
    (($(field truncated_frames) == 0)) && (($(field unwound) == 0)) && (($(field invalid) == 0)) &&
    (($(field orphans) == 0)) && [[ $(field lost) == *"'calls': 0, 'words': 0,"* ]] &&
    grep -qx 'late 0' printed && grep -qx 'missed 0' printed
}

# run ARGUMENT...: the program, to its end; it must end well.
run() {
  rm -rf out
  mkdir out
  before=$(sessions)
  timeout 120 "$program" "$@" >printed 2>errors
}

# --- words of THAG_ENABLE_PROFILING, and the environment's ---

# records CALLS MODES WORD: so many calls of kinds, and thagd is told these modes.
records() {
  run kinds "$3" && [[ ! -s errors ]] && counts_agree && [[ $(field calls) == "$1" ]] &&
    [[ $(field modes) == "$2" && $(field active) == "$2" ]]
}
unrecorded() { run kinds "$1" && [[ ! -s errors ]] && grep -qx 'recorded 0' printed && no_session; }

# main, plain and of_both in any case, of_time and of_memory by kind
words() {
  ok 'time records what is of time' records 40211 time time
  ok 'memory records what is of memory' records 43011 memory memory
  ok 'both records everything' records 43211 both both
  ok 'yes records everything' records 43211 both yes
  ok 'no records nothing' unrecorded no
  ok 'runtime records nothing unless told' unrecorded runtime
}

with() { local THAG_PROFILER=$1; export THAG_PROFILER; shift; "$@"; }

# refuses VALUE MESSAGE: it is one line on stderr, and the program runs unprofiled.
refuses() {
  with "$1" run kinds both || return 1
  cat errors
  grep -qx 'recorded 0' printed && no_session &&
    [[ $(cat errors) == "thag: THAG_PROFILER: $2; running unprofiled" ]]
}

environment() {
  local value
  for value in time TIME Time 'time,' 'time,,,' 'time,,none,false' ' time ,'; do
    ok "THAG_PROFILER='$value' at run time" with "$value" records 40211 time runtime
  done
  for value in memory 'memory,,,true' 'MEMORY,,none,TRUE'; do
    ok "THAG_PROFILER='$value' at run time" with "$value" records 43011 memory runtime
  done
  for value in both '' ',' ',,,' ',,,true' ',,,false' 'both,,,true'; do
    ok "THAG_PROFILER='$value' at run time" with "$value" records 43211 both runtime
  done
  for value in memory both ','; do
    ok "THAG_PROFILER='$value' leaves a program its own word" with "$value" records 40211 time time
  done
  for value in none NONE 'none,/tmp,none,false'; do
    ok "THAG_PROFILER='$value' turns it off" with "$value" unrecorded both
  done
  ok 'THAG_PROFILER=time leaves no off' with time unrecorded no
  ok 'a type that is none' refuses tiem \
    "Invalid profile type 'tiem'. Expected 'time', 'memory', 'both', or 'none'"
  ok 'a boolean that is none' refuses 'memory,,,maybe' "Failed to parse 'maybe' as boolean"
  ok 'detail of time' refuses 'time,,,true' \
    'Detailed memory profiling can only be enabled with profile_type=memory or profile_type=both'
  ok 'detail of nothing' refuses 'none,,,true' \
    'Detailed memory profiling can only be enabled with profile_type=memory or profile_type=both'
  ok 'a log that is none' refuses ',,loud' \
    "Invalid debug log 'loud'. Expected 'none', 'announce' or 'quiet'"
  ok 'a fifth field' refuses 'time,,,,x' "Unexpected 'x' after the fourth field"
  ok 'a word that is no mode' nonsense
  ok 'the second field is where the profile goes' goes_elsewhere
}

nonsense() {
  run kinds nonsense && no_session && [[ $(wc -l <errors) == 1 ]] &&
    grep -q 'THAG_ENABLE_PROFILING(nonsense): expected time, memory' errors
}

goes_elsewhere() {
  mkdir -p elsewhere
  with ",$work/elsewhere" run kinds time && eventually compgen -G 'elsewhere/*.json' >/dev/null &&
    [[ -z $(ls out) ]]
}

# --- from inside ---

inside() {
  local seed
  for seed in 1 2 3; do
    ok "$switches random switches at random depths, seed $seed" at_random "$seed"
  done
  ok '4 threads, switched while they wait' counts barriers 50
  ok "4 threads flat out, $switches random switches" counts storm "$switches"
  ok 'thag_enable without THAG_ENABLE_PROFILING' enabled_late
  ok 'thag_enable where THAG_PROFILER says none' with none banned
  ok 'thag_enable where THAG_PROFILER makes no sense' with tiem banned_by_mistake
}
counts() { run "$@" && counts_agree; }
enabled_late() { counts refused && [[ $(head -n 3 printed | tr '\n' ' ') == '0 -22 -22 ' ]]; }
at_random() { run random "$1" "$switches" && counts_agree && (($(field calls) > 1000)); }
banned() { run refused && no_session && [[ $(head -n 1 printed) == -125 && ! -s errors ]]; }
banned_by_mistake() { run refused && no_session && [[ $(head -n 1 printed) -lt 0 && $(wc -l <errors) == 1 ]]; }

# --- from outside ---

told=0
# attach ARGUMENT...: the program goes on in the background, until it has said that it is there.
attach() {
  rm -rf out
  mkdir out
  told=0
  : >printed # what the one before said is not to be taken for this one's
  THAG_PAUSED=${paused:-} "$program" outside "$@" >printed 2>errors &
  pid=$!
  heard
}
heard() { told=$((told + 1)); eventually answers; }
answers() { (($(grep -c told printed) >= told)); }
tell() { kill "-$1" "$pid" && heard; }
finish() { kill -TERM "$pid" && wait "$pid" && pid='' && counts_agree; }

# is_read: thagd has no more to read.
is_read() {
  local events
  events=$(listed events)
  sleep 0.2
  is events "$events"
}

# switch COMMAND SIGNAL...: the command waits until it is so, then the program is told.
switch() { tell HUP && thag "$1" latest && tell "$2"; }

flat_out_off_and_on() {
  local i events
  attach 4 && tell USR2 || return 1
  for i in 1 2 3; do
    switch disable USR1 && is active none && eventually is_read || return 1
    events=$(listed events)
    sleep 0.3
    is events "$events" || return 1
    switch enable USR2 && is active time || return 1
    sleep 0.2
  done
  finish && (($(field calls) > 1000))
}

# pending COMMAND...: it is asked for, but not yet so.
pending() {
  local status=0
  "$@" 2>complaint || status=$?
  cat complaint
  ((status == 5)) &&
    grep -q "pid $pid) has made no event since: it takes effect at its next event" complaint
}

not_yet() {
  attach 0 && tell HUP && eventually is events 2 || return 1
  # 2^32 ticks pass, while it waits
  pending thag disable latest && is active time && is wished none && tell HUP &&
    eventually is active none && is wished None && is events 2 || return 1
  pending thag enable latest both && is active none && tell HUP && eventually is active both &&
    eventually is events 4 && finish
}

# A paused program looks at its next event.
paused_program() {
  paused=1 attach 4 && is active none && is modes time && thag list | grep -q ' paused ' && sleep 0.3 &&
    is events 0 || return 1
}

survives_restart() {
  kill_thagd
  start_thagd && is active none && is events 0 && tell USR1 && switch enable USR2 && sleep 0.2 &&
    is active time && switch disable USR1 && finish && (($(field calls) > 100))
}

many_from_outside() {
  local i kinds=(time memory both)
  attach 4 || return 1
  for ((i = 0; i < 50; i++)); do
    if ((RANDOM % 2)); then thag disable latest; else thag enable latest "${kinds[RANDOM % 3]}"; fi || return 1
  done
  finish
}

# --- sessions that the user ends ---

# attach_over THREADS: a program that calls flat out, and makes sure that it is over on SIGTERM
attach_over() {
  rm -rf out
  mkdir out
  told=0
  : >printed
  "$program" over "$1" >printed 2>errors &
  pid=$!
  heard
}
# Once ended, the program can't fill its ring, which it would wait for: THAG_ON_FULL is "wait".
goes_on() {
  local before
  before=$(sessions)
  kill -TERM "$pid" && wait "$pid" && pid='' || return 1
  cat printed
  [[ $(grep -c '^-125$' printed) == 2 && $(sessions) == "$before" ]] &&
    [[ $(grep -A 1 '^-125$' printed | grep -c '^recorded 0$') == 2 ]]
}
# has_all: of what was recorded until it was ended, all but the calls that were under way.
has_all() {
  local recorded calls
  recorded=$(awk '$1 == "recorded" { print $2; exit }' printed)
  calls=$(field calls)
  echo "$calls of $recorded"
  ((calls <= recorded && calls + 4 * 8 >= recorded)) && (($(field unmatched) == 0)) &&
    (($(field invalid) == 0)) && (($(field orphans) == 0)) &&
    [[ $(field lost) == *"'calls': 0, 'words': 0,"* ]]
}
ends_flat_out() {
  attach_over 4 && sleep 0.3 && thag end latest >printed_by_end || return 1
  cat printed_by_end
  grep -qE "^session [0-9]+ \(modes-program, pid $pid\): ended, saved $work/out/.*\.folded$" printed_by_end &&
    is state ended && one_report && kill -0 "$pid" && goes_on && has_all
}
ends_paused() {
  attach_over 4 && tell HUP && thag disable latest && tell USR1 && thag end latest && is state ended && goes_on
}
ends_asleep() {
  local begun=$SECONDS
  attach_over 0 && tell HUP && eventually is events 2 && thag end latest && is state ended &&
    ((SECONDS - begun < 10)) && tell HUP && goes_on && (($(field calls) == 1))
}
nothing_is_switched() {
  attach_over 4 && thag end latest && ! thag enable latest 2>complaint && grep -q 'has ended' complaint &&
    is active none && goes_on
}
end_outlives_thagd() {
  attach_over 4 && thag end latest && kill_thagd && start_thagd && [[ $(sessions) == 1 ]] && goes_on
}

over() {
  ok 'a session of 4 threads flat out is ended, and they go on' ends_flat_out
  ok 'one that is switched off is ended' ends_paused
  ok 'one whose program makes no event is ended' ends_asleep
  ok 'one that has ended is not switched on' nothing_is_switched
  ok 'one that has ended is not there for the next thagd' end_outlives_thagd
}

outside() {
  ok '4 threads flat out, switched off and on by the command' flat_out_off_and_on
  ok 'fifty switches by the command' many_from_outside
  ok 'a program that makes no event heeds it at its next' not_yet
  ok 'a paused program is connected and records nothing' paused_program
  ok 'it is still there for the next thagd, and is switched on' survives_restart
}
# --- the debug log; each profile is waited for, or it would be among those of the next program ---

log_of() { find tmp -name 'modes-program-*-debug.log'; }
announced() {
  with 'time,,announce' run kinds time && eventually one_report || return 1
  cat errors
  [[ $(cat errors) == "thag: debug log: $work/$(log_of)" ]] &&
    [[ $(log_of) =~ ^tmp/thag_profiler/modes-program-[0-9]{8}-[0-9]{6}-debug\.log$ ]]
}
log_says() {
  local wanted
  cat "$(log_of)"
  for wanted in 'thag [0-9.]+, pid' 'environment: THAG_PROFILER=time,,announce' \
    'asked for: time; to record: time' "thagd's socket: $work/thagd.sock" 'connected to thagd; .* clock: ' \
    'a recorded call costs [0-9]+ \+ [0-9]+ ticks' 'switched by the program; recording: time' \
    'thread [0-9]+ has ring 0' 'site 3: plain, .*program.c:[0-9]+' 'end$'; do
    grep -qE "^[0-9]+\.[0-9]{6} \[[0-9]+\] $wanted" "$(log_of)" || {
      echo "lacks: $wanted"
      return 1
    }
  done
}
is_closed() { [[ $(stat -c %a tmp/thag_profiler "$(log_of)" | tr '\n' ' ') == '700 600 ' ]]; }
quiet_log() { rm -rf tmp/*; with ',,quiet' run kinds time && [[ ! -s errors && -s $(log_of) ]] && eventually one_report; }
no_log() { rm -rf tmp/*; with ',,none' run kinds time && [[ -z $(ls tmp) ]] && eventually one_report; }
log_without_thagd() {
  rm -rf tmp/*
  THAG_SOCKET=$work/nowhere.sock with ',,quiet' run kinds time && [[ $(wc -l <errors) == 1 ]] &&
    grep -q 'not connected: no thagd answers at' "$(log_of)"
}
log_of_user() {
  rm -rf tmp/*
  with ',,quiet' attach 4 && thag disable latest && finish &&
    grep -q 'switched by the user; recording: nothing' "$(log_of)"
}
log_in_the_way() {
  rm -rf tmp/*
  ln -s /nowhere tmp/thag_profiler
  ln -s /nowhere "tmp/thag_profiler-$(id -u)"
  with ',,quiet' run kinds time && counts_agree && [[ $(wc -l <errors) == 1 ]] &&
    grep -q "can't write a debug log in" errors
}

logs() {
  ok 'the debug log is where it is announced' announced
  ok 'says what the library did' log_says
  ok 'is its user alone to read' is_closed
  ok 'quiet says nothing of it' quiet_log
  ok 'none writes none' no_log
  ok 'says why there is no thagd' log_without_thagd
  ok 'says who switched' log_of_user
  ok 'that can not be is one line, and the program is recorded' log_in_the_way
}

ok 'thagd' start_thagd
for part in "${@:-words environment inside outside over logs}"; do
  for name in $part; do
    "$name"
  done
done
kill -TERM "$thagd" && wait "$thagd"
thagd=''
echo "$passed passed, $failed failed"
((failed == 0))
