# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Disks, files, sockets and directories that are full, bad, taken or another user's.

export PATH=$build/tools:$build/daemon:$PATH # for what runs commands
mounted='' shared=''
clean_up_files() {
  [[ -z $mounted ]] || umount -l "$mounted"
  [[ -z $shared ]] || rm -rf "$shared" /tmp/thag-64123
  cleanup
}
trap clean_up_files EXIT

# fails_with STATUS PATTERN COMMAND...: it ends so, with one line on stderr that matches.
fails_with() {
  local wanted=$1 pattern=$2 status=0
  shift 2
  timeout 60 "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
  cat "$work/stderr"
  [[ $status == "$wanted" && $(wc -l <"$work/stderr") == 1 ]] && grep -qE -- "$pattern" "$work/stderr"
}

# tells_of STATUS PATTERN COMMAND...: one of its lines on stderr says so, and it takes 600 MB at most.
tells_of() {
  local wanted=$1 pattern=$2 status=0
  shift 2
  (
    sanitized || ulimit -v 600000
    timeout 120 "$@" >"$work/stdout" 2>"$work/stderr"
  ) || status=$?
  head -n 5 "$work/stderr"
  [[ $status == "$wanted" ]] && grep -qE -- "$pattern" "$work/stderr"
}

# A short program, whose profile is whole when it has 22 functions or more.
program=$build/tests/hostile-names
run_program() { "$program" >/dev/null 2>"$work/said_by"; }
is_whole() { (($(grep -c '^main;use_all;' "$1") >= 16)) && [[ $(tail -c 1 "$1" | od -An -c) == *'\n'* ]]; }

# --- 38: no room, no right, no disk ---

mount_small() {
  mkdir -p "$work/small" && mount -t tmpfs -o "size=$1" tmpfs "$work/small" && mounted=$work/small
}
unmount_small() { umount -l "$mounted" && mounted=''; }
fill_small() { ! cat /dev/zero >"$work/small/filler" 2>/dev/null; }

not_saved() { [[ $(last message) == "can't save the profile in $1: $2" && $(last files) == '[]' ]]; }

# unsaved DIRECTORY WHY: a profile that can't be there is told of, is shown, and is saved elsewhere;
# another program is recorded on all the while.
unsaved() {
  local before live status=0
  "$build/examples/treestat" --seconds 600 --top 1 /usr/include >/dev/null 2>&1 &
  live=$!
  eventually has_events
  before=$(events_of "$live")
  THAG_PROFILER=time,$1 run_program
  eventually not_saved "$1" "$2" || { last message; status=1; }
  grep -qF "can't save the profile in $1: $2" "$work/thagd.log" || { tail "$work/thagd.log"; status=1; }
  thag export latest -o "$work/elsewhere" && is_whole "$work/elsewhere" || status=1
  curl -sf -m 30 "http://localhost:$port/api/sessions/$(last id)/export" >"$work/got" &&
    is_whole "$work/got" || status=1
  eventually grows "$live" "$before" || { events_of "$live"; status=1; }
  kill "$live"
  wait "$live" 2>/dev/null
  return $status
}
events_of() {
  thag list --json | python3 -c 'import json, sys
print(sum(s["events"] for s in json.load(sys.stdin)["sessions"] if s["pid"] == int(sys.argv[1])))' "$1"
}
has_events() { (($(last events 2>/dev/null || echo 0) > 0)); }
grows() { (($(events_of "$1") > $2)); }

# refuses_to_write WHY COMMAND...: what can't be written in $work/small is told, and leaves what was there.
refuses_to_write() {
  local why=$1 before after
  shift
  before=$(ls -A "$work/small") after=''
  fails_with 1 "$why" "$@" && after=$(ls -A "$work/small") && [[ $after == "$before" ]] &&
    [[ $(cat "$work/small/old") == old ]]
}

# all_writers WHY: each command that writes a file.
all_writers() {
  local to=$work/small/old
  refuses_to_write "$1" thag export latest -o "$to" && refuses_to_write "$1" thag svg latest -o "$to" &&
    refuses_to_write "$1" thag import "$work/elsewhere" -o "$to" &&
    refuses_to_write "$1" thag diff "$work/elsewhere" "$work/elsewhere" --format svg -o "$to" &&
    refuses_to_write "$1" thag export latest --format perfetto -o "$work/small/new" || return 1
  if thag instrument --help >/dev/null 2>&1; then
    tells_of 1 "source.c: can't be written: $1" thag instrument -i "$work/small/source.c" &&
      grep -q '^int f400' "$work/small/source.c" && ! grep -q THAG "$work/small/source.c" || return 1
  fi
  thag export latest -o "$work/again" && is_whole "$work/again"
}

