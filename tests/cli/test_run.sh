# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag run

# The wait status of a command as the kernel has it: "exit N" or "signal N".
wait_status() {
  perl -e 'system {$ARGV[0]} @ARGV; printf "%s %d\n", $? & 127 ? ("signal", $? & 127) : ("exit", $? >> 8)' \
    -- "$@"
}

thag_run() { "$THAG_BUILD/tools/thag" run "$@"; }

test_run_brings_a_daemon_and_says_where_to_watch() {
  expect_status 0 thag run -- "$EXAMPLES/nqueens"
  sed -i '/^thag: saved /d' err
  one_line err 'http://localhost:[0-9]+'
  thag list | grep -q nqueens || fail "no session: $(thag list)"
  expect_status 0 thag run -- "$EXAMPLES/nqueens"
  [[ $(thag list | grep -c nqueens) == 2 ]] || fail "not two sessions in one daemon"
}

test_run_returns_when_the_profile_is_saved_and_says_where() {
  local saved
  expect_status 0 thag run -- "$EXAMPLES/nqueens"
  saved=$(sed -n 's/^thag: saved //p' err)
  [[ $saved == "$PWD"/nqueens-*.folded && -s $saved && -s ${saved%.folded}.json ]] ||
    fail "no profile is there: $(cat err)"
  expect_status 0 thag run -q -- "$EXAMPLES/nqueens"
  [[ $(compgen -G 'nqueens-*.folded' | wc -l) == 2 ]] || fail "the second profile isn't there"
}

# A script's interpreter has a session, and so has what it becomes.
test_run_waits_for_all_that_the_process_was() {
  start_thagd
  cat >twice <<END
#!/bin/sh
exec "$EXAMPLES/nqueens"
END
  chmod +x twice
  expect_status 0 thag run -q --memory ./twice
  [[ $(compgen -G 'nqueens-*.json' | wc -l) == 1 && $(compgen -G '*-memory_detail.folded' | wc -l) == 2 ]] ||
    fail "not all profiles are there: $(ls)"
}

test_run_returns_when_thagd_is_stopped() {
  start_thagd
  local pid
  pid=$(cut -d ' ' -f 1 thagd.lock)
  expect_status 3 timeout 20 "$THAG_BUILD/tools/thag" run -q sh -c "kill -STOP $pid; exit 3"
}

test_run_returns_when_thagd_dies() {
  start_thagd
  local pid
  pid=$(cut -d ' ' -f 1 thagd.lock)
  expect_status 3 timeout 20 "$THAG_BUILD/tools/thag" run -q sh -c "kill -KILL $pid; exit 3"
}

test_run_quiet_says_nothing() {
  expect_status 0 thag run -q true
  [[ ! -s err ]] || fail "it said: $(cat err)"
}

test_run_twice_at_once_shares_one_daemon() {
  local i
  for i in 1 2 3 4; do
    thag_run -q "$EXAMPLES/nqueens" >"out$i" 2>"err$i" &
  done
  wait
  for i in 1 2 3 4; do
    [[ ! -s err$i ]] || fail "$i said: $(cat "err$i")"
  done
  [[ $(thag list | grep -c nqueens) == 4 ]] || fail "sessions are missing: $(thag list)"
}

test_run_ends_with_the_programs_status() {
  start_thagd
  local status
  for status in 0 1 2 42 125 126 127 255; do
    expect_status "$status" thag run -q sh -c "exit $status"
  done
}

test_run_dies_of_the_programs_signal() {
  start_thagd
  local signal
  for signal in 1 2 3 6 9 11 15; do
    [[ $(wait_status "$THAG_BUILD/tools/thag" run -q sh -c "kill -$signal \$\$") == "signal $signal" ]] ||
      fail "not dead of signal $signal"
  done
}

test_run_says_what_can_not_be_run() {
  start_thagd
  expect_status 127 thag run no-such-program
  one_line err "can't run 'no-such-program'"
  expect_status 126 thag run /
  one_line err "can't run '/'"
  : >not-executable
  expect_status 126 thag run ./not-executable
}

test_run_usage_errors_are_125() {
  expect_status 125 thag run
  one_line err 'a program is missing'
  expect_status 125 thag run --frobnicate true
  one_line err "no option '--frobnicate'"
}

test_run_leaves_the_programs_options_alone() {
  start_thagd
  expect_status 0 thag run -q echo -q --help
  [[ $(cat out) == '-q --help' ]] || fail "echo got: $(cat out)"
}

