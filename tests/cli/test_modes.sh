# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag enable and thag disable; what they do to programs is tested in tests/modes.

test_switch_without_a_daemon_is_3() {
  expect_status 3 thag enable 1
  one_line err 'no thagd is running'
  expect_status 3 thag disable latest
}

test_switch_of_no_session_is_4() {
  start_thagd
  expect_status 4 thag enable latest
  one_line err 'no such session'
  expect_status 4 thag disable 99
  expect_status 4 thag enable treestat
}

test_switch_of_an_ended_session_is_1() {
  start_thagd
  thag run -q "$EXAMPLES/nqueens" >/dev/null
  until_true ended_are 1
  expect_status 1 thag disable latest
  one_line err 'thag disable: that session has ended'
  expect_status 1 thag enable 1 time
  one_line err 'has ended'
}

test_switch_usage_errors_are_2() {
  expect_status 2 thag enable
  one_line err "which session.*see 'thag help enable'"
  expect_status 2 thag disable
  expect_status 2 thag enable 1 space
  one_line err "'space' is not time, memory or both"
  expect_status 2 thag enable 1 time now
  expect_status 2 thag disable 1 time
  expect_status 2 thag enable --now 1
}

test_run_paused_connects_and_records_nothing() {
  start_thagd
  thag run -q --paused -- "$EXAMPLES/nqueens" >/dev/null
  until_true ended_are 1
  [[ $(field events) == 0 && $(field modes) == time && $(field active) == none ]] ||
    fail "$(thag list --json)"
}

test_run_without_paused_is_not_paused() {
  start_thagd
  THAG_PAUSED=0 thag run -q -- "$EXAMPLES/nqueens" >/dev/null
  until_true ended_are 1
  [[ $(field events) != 0 && $(field active) == time ]] || fail "$(thag list --json)"
}

test_list_shows_a_paused_program_as_such() {
  start_thagd
  "$THAG_BUILD/tools/thag" run -q --paused -- "$EXAMPLES/treestat" --seconds 60 >/dev/null 2>&1 &
  local pid=$!
  until_true field_is program treestat
  thag list | grep -q ' paused ' || fail "$(thag list)"
  field_is state live || field_is state idle || fail "$(thag list --json)"
  kill "$pid"
  wait "$pid"
  until_true field_is state crashed
  thag list | grep -q ' crashed:SIGTERM ' || fail "$(thag list)"
}
