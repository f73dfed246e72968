# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag forget

sessions_are() { (($(thag list --json | grep -c '"id":') == $1)); }

test_forget_drops_an_ended_session_and_keeps_its_files() {
  start_thagd
  mkdir saved
  THAG_PROFILER=,$PWD/saved thag run -q "$EXAMPLES/nqueens" >/dev/null
  THAG_PROFILER=,$PWD/saved thag run -q "$EXAMPLES/nqueens" >/dev/null
  until_true ended_are 2
  expect_status 0 thag forget 1
  [[ ! -s out && ! -s err ]] || fail "it says something: $(cat out err)"
  sessions_are 1 || fail "it is still listed: $(thag list)"
  [[ $(field id) == 2 ]] || fail "the wrong one went: $(thag list)"
  (($(find saved -name '*.folded' | wc -l) == 2)) || fail "files went too: $(ls saved)"
  expect_status 4 thag forget 1
  one_line err 'thag forget: no such session'
  expect_status 4 thag export 1
  expect_status 0 thag forget latest
  sessions_are 0 || fail "it is still listed: $(thag list)"
}

test_forget_drops_an_opened_recording_which_can_be_opened_again() {
  start_thagd
  thag run -q -o kept.thag -- "$EXAMPLES/nqueens" >/dev/null
  until_true ended_are 1
  expect_status 0 thag open kept.thag
  expect_status 0 thag forget 1 latest
  sessions_are 0 || fail "they are still listed: $(thag list)"
  [[ -s kept.thag ]] || fail "the recording went, too"
  expect_status 0 thag open kept.thag
  sessions_are 1 || fail "it is not listed: $(thag list)"
}

test_forget_leaves_a_program_that_runs() {
  start_thagd
  "$EXAMPLES/treestat" --seconds 60 --top 1 /usr/include >/dev/null 2>&1 &
  local pid=$!
  until_true has_stacks
  expect_status 1 thag forget latest
  one_line err 'its program still runs'
  sessions_are 1 || fail "it went: $(thag list)"
  kill -0 "$pid" || fail "its program went"
  kill "$pid"
}

test_forget_usage_and_no_daemon() {
  expect_status 2 thag forget
  one_line err "which session.*see 'thag help forget'"
  expect_status 2 thag forget --all
  expect_status 3 thag forget 1
  start_thagd
  expect_status 4 thag forget latest
}