test_run_passes_stdin_and_environment() {
  start_thagd
  echo text | thag run -q cat >out
  [[ $(cat out) == text ]] || fail "stdin was lost"
  # shellcheck disable=SC2016 # for sh
  expect_status 0 thag run -q sh -c 'echo "$THAG_RUN"'
  [[ $(cat out) == 1 ]] || fail "THAG_RUN is '$(cat out)'"
}

# A daemon that kept our output open would keep this waiting for ever.
test_run_daemon_keeps_nothing_of_ours() {
  local output descriptors
  output=$(timeout 20 "$THAG_BUILD/tools/thag" run -q echo "done" 2>&1 9>&1) || fail "it hangs"
  [[ $output == "done" ]] || fail "it said $output"
  descriptors=$(ls -l "/proc/$(cut -d ' ' -f 1 thagd.lock)/fd")
  ! grep -qF "$WORK/${FUNCNAME[0]}.log" <<<"$descriptors" || fail "$descriptors"
}

test_run_passes_on_what_was_sent_to_it_alone() {
  start_thagd
  local counter pid status=0
  counter=$(cd - >/dev/null && helper count_signals)
  "$THAG_BUILD/tools/thag" run -q "$counter" count 15 &
  pid=$!
  until_true grep -q ready count
  kill -TERM "$pid"
  wait "$pid" || status=$?
  [[ $(cat count) == 'ready 1' && $status == 42 ]] || fail "$(cat count), status $status"
}

# The terminal sends SIGINT to the whole group: the program must not get it twice.
test_run_terminal_interrupt_reaches_the_program_once() {
  start_thagd
  local counter
  counter=$(cd - >/dev/null && helper count_signals)
  mkfifo keys
  script -qec "$THAG_BUILD/tools/thag run -q $counter count 2" /dev/null <keys >typescript 2>&1 &
  exec 8>keys
  until_true grep -qs ready count
  printf '\003' >&8
  until_true grep -q 'ready [0-9]' count
  exec 8>&-
  wait
  [[ $(cat count) == 'ready 1' ]] || fail "$(cat count)"
}

# is_in_state STATE PID: as ps(1) has it.
is_in_state() { [[ $(ps -o stat= -p "$2") == "$1"* ]]; }

# Ctrl-Z stops both; SIGCONT brings both back.
test_run_stops_and_continues_with_the_program() {
  start_thagd
  local job status=0
  set -m
  "$THAG_BUILD/tools/thag" run -q sh -c 'echo >started; sleep 0.3; exit 3' &
  job=$!
  until_true test -s started
  kill -TSTP -- -$job
  until_true is_in_state T $job
  until_true is_in_state T "$(pgrep -P $job)"
  kill -CONT -- -$job
  wait $job || status=$?
  ((status == 3)) || fail "ended with $status"
}

test_run_works_where_children_are_ignored() {
  start_thagd
  # shellcheck disable=SC2016 # perl's
  expect_status 5 timeout 20 perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' -- \
    "$THAG_BUILD/tools/thag" run -q sh -c 'exit 5'
}

test_run_program_has_the_signals_its_caller_had() {
  start_thagd
  local given
  for given in HUP CHLD USR1; do
    # shellcheck disable=SC2016 # perl's
    perl -e '$SIG{$ARGV[0]} = "IGNORE"; shift; exec @ARGV' -- "$given" \
      grep -E '^Sig(Blk|Ign)' /proc/self/status >expected
    # shellcheck disable=SC2016
    perl -e '$SIG{$ARGV[0]} = "IGNORE"; shift; exec @ARGV' -- "$given" \
      "$THAG_BUILD/tools/thag" run -q grep -E '^Sig(Blk|Ign)' /proc/self/status >got
    cmp -s expected got || fail "$given: $(cat expected got)"
  done
}

test_run_killed_program_is_listed_with_its_signal() {
  start_thagd
  local pid
  "$EXAMPLES/treestat" --seconds 30 /usr/include >/dev/null 2>&1 &
  pid=$!
  until_true field_is state live
  kill -9 "$pid"
  until_true field_is signal SIGKILL
  thag list | grep -qE 'treestat +[0-9]+ +crashed:SIGKILL ' || fail "$(thag list)"
}

test_run_fails_clearly_when_no_daemon_can_start() {
  export THAG_SOCKET=$PWD/no/such/directory/thagd.sock
  expect_status 125 thag run true
  one_line err "can't start thagd: .*no/such/directory"
  export THAG_SOCKET=relative.sock
  expect_status 125 thag run true
  one_line err 'THAG_SOCKET must be an absolute path'
  THAG_SOCKET=/$(printf 'x%.0s' {1..200})
  expect_status 125 thag run true
  one_line err 'THAG_SOCKET is too long'
}