records_nothing() {
  local live status=0
  "$build/examples/treestat" --seconds 600 --top 1 /usr/include >/dev/null 2>&1 &
  live=$!
  eventually has_events || status=1
  rm -f "$work/x.thag"
  fails_with 1 "$1" thag record latest -o "$work/small/x.thag" && [[ ! -e $work/small/x.thag ]] &&
    thag record latest -o "$work/x.thag" && thag record --stop latest && [[ -s $work/x.thag ]] || status=1
  kill "$live"
  wait "$live" 2>/dev/null
  return $status
}
prints_nothing() {
  fails_with 1 'No space left on device' bash -c 'exec "$@" >/dev/full' bash "$build/tools/thag" "$@"
}

# The source is large enough that what is marked doesn't fit any more.
put_old_files() {
  echo old >"$work/small/old"
  { printf '#include <stdio.h>\n'; printf 'int f%d(void) { return 1; }\n' {1..400}; } >"$work/small/source.c"
}

can_mount() {
  [[ $(id -u) == 0 ]] && mkdir -p "$work/probe" && mount -t tmpfs tmpfs "$work/probe" 2>/dev/null &&
    umount "$work/probe"
}

ok 'start' start_thagd
if can_mount; then
  ok '38 a small disk' mount_small 256k
  put_old_files
  ok '38 it is full' fill_small
  ok '38 full disk: a profile' unsaved "$work/small" 'No space left on device'
  ok '38 full disk: each command' all_writers 'No space left on device'
  ok '38 full disk: a recording' records_nothing 'No space left on device'
  rm -f "$work/small/filler"
  mount -o remount,ro "$work/small"
  ok '38 read-only: a profile' unsaved "$work/small" 'Read-only file system'
  ok '38 read-only: each command' all_writers 'Read-only file system'
  ok '38 read-only: a recording' records_nothing 'Read-only file system'
  ok '38 the disk again' unmount_small
else
  skip '38' 'no tmpfs can be mounted here'
fi
for command in list 'stat latest' 'export latest' 'svg latest -o -'; do
  # shellcheck disable=SC2086 # words
  ok "38 full output: thag $command" prints_nothing $command
done
ok '38 recordings: errors at each write' unit recording_faults '*'

# traced COMMAND...: with strace, whose log is $work/trace.
traced() { strace -f -qq -o "$work/trace" "$@"; }

disk_errors() {
  local call
  mkdir -p "$work/small" && echo old >"$work/small/old"
  for call in write fsync rename; do
    refuses_to_write 'Input/output error' strace -f -qq -o /dev/null -e "inject=$call:error=EIO:when=1" \
      "$build/tools/thag" export latest -o "$work/small/old" || { echo "$call"; return 1; }
  done
}
# shellcheck disable=SC2317 # by `ok`
unsaved_by_error() {
  clear_out
  stop_thagd
  strace -f -qq -o /dev/null -e inject=fsync:error=EIO "$build/daemon/thagd" --socket "$THAG_SOCKET" \
    --port 0 --output-dir "$work/out" >"$work/line" 2>>"$work/thagd.log" &
  thagd=$!
  eventually grep -q listening "$work/line" || return 1
  port=$(sed -E 's/.*localhost:([0-9]+).*/\1/' "$work/line")
  unsaved "$work/out" 'Input/output error' && [[ -z $(ls -A "$work/out") ]]
  local status=$?
  thag stop
  wait "$thagd"
  thagd=''
  return $status
}

# --- 39: killed while saving ---

# changes_of COMMAND...: which of its system calls change a file, as "NAME HOW-MANYTH".
changes_of() {
  traced -e trace=openat,write,fsync,fchmod,rename,unlink,link,linkat "$@" >/dev/null 2>&1
  awk '{ sub(/^[0-9]+ +/, ""); name = $0; sub(/\(.*/, "", name); n[name]++ }
    name == "openat" && !/O_CREAT|O_WRONLY|O_RDWR|O_TMPFILE/ { next }
    name ~ /^[a-z]+$/ { print name, n[name] }' "$work/trace"
}

