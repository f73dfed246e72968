# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Recordings that begin, and end, while their programs run.
: "${here:?}" "${build:?}" "${work:?}" "${thagd?}" "${mounted?}"

# recording FIELD: of the newest session's recording.
recording() {
  last recording |
    python3 -c "import ast, sys; print((ast.literal_eval(sys.stdin.read()) or {}).get('$1'))"
}

# settle: thagd has read all that the program, which is stopped, has written.
settle() {
  local before='' now
  now=$(last events)
  while [[ $now != "$before" ]]; do
    sleep 0.4
    before=$now
    now=$(last events)
  done
}

begin_lasting() {
  rm -f stop ./*.thag
  "$build/tests/lasting-program" stop &
  program=$!
  eventually is_running && sleep 0.5
}

end_lasting() {
  touch stop
  wait "$program" && eventually is_ended ended
}

# record_between NAME: from one moment to another, both kept.
record_between() {
  kill -STOP "$program" && settle && keep a && status_is 0 thag record latest -o "$1" &&
    [[ $(recording on) == True && $(recording file) == "$work/$1.thag" ]] || return 1
  kill -CONT "$program" && sleep 0.6 && thag list --json >middle.list && sleep 0.6 &&
    kill -STOP "$program" && settle &&
    status_is 0 thag record --stop latest && keep b || return 1
  [[ $(recording on) == False && ! -e $1.thag.open ]] || { last recording; return 1; }
  kill -CONT "$program"
}

has_between() {
  open_fresh "$1" 6 && grep -q 'was stopped.*; recorded from' stderr && keep recorded &&
    python3 "$here/check.py" between a b recorded
}

from_now_on() {
  start_thagd && begin_lasting && record_between first && end_lasting && has_between first.thag
}

ok 'from one moment to another: calls, tasks, marks, values and memory' from_now_on

# The timeline has no room for what it reads from the recordings.
one_after_another() {
  local name from to
  start_thagd --timeline 4M && begin_lasting || return 1
  for name in first second; do
    sleep 0.5
    record_between "$name" && cp middle.list "$name.list" || return 1
  done
  kill -STOP "$program" && settle || return 1
  for name in first second; do
    python3 "$here/check.py" window "$name.list" >range &&
      read -r from to <range &&
      thag export latest --format chrome --from "$from" --to "$to" >"$name.chrome" &&
      python3 "$here/check.py" complete "$name.chrome" || return 1
  done
  kill -CONT "$program" && end_lasting && has_between second.thag &&
    status_is 6 thag open first.thag
}

ok 'two, one after another; the timeline goes on reading from both' one_after_another

# Nobody stands still for it.
at_full_speed() {
  local i
  for ((i = 0; i < ${KILLS:-10}; i++)); do
    start_thagd && begin_lasting || return 1
    python3 -c 'import random, time; time.sleep(random.uniform(0, 0.3))'
    status_is 0 thag record latest -o fast && sleep 0.7 || return 1
    ((i % 2)) && { status_is 0 thag record latest --stop || return 1; }
    end_lasting && open_fresh fast.thag $((i % 2 ? 6 : 0)) && keep fast &&
      python3 "$here/check.py" lasting fast.folded fast.events fast.list || return 1
  done
}

ok 'while it runs: no call, task or thread is torn' at_full_speed

names_from_before() {
  head -c 40960 /dev/zero >table
  start_thagd && begin_lasting && sleep 1 && status_is 0 thag record latest -o named && sleep 1 &&
    end_lasting && keep live && open_fresh named.thag 0 && keep recorded || return 1
  python3 - live.list recorded.list <<'PYTHON'
import json, sys
live, recorded = [{t["tid"]: t["name"] for t in json.load(open(name))["sessions"][-1]["threads"]}
                  for name in sys.argv[1:]]
print(live, recorded)
sys.exit(live != recorded)
PYTHON
}

ok 'threads that were named before have their names' names_from_before

killed_meanwhile() {
  rm -f k.thag
  start_thagd && begin_program 11 && kill -STOP "$program" && settle && keep a &&
    status_is 0 thag record latest -o k && kill -CONT "$program" || return 1
  local i
  for ((i = 0; i < ${KILLS:-10}; i++)); do
    python3 -c 'import random, time; time.sleep(random.uniform(0.01, 0.8))'
    stop_thagd -KILL
    start_thagd || return 1
  done
  eventually is_running && [[ $(last message) == *'before the recording began'* ]] || return 1
  end_program && keep live && python3 "$here/check.py" rest a counts live || return 1
  open_fresh k.thag 0 && keep recorded && [[ $(last lost) == 0 ]] &&
    python3 "$here/check.py" rest a counts recorded
}

ok "thagd is killed ${KILLS:-10} times: nothing since is missing, nothing twice" killed_meanwhile

# What was recorded is over when thagd is killed: the next one doesn't go on with it.
killed_afterwards() {
  start_thagd && begin_lasting && status_is 0 thag record latest -o over && sleep 0.5 &&
    status_is 0 thag record --stop latest && cp over.thag copy || return 1
  stop_thagd -KILL
  start_thagd && eventually is_running && [[ $(last recording) == None ]] &&
    status_is 0 thag record latest -o again && sleep 0.5 && end_lasting && cmp over.thag copy &&
    open_fresh again.thag 0 && (($(last events) > 1000))
}

ok 'thagd is killed after the recording: another can be made' killed_afterwards

program_killed_meanwhile() {
  start_thagd && begin_lasting && kill -STOP "$program" && settle && keep a &&
    status_is 0 thag record latest -o dead && kill -CONT "$program" && sleep 1 || return 1
  kill -KILL "$program"
  wait "$program"
  eventually is_ended crashed && keep b && open_fresh dead.thag 0 && keep recorded &&
    [[ $(last signal) == SIGKILL ]] && python3 "$here/check.py" between a b recorded
}

ok 'the program is killed: all since is there' program_killed_meanwhile 2>/dev/null

all_killed() {
  start_thagd && begin_lasting && status_is 0 thag record latest -o all && sleep 1.5 || return 1
  stop_thagd -KILL
  kill -KILL "$program"
  wait "$program"
  [[ -e all.thag.open ]] && open_fresh all.thag 6 && keep fast &&
    python3 "$here/check.py" lasting fast.folded fast.events fast.list
}

ok 'thagd and the program are killed: it opens up to its last word' all_killed 2>/dev/null

full_meanwhile() {
  mkdir -p small
  mount -t tmpfs -o size=3m tmpfs small && mounted=$work/small || return 1
  start_thagd && begin_lasting && status_is 0 thag record latest -o small/full &&
    fallocate -l 3m small/filler 2>/dev/null
  eventually recording_failed || { last recording; return 1; }
  rm -f small/filler
  # another one begins where there is room, and the first is ended
  status_is 0 thag record latest -o room && sleep 0.5 && end_lasting && cp small/full.thag . ||
    return 1
  open_fresh room.thag 0 && keep fast &&
    python3 "$here/check.py" lasting fast.folded fast.events fast.list || return 1
  status_is 6 thag open full.thag && grep -q 'stopped early: No space' stderr || return 1
  umount small && mounted=''
}

recording_failed() { [[ $(recording error) == 'No space left on device' && $(recording on) == False ]]; }

full_before() {
  mkdir -p small
  mount -t tmpfs -o size=64k tmpfs small && mounted=$work/small || return 1
  fallocate -l 64k small/filler 2>/dev/null
  start_thagd && begin_lasting && status_is 1 thag record latest -o small/full &&
    grep -q 'No space left on device' stderr || return 1
  [[ ! -e small/full.thag ]] || { ls -l small; return 1; }
  status_is 0 thag record latest -o room && end_lasting && open_fresh room.thag 0 || return 1
  umount small && mounted=''
}

if can_mount; then
  ok 'a full disk ends it; the program is profiled on, and recorded elsewhere' full_meanwhile
  ok 'a full disk is told to who asks' full_before
else
  skip 'a full disk' 'no tmpfs can be mounted here'
fi

without_timeline() {
  start_thagd --timeline off && begin_lasting && record_between plain && end_lasting &&
    has_between plain.thag
}

ok 'without timelines, too' without_timeline

damaged_entries() {
  start_thagd && begin_lasting && status_is 0 thag record latest -o whole && sleep 0.3 &&
    end_lasting || return 1
  python3 - whole.thag <<'PYTHON'
import random, sys
data = open(sys.argv[1], "rb").read()
random.seed(5)
for i in range(30):
    bad = bytearray(data[: len(data) * (i + 1) // 30] if i % 2 else data)
    for _ in range(i % 3):
        bad[random.randrange(min(len(bad), 20000))] ^= 1 << random.randrange(8)
    open(f"bad{i}.thag", "wb").write(bad)
PYTHON
  local file status
  for file in bad*.thag; do
    status=0
    timeout 60 thag open "$file" >stdout 2>stderr || status=$?
    if [[ $status != [016] ]] || ! kill -0 "$thagd"; then
      echo "$file: exit status $status"
      return 1
    fi
  done
}

ok 'damaged ones are refused, or shown as far as they go' damaged_entries

# What preludes say is as bad as can be, and has the right checksums.
forged_preludes() {
  start_thagd && begin_lasting && status_is 0 thag record latest -o whole && sleep 0.3 &&
    end_lasting && python3 "$here/forge.py" whole.thag 40 || return $?
  status_is 6 thag open forged0.thag && keep fast &&
    python3 "$here/check.py" lasting fast.folded fast.events fast.list || return 1
  local file
  for file in forged*.thag; do
    timeout 60 thag open "$file" >stdout 2>stderr
    if [[ $? != [016] ]] || ! kill -0 "$thagd"; then
      echo "$file: it is too much for thagd"
      return 1
    fi
  done
}

if python3 -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library("xxhash"))'; then
  ok 'forged ones are no worse than nonsense' forged_preludes
else
  skip 'forged ones' 'there is no libxxhash'
fi
