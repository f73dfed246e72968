# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Recordings of programs from their beginnings.
: "${here:?}" "${build:?}" "${work:?}" "${thagd?}" "${mounted?}"

recorded_equals_live() {
  rm -f live.* recorded.*
  start_thagd && status_is 0 thag run -q "$@" && keep live || return 1
  open_fresh run.thag 0 && keep recorded && equal
}

time_profile() {
  recorded_equals_live -o run.thag -- "$build/tests/recorded-program" counts 7 60 3 &&
    counts_match counts live && counts_match counts recorded
}

memory_profile() {
  head -c 40960 /dev/zero >table
  recorded_equals_live --memory -o run.thag -- "$build/tests/exact-program" table 7 20000 4 tasks
}

# Neither the program nor the names that thagd keeps are there any more.
names_inside() {
  cp "$build/tests/exact-program" gone
  head -c 40960 /dev/zero >table
  rm -f live.* recorded.*
  start_thagd && status_is 0 thag run -q --memory -o run.thag -- ./gone table 3 5000 2 &&
    keep live && rm gone && open_fresh run.thag 0 && keep recorded && equal &&
    grep -q main live.allocated
}

ok 'calls, sections, tasks, marks and values are as live, and as the program counted' time_profile
if sanitized; then
  skip 'memory' 'sanitizers have a malloc of their own'
else
  ok 'memory is as live' memory_profile
  ok 'names are in the recording' names_inside
fi

# --- thagd is killed ---

kill_thagds() {
  local i
  for ((i = 0; i < ${KILLS:-10}; i++)); do
    python3 -c 'import random, time; time.sleep(random.uniform(0.01, 0.8))'
    stop_thagd -KILL
    start_thagd --record "$work/all" || return 1
  done
  eventually is_running
}

