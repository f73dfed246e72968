# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Clocks that stop, jump or disagree, and processes that are known by other numbers.

# fact EXPRESSION: of the STEM.json of the only session there is files of, in Python.
fact() {
  python3 -c '
import glob, json, sys
[path] = glob.glob(sys.argv[1] + "/*.json")
session = json.load(open(path))
print(eval(sys.argv[2]))' "$work/out" "$1"
}

# facts EXPRESSION...: each is true.
facts() {
  local expression
  for expression in "$@"; do
    [[ $(fact "$expression") == True ]] || {
      echo "not so: $expression"
      cat "$work"/out/*.json
      return 1
    }
  done
}

# took: what a call took, with what recording took, is what the program saw it take. The rate of a
# counter is known to one part in a thousand at least.
took() {
  local total
  read -r low high <"$work/stderr"
  total=$(thag export latest --raw --format csv | awk -F, '$2 == "\"measured\"" { print $7 }')
  echo "took $low to $high ns: $total"
  awk -v low="$low" -v high="$high" -v total="$total" \
    'BEGIN { exit !(total >= low * 0.999 && total <= high * 1.001) }'
}

# timed SOURCE: by that clock.
timed() {
  local low high
  scene spin && took &&
    facts "session['clock']['source'] == '$1'" "session['skewed'] == 0" \
      "session['duration_ns'] >= $low and session['duration_ns'] < 100e9"
}

# --- 33 ---

without_invariant_tsc() {
  local low high
  # a processor that doesn't promise that its counter is a clock
  clear_out
  # shellcheck disable=SC2209 # it is a word
  THAG_ON_FULL=wait qemu-x86_64 -cpu qemu64 "$build/tests/scenes" spin >"$work/expected" \
    2>"$work/stderr" || return
  eventually compgen -G "$work/out/*.json" >/dev/null &&
    facts "session['clock']['source'] == 'monotonic'" \
      "session['calls'] == $(cut -d ' ' -f 2 "$work/expected")" && took
}

clocks=/sys/devices/system/clocksource/clocksource0/available_clocksource

# A kernel that has found the counters of processors to disagree.
distrusted_tsc() {
  echo hpet acpi_pm >"$work/clocks"
  # shellcheck disable=SC2016 # for that shell
  unshare --mount bash -c 'mount --bind "$1" "$2" && exec "$3" spin' - "$work/clocks" "$clocks" \
    "$build/tests/scenes"
}

distrusts_tsc() {
  clear_out
  # shellcheck disable=SC2209 # it is a word
  THAG_ON_FULL=wait distrusted_tsc >"$work/expected" 2>"$work/stderr" || return
  eventually compgen -G "$work/out/*.json" >/dev/null &&
    facts "session['clock']['source'] == 'monotonic'" \
      "session['calls'] == $(cut -d ' ' -f 2 "$work/expected")"
}

# --- 34 ---

# A call that is open while the machine is suspended, though its counter goes on.
suspended() { LD_PRELOAD=$build/tests/libsuspended.so timed tsc; }

# --- 35 ---

# A thousand calls that end before they begin take no time, and are counted as skewed.
skewed() {
  clear_out
  "$build/daemon/fake_program" "$THAG_SOCKET" make=good hello back=1000 calls=10 drained exited &&
    eventually compgen -G "$work/out/*.json" >/dev/null &&
    facts "session['skewed'] == 1000" "session['calls'] == 1000 + 20" \
      "0 <= session['total_ns'] <= session['duration_ns']" &&
    awk '$NF < 0 { exit 1 }' "$work"/out/*.folded
}

# --- 36 ---

faketime=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)

# Back by ten days while a call runs, and ahead by thirty; for thagd, too.
wall_clock_jumps() {
  local -x FAKETIME_TIMESTAMP_FILE=$work/wall FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
  local -x LD_PRELOAD=$faketime
  local status=0
  echo +0 >"$work/wall"
  { start_thagd && timed "$1"; } || status=$?
  (($(date +%s) - $(LD_PRELOAD='' date +%s) > 19 * 86400)) || {
    echo "the wall's clock didn't jump"
    status=1
  }
  return "$status"
}

# --- 37 ---

child_of() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
has_child() { [[ -n $(child_of "$1") ]]; }
is_listed() { thag list --json | grep -q "\"pid\": *$1\b"; }

# in_namespace OPTION...: thagd knows the process by the number that it has here, and how it ended.
in_namespace() {
  local outer pid
  clear_out
  mkfifo "$work/in"
  unshare --pid --fork "$@" "$build/tests/scenes" wait <"$work/in" >"$work/expected" 9>&- &
  outer=$!
  exec 9>"$work/in"
  rm "$work/in"
  eventually has_child "$outer" && pid=$(child_of "$outer") && eventually is_listed "${pid% }"
  exec 9>&-
  wait "$outer" && [[ $(cat "$work/expected") == '1 11' ]] && eventually reported "${pid% }" 1 11 &&
    facts "session['exit_code'] == 0" "session['state'] == 'ended'"
}

# Of a program that says that it is another process.
claims_a_pid() {
  clear_out
  "$build/daemon/fake_program" "$THAG_SOCKET" make=good "claims=$1" hello pid calls=5 drained exited \
    exit=7 >"$work/claimed" && return 1
  local pid
  pid=$(sed -n 2p "$work/claimed")
  eventually compgen -G "$work/out/*.json" >/dev/null &&
    facts "session['pid'] == $pid" "session['exit_code'] == 7"
}

# A thagd to whom the kernel can't name the program, which lies outside of its namespace.
nameless() {
  local outer status=0
  clear_out
  stop_thagd
  : >"$work/line"
  unshare --pid --fork "$build/daemon/thagd" --socket "$THAG_SOCKET" --port 0 --output-dir "$work/out" \
    >"$work/line" 2>/dev/null &
  outer=$!
  { eventually grep -qs listening "$work/line" && scene_unprofiled calls; } || status=$?
  kill "$(child_of "$outer")"
  wait "$outer"
  ((status == 0)) && grep -q "can't see the program's process" "$work/stderr"
}

ok 'start' start_thagd
ok '33 by the counter' timed tsc
THAG_CLOCK=monotonic ok '33 by the system, where it is asked for' timed monotonic
ok '35 clocks that run back: calls that end before they begin' skewed
ok '37 pid namespaces: a claimed pid' claims_a_pid 1

# What follows puts other libraries and processors below a program than a sanitizer's runtime bears.
if ! sanitized; then
  ok '33 each event by the system' unit emit times_by_the_system_clock_where_the_tsc_is_none
  if command -v qemu-x86_64 >/dev/null && [[ $(uname -m) == x86_64 ]]; then
    ok '33 no invariant TSC: the processor' without_invariant_tsc
  else
    echo "skipped 33 no invariant TSC: no qemu-x86_64 here"
  fi
  if unshare --mount true 2>/dev/null && [[ -e $clocks && $(uname -m) == x86_64 ]]; then
    ok "33 no invariant TSC: the kernel's word" distrusts_tsc
  else
    echo "skipped 33 no invariant TSC: the kernel's word can't be replaced here"
  fi
  ok '34 suspended while a call is open' suspended
  ok '34 suspended: what a counter counted' unit suspend '*'
  ok '34 suspended: the length of a tick' "$build/daemon/test_clock"
  ok '34 suspended: the calls that were open' unit stream leaves_out_what_a_machine_was_suspended
  ok '34 suspended: the timeline' unit chunk_tree chunks_of_machines_that_were_suspended_add_up
  ok '35 the decoder' unit stream clamps_a_clock_that_runs_backwards
  if unshare --pid --fork true 2>/dev/null; then
    ok '37 pid namespaces' in_namespace
    if unshare --pid --fork --mount-proc true 2>/dev/null; then
      ok '37 pid namespaces: with a /proc of its own' in_namespace --mount-proc
    else
      echo "skipped 37 pid namespaces: with a /proc of its own: none can be mounted in a chroot"
    fi
    ok "37 pid namespaces: a program outside of thagd's" nameless
  else
    echo "skipped 37 pid namespaces: only root may make one here"
  fi
  if [[ -n $faketime ]]; then
    ok '36 the clock on the wall jumps' wall_clock_jumps tsc
    THAG_CLOCK=monotonic ok '36 the same by the slow clock' wall_clock_jumps monotonic
  else
    echo "skipped 36 the clock on the wall: no libfaketime here"
  fi
fi
