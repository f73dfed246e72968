# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Programs and thagds that die or stop.

ending() {
  local -x player=endings
  scene "$@"
}

# ended FOLDER COMMAND...: its wait status with the bit of a core dump, how big that is, and what it
# says. In a folder of its own, where the kernel may leave the core.
ended() {
  rm -rf "$1" && mkdir "$1" && (
    cd "$1" && ulimit -c unlimited
    python3 - "${@:2}" <<'END'
import glob, os, subprocess, sys
program = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
said = program.stderr.read().decode()
status = os.waitpid(program.pid, 0)[1]
cores = [os.stat(core).st_blocks * 512 for core in glob.glob("core*")]
print("status %#x, core dumped: %s, files: %d" % (status, os.WCOREDUMP(status), len(cores)), said)
# the rings, of 8 GiB, have no place there
sys.exit(any(size > 32 << 20 for size in cores) and "a core of %s bytes" % cores)
END
  )
}

# Its own handler, its core and its status are what they are without thag.
ends_as_without() {
  local name=$1
  THAG_PROFILER=none ended "$work/without" "$build/tests/endings" "$name" >"$work/without.says" &&
    ended "$work/with" "$build/tests/endings" "$name" >"$work/with.says" || return 1
  diff "$work/without.says" "$work/with.says" && ending "$name" "$2"
}

# A program in the midst of its calls: victim -t 1; sets `pid`.
begin_victim() {
  rm -f "$work/oracle" && truncate -s 4096 "$work/oracle"
  "$build/tests/victim" -p 1000 "$work/oracle" &
  pid=$!
  eventually runs "$pid" live
}

# runs PID STATE: that is how the newest session is shown.
runs() { [[ $(last pid) == "$1" && $(last state) == "$2" ]]; }

returned() { od -An -td8 -j64 -N8 "$work/oracle" | tr -d ' '; }

stopped_program() {
  clear_out
  begin_victim && kill -STOP "$pid" && eventually runs "$pid" idle || return 1
  thag list
  kill -CONT "$pid" && eventually runs "$pid" live && kill -TERM "$pid" || return 1
  wait "$pid" && eventually reported "$pid" 1 $(($(returned) + 1)) && runs "$pid" ended
}

# full_rings THREADS: what a program left in its rings that was killed while thagd was stopped.
full_rings() {
  local calls
  clear_out
  LD_PRELOAD=$build/libclient/libthag-preload.so "$build/tests/full_rings" "$1" "$thagd" >"$work/calls"
  kill -CONT "$thagd" && read -r pid calls <"$work/calls" && eventually reported "$pid" 1 "$calls"
}

# A thagd that isn't of the program's version, played: the program says so in one line, and runs.
other_thagd() {
  local how=$1 pattern=$2
  truncate -s 4096 "$work/oracle"
  "$here/versions.py" program "$how" "$build/tests/victim" -s 0.01 "$work/oracle" 2>"$work/stderr" ||
    return 1
  cat "$work/stderr"
  [[ $(wc -l <"$work/stderr") == 1 ]] && grep -q "$pattern.*running unprofiled" "$work/stderr" &&
    (($(returned) > 0))
}

other_program() {
  local answer
  answer=$("$build/daemon/fake_program" "$THAG_SOCKET" make=version hello)
  echo "$answer"
  [[ $answer == 'refused '*'libthag speaks version '*', this thagd version '* ]] || return 1
  "$here/versions.py" thagd "$THAG_SOCKET" >"$work/answer"
  cat "$work/answer"
  grep -q '^True True -93 .*different versions' "$work/answer" && kill -0 "$thagd"
}

ok 'start' start_thagd
clear_out
ok '01 SIGKILL of the program mid-write' env THAG_ON_FULL=wait \
  "$build/tests/driver" kill-program "$build/tests/victim" "$work/out" "${KILLS:-300}"
# TSan's runtime is not for children that are forked and interrupted anywhere
if [[ -x $build/tests/ring_kills ]]; then
  ok '01 SIGKILL of the writer of a ring' "$build/tests/ring_kills" "${RING_KILLS:-1000}"
fi
ok '02 SIGSEGV' ending raised 139
# what sanitizers do with these signals is theirs
if ! sanitized; then
  ok '02 a bad pointer' ends_as_without fault 139
  ok '02 a bad pointer, a handler of its own' ends_as_without fault-handled 139
  ok '02 abort' ends_as_without abort 134
  ok '02 abort, a handler of its own' ends_as_without abort-handled 134
fi
for name in exit _exit quick_exit exit-in-a-thread _exit-in-a-thread main-leaves; do
  # TSan's own check fails when a program's first thread ends before the others
  [[ $name != main-leaves || -z ${TSAN_OPTIONS:-} ]] || continue
  ok "03 the program ends inside of its calls: $name" ending "$name" 7
done
# a sanitizer has a malloc of its own
if ! sanitized; then
  for threads in 2 4 8; do
    ok "01 $threads full rings with memory, read once their program is gone" full_rings "$threads"
  done
fi
ok '06 thagd is stopped while a program runs' \
  driver stop-daemon "$build/tests/victim" "$work/out" "$thagd" "${STOP_SECONDS:-2}"
ok '07 the program is stopped: idle, not dead' stopped_program
ok '08 another thagd refuses' other_thagd refuses 'thagd refused: come back with another version'
ok '08 another thagd welcomes' other_thagd welcome 'different versions: install matching ones'
ok '08 memory of another thagd' other_thagd memory 'different versions: install matching ones'
ok '08 another program' other_program
stop_thagd
clear_out
ok '04 thagd is killed, stopped or ended, and starts anew' driver trouble-daemon "$build/tests/victim" \
  "$work/out" "${DAEMON_KILLS:-60}" "$build/daemon/thagd" --socket "$THAG_SOCKET" --port 0 --output-dir "$work/out"
if [[ -x $build/tests/test_recording_kill ]]; then # likewise; real programs: tests/recording/
  ok '05 SIGKILL of thagd while recording' unit recording_kill \
    sigkill_while_recording_loses_no_word_and_repeats_none
fi