thagd_killed() {
  rm -rf all live.* recorded.*
  mkdir all
  start_thagd --record "$work/all" && begin_program 11 && kill_thagds && end_program &&
    keep live && counts_match counts live || return 1
  [[ $(find all -type f | wc -l) == 1 ]] || { ls -l all; return 1; }
  open_fresh all/*.thag 0 && keep recorded && equal && counts_match counts recorded
}

ok "thagd is killed ${KILLS:-10} times: nothing is missing, nothing twice" thagd_killed

program_killed() {
  rm -f live.* recorded.*
  start_thagd && { thag run -q -o run.thag -- "$build/tests/recorded-program" counts 5 0 2 & } ||
    return 1
  program=$!
  rm -f counts.stop
  eventually is_running && sleep 1 && kill -KILL "$(last pid)" || return 1
  wait "$program"
  eventually is_ended crashed && keep live && open_fresh run.thag 0 && keep recorded && equal &&
    [[ $(last signal) == SIGKILL ]]
}

ok 'a program is killed: all it recorded is there' program_killed 2>/dev/null

# Words that are in no chunk yet are in the journal.
both_killed() {
  rm -f recorded.* one/*
  mkdir -p one
  start_thagd --record "$work/one" && begin_program 9 && sleep 1.5 || return 1
  stop_thagd -KILL
  ls one/*.thag.open || return 1
  kill -KILL "$program"
  wait "$program"
  cp -r one two
  # this thagd puts the journal into the recording of the program that is gone
  open_fresh one/*.thag 6 && keep recorded && [[ ! -e $(echo one/*.thag).open ]] || return 1
  mv recorded.folded salvaged.folded
  open_fresh two/*.thag 6 && keep recorded && [[ -s recorded.folded ]] &&
    cmp salvaged.folded recorded.folded
}

ok 'thagd and the program are killed: it opens up to its last word' both_killed 2>/dev/null

# --- no room ---

full_disk() {
  mkdir -p small
  mount -t tmpfs -o size=1500k tmpfs small && mounted=$work/small || return 1
  rm -f live.* recorded.* run.thag
  start_thagd && status_is 0 thag run -o small/run.thag -- \
    "$build/tests/recorded-program" counts 7 400 3 || return 1
  grep -q 'recording .* stopped: No space left on device' stderr || return 1
  [[ $(last message) == *'No space left'* ]] || { last message; return 1; }
  keep live && counts_match counts live || return 1
  cp small/run.thag . && umount small && mounted='' || return 1
  status_is 6 thag open run.thag
}

if can_mount; then
  ok 'a full disk ends the recording, not the profile' full_disk
else
  skip 'a full disk' 'no tmpfs can be mounted here'
fi

# --- damage ---

damaged() {
  stop_thagd
  start_thagd && status_is 0 thag run -q -o whole.thag -- \
    "$build/tests/recorded-program" counts 3 100 2 || return 1
  python3 - whole.thag <<'PYTHON'
import random, sys
data = open(sys.argv[1], "rb").read()
random.seed(4)
for i in range(12):
    open(f"cut{i}.thag", "wb").write(data[: len(data) * i // 12])
    flipped = bytearray(data)
    flipped[random.randrange(len(data))] ^= 1 << random.randrange(8)
    open(f"flipped{i}.thag", "wb").write(flipped)
PYTHON
  local file status
  for file in cut*.thag flipped*.thag; do
    status=0
    timeout 60 thag open "$file" >stdout 2>stderr || status=$?
    if [[ $status != [016] ]] || ! kill -0 "$thagd"; then
      echo "$file: exit status $status"
      cat stderr
      return 1
    fi
    [[ $status == 0 || -s stderr ]] || { echo "$file: nothing is said"; return 1; }
    [[ $file != cut* || $status != 0 ]] || { echo "$file opens as if it were whole"; return 1; }
  done
  status_is 6 thag open cut9.thag && grep -q 'can be read\|not finished' stderr
}

ok 'damaged recordings: said, and what can be read is shown' damaged

refused() {
  stop_thagd
  start_thagd
  echo text >text.thag
  status_is 1 thag open text.thag && grep -q 'ends before\|not a recording' stderr &&
    status_is 1 thag open missing.thag && grep -q 'No such file' stderr &&
    status_is 1 thag open "$work" && grep -q 'not a file' stderr &&
    status_is 2 thag open && status_is 0 thag open --help
}

ok 'what is no recording is refused, and why' refused

twice() {
  open_fresh whole.thag 0 && cp stdout first && status_is 0 thag open whole.thag whole.thag ||
    return 1
  [[ $(sort -u stdout first | wc -l) == 1 ]] || { cat first stdout; return 1; }
  cp whole.thag again.thag
  status_is 0 thag open again.thag && ! cmp -s stdout first
}

ok 'a file that is open already is that session' twice

# record_long MILLION_CALLS: two events each.
record_long() {
  status_is 0 env THAG_ON_FULL=wait thag run -q -o long.thag -- "$build/bench/bench_emit" nested "$1"
}

# Of 300 million events, so that there is time to look: it is in the list before it is read, can't be
# exported or forgotten until it is, and who opens it once more waits for the same.
while_read() {
  local first
  record_long 150 && keep_stacks live || return 1
  stop_thagd
  start_thagd || return 1
  thag open long.thag >opened 2>&1 &
  first=$!
  eventually is_opening || { kill "$first"; thag list; return 1; }
  status_is 1 thag export latest && grep -q 'still being read' stderr &&
    status_is 1 thag forget latest && grep -q 'still being read' stderr || return 1
  if ! grep -q '#session=' opened || ! kill -0 "$first"; then
    echo "it was waited for"
    return 1
  fi
  status_is 0 thag open long.thag && wait "$first" && [[ $(last state) == recorded ]] &&
    grep -qxF "$(<opened)" stdout && keep_stacks recorded && cmp live.stacks recorded.stacks
}

is_opening() { [[ $(last state) == opening ]]; }

keep_stacks() { thag export latest >"$1.stacks"; }

if sanitized; then
  skip 'a long one is read' 'with sanitizers it takes ten times as long'
  ok 'one that takes a while to read' record_long 15
else
  ok 'a long one can be looked at while it is read' while_read
fi

# thagd is told to stop: what it hasn't read is not waited for, which who waits for it is told.
stopped_while_read() {
  local opening status=0
  stop_thagd
  start_thagd || return 1
  thag open long.thag >opened 2>&1 &
  opening=$!
  eventually is_opening && stop_thagd || return 1
  wait "$opening" || status=$?
  cat opened
  [[ $status == 1 ]] && grep -q 'long.thag: thagd ended before it was read$' opened && start_thagd
}

ok 'thagd ends while it reads one' stopped_while_read

# --- where recordings go ---

children() {
  rm -f c*.thag
  status_is 0 thag run -q -o c.thag -- sh -c "'$build/tests/recorded-program' a 1 2 1;
    '$build/tests/recorded-program' b 2 2 1" || return 1
  [[ $(find . -maxdepth 1 -name 'c*.thag' | wc -l) == 2 && -e c.thag ]] || { ls; return 1; }
  eventually is_ended ended && status_is 0 thag open c*.thag
}

ok 'each process has a file of its own' children

taken() {
  echo mine >notes.thag
  status_is 125 thag run -q -o notes.thag -- true && grep -q 'no recording' stderr &&
    [[ $(cat notes.thag) == mine ]] &&
    status_is 125 thag run -q -o nowhere/x.thag -- true && grep -q 'No such file' stderr || return 1
  rm -f counts.stop
  thag run -q -o busy.thag -- "$build/tests/recorded-program" counts 1 0 1 &
  program=$!
  eventually is_running && status_is 125 thag run -q -o busy.thag -- true &&
    grep -q 'being written' stderr || return 1
  touch counts.stop
  wait "$program" && status_is 0 thag run -q -o busy.thag -- \
    "$build/tests/recorded-program" counts 1 2 1 && status_is 0 thag open busy.thag
}

ok 'no other file is overwritten, nor a recording that is being written' taken

no_directory() {
  stop_thagd
  status_is 1 thagd --socket "$THAG_SOCKET" --port 0 --record "$work/nowhere" &&
    grep -q 'can.t write to --record' stderr || return 1
  touch plain
  status_is 1 thagd --socket "$THAG_SOCKET" --port 0 --record "$work/plain/x"
}

ok 'a directory that is not there is refused at the start' no_directory

read_only() {
  mkdir -p fixed
  mount -t tmpfs -o ro tmpfs fixed && mounted=$work/fixed || return 1
  start_thagd && status_is 125 thag run -q -o fixed/x.thag -- true &&
    grep -q 'Read-only' stderr || return 1
  stop_thagd
  status_is 1 thagd --socket "$THAG_SOCKET" --port 0 --record "$work/fixed" || return 1
  # what the directory becomes later: the program is profiled all the same
  mkdir -p later && start_thagd --record "$work/later" && rmdir later || return 1
  status_is 0 thag run -q -- "$build/tests/recorded-program" counts 1 5 1 &&
    [[ $(last message) == "can't record to"* ]] && keep live && counts_match counts live || return 1
  umount fixed && mounted=''
}

if can_mount; then
  ok 'a read-only directory is refused; profiling goes on' read_only
else
  skip 'a read-only directory' 'no tmpfs can be mounted here'
fi