# killed_anywhere FILE BEFORE AFTER COMMAND...: before each call that changes a file; FILE is one of
# the two whatever happens.
killed_anywhere() {
  local file=$1 before=$2 after=$3 name number kills=0
  shift 3
  cp "$before" "$file"
  changes_of "$@" >"$work/changes"
  cmp "$file" "$after" || return 1
  while read -r name number; do
    cp "$before" "$file"
    strace -f -qq -o /dev/null -e "inject=$name:signal=KILL:when=$number" "$@" >/dev/null 2>&1 </dev/null
    (($? != 137)) || kills=$((kills + 1))
    cmp -s "$file" "$before" || cmp -s "$file" "$after" || { echo "$name $number"; return 1; }
  done <"$work/changes"
  echo "killed $kills times"
  ((kills >= 5))
}

killed_while_writing() {
  mkdir -p "$work/kill" && cd "$work/kill" || return 1
  thag export latest -o new.folded && grep -v xxxx new.folded >old.folded && cp new.folded in.folded &&
    killed_anywhere file old.folded in.folded "$build/tools/thag" import in.folded -o file || return 1
  thag svg in.folded -o new.svg && killed_anywhere file old.folded new.svg "$build/tools/thag" svg in.folded -o file
}

killed_while_marking() {
  mkdir -p "$work/mark" && cd "$work/mark" || return 1
  printf 'int f(int a)\n{\n\treturn a;\n}\n' >old.c && cp old.c new.c && thag instrument -i new.c >/dev/null &&
    ! cmp -s old.c new.c && killed_anywhere file.c old.c new.c "$build/tools/thag" instrument -i file.c &&
    killed_anywhere file.c new.c old.c "$build/tools/thag" remove -i file.c
}

# What is there is whole: a profile with its facts, whose sums are equal, and nothing else.
out_is_whole() {
  python3 - "$work/out" <<'END'
import json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).iterdir():
    assert path.suffix in (".json", ".folded"), path
    facts = json.loads(path.with_suffix(".json").read_bytes())
    folded = path.with_suffix(".folded")
    lines = folded.read_bytes().decode().splitlines() if folded.exists() else []
    assert not lines or sum(int(line.rsplit(" ", 1)[1]) for line in lines) == facts["total_ns"], path
END
}

# dies_at NAME NUMBER: thagd, by a system call of one of its threads, while it saves.
dies_at() {
  local tracer
  clear_out
  start_thagd || return 1
  traced -p "$thagd" -P "$work/out" -P "$work/out/" -e "inject=$1:signal=KILL:when=$2" 2>"$work/tracer" &
  tracer=$!
  eventually is_traced || return 1
  run_program
  eventually is_saved_or_dead
  if kill -0 "$thagd" 2>/dev/null; then
    stop_thagd
    wait "$tracer"
    return 1
  fi
  wait "$thagd" "$tracer" 2>/dev/null
  thagd=''
}
is_traced() { ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$thagd/status"; }
is_dead() { [[ ! -e /proc/$thagd/status ]] || grep -q '^State:.Z' "/proc/$thagd/status"; }
is_saved_or_dead() { is_dead || [[ $(last saved 2>/dev/null) == True ]]; }

killed_while_saving() {
  local name number kills=0
  for name in openat fsync linkat; do
    for ((number = 1; number < 20; number++)); do
      dies_at "$name" "$number" || break
      kills=$((kills + 1))
      out_is_whole || { echo "$name $number"; ls -l "$work/out"; return 1; }
    done
  done
  echo "killed $kills times"
  ((kills >= 5)) && clear_out && start_thagd && run_program && eventually is_saved && out_is_whole
}

if sanitized; then
  skip '38, 39' 'a sanitized program is a hundred times slower under strace'
elif ! strace -qq -o /dev/null true 2>/dev/null; then
  skip '38, 39' 'nothing can be traced here'
else
  ok '38 an error of the disk: commands' disk_errors
  ok '38 an error of the disk: a profile' unsaved_by_error
  ok 'start' start_thagd
  run_program
  ok '39 killed while writing a file' eventually is_saved
  ok '39 killed while writing a file' killed_while_writing
  ! thag instrument --help >/dev/null 2>&1 || ok '39 killed while marking a source' killed_while_marking
  ok '39 thagd is killed while saving' killed_while_saving
fi

# --- 40: files that are malformed ---

malformed_folded() {
  local bad=$work/bad.folded
  printf 'a;b 12\na;c 3\nno number\n' >"$bad"
  tells_of 0 "$bad: line 3: " thag stat "$bad" && tells_of 0 "$bad: line 3: " thag svg "$bad" -o "$work/o" &&
    tells_of 0 "$bad: line 3: " thag diff "$bad" "$bad" && tells_of 0 "$bad: line 3: " thag import "$bad" &&
    tells_of 1 "$bad: line 3: " thag import --strict "$bad" || return 1
  head -c 300M /dev/zero | tr '\0' x >"$bad"
  tells_of 1 "$bad: line 1: longer than" thag stat "$bad"
  rm "$bad"
}
malformed_others() {
  cd "$work" || return 1
  echo '{"traceEvents":[{"ph":"X" "name":"a"}]}' >bad.json
  tells_of 1 'bad.json: .*(byte|line|event) [0-9]+' thag import bad.json || return 1
  printf 'program 1 [000] 1.0: 1 cycles:\n\tzz no address\n\n' >bad.perf
  tells_of 1 'bad.perf: .*line [0-9]+' thag import --from perf bad.perf || return 1
  head -c 400 /dev/urandom | gzip >bad.pb.gz
  tells_of 1 'bad.pb.gz: .*byte [0-9]+' thag import bad.pb.gz
}
malformed_recordings() {
  local before
  cd "$work" && rm -f ./*.thag && thag run -q -o whole.thag -- "$build/examples/treestat" --seconds 1 \
    --top 1 /usr/include >/dev/null || return 1
  before=$(awk '/^VmRSS/ { print $2 }' "/proc/$thagd/status")
  head -c $(($(stat -c %s whole.thag) * 2 / 3)) whole.thag >cut.thag
  head -c 20 whole.thag >head.thag
  : >empty.thag
  head -c 5000 /dev/urandom >other.thag
  { cat cut.thag; head -c 1M /dev/urandom; } >noise.thag
  tells_of 6 'cut.thag: damaged at byte [0-9]+: ' thag open cut.thag &&
    tells_of 6 'noise.thag: damaged at byte [0-9]+: ' thag open noise.thag &&
    tells_of 1 'head.thag: it ends before' thag open head.thag &&
    tells_of 1 'empty.thag: it ends before' thag open empty.thag &&
    tells_of 1 'other.thag: not a recording' thag open other.thag &&
    { sanitized || (($(awk '/^VmRSS/ { print $2 }' "/proc/$thagd/status") - before < 100000)); }
}
ok 'start' start_thagd
ok '40 malformed folded stacks' malformed_folded
ok "40 malformed files of other tools" malformed_others
ok '40 malformed recordings' malformed_recordings
ok '40 each byte of folded stacks' unit folded_read '*'
ok '40 each bit of a recording' unit recording_damage '*'

# --- 43, 47: what is left of another thagd, and its port ---

stale_socket() {
  stop_thagd -KILL
  [[ -S $THAG_SOCKET ]] && fails_with 3 'no thagd is running' thag list &&
    fails_with 0 "no thagd answers at $THAG_SOCKET" "$program" && start_thagd && thag list || return 1
  stop_thagd -KILL
  thag run -q -- "$program" >"$work/stdout" && [[ $(last program) == hostile-names ]] && thag stop &&
    eventually test ! -e "$THAG_SOCKET"
}
ok '43 a stale socket is replaced' stale_socket
in_the_way() {
  echo mine >"$work/file.sock"
  fails_with 1 'in the way' thagd --socket "$work/file.sock" && [[ $(cat "$work/file.sock") == mine ]]
}
ok '43 a file in the way stays' in_the_way

# What listens on the usual ports may be anybody's: two of our own, at the least.
next_port() {
  local i pids=() ports
  for i in 1 2; do
    "$build/daemon/thagd" --socket "$work/p$i.sock" >"$work/p$i" 2>"$work/p$i.log" &
    pids+=($!)
    eventually grep -q listening "$work/p$i" || return 1
  done
  ports=$(sed -E 's/.*localhost:([0-9]+).*/\1/' "$work"/p[12] | sort -u)
  # the one that is printed is the one it has, and the busy one is told of
  for i in $ports; do
    curl -sf -m 30 -o /dev/null "http://localhost:$i/" || return 1
  done
  kill "${pids[@]}"
  wait "${pids[@]}"
  [[ $(wc -l <<<"$ports") == 2 ]] && grep -q "port 8424 is busy: using" "$work/p2.log"
}
ok '47 the next port, printed' next_port
busy_port() {
  start_thagd && fails_with 5 "port $port is busy; choose another with --port" \
    thagd --socket "$work/b.sock" --port "$port"
}
ok '47 a port that was asked for' busy_port

# --- 44, 45, 46 ---

# shellcheck source=tests/reliability/users.sh disable=SC1091
. "$here/users.sh"
