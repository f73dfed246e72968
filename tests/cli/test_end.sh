# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag end; what it does to programs is tested in tests/modes.

pid=0 # of run_treestat

test_end_saves_the_profile_and_leaves_the_program() {
  start_thagd
  mkdir saved
  THAG_PROFILER=,$PWD/saved run_treestat
  expect_status 0 thag end latest
  told_of 1 "ended, saved $PWD/saved/treestat-[-0-9]*\.folded"
  [[ ! -s err ]] || fail "it complains: $(cat err)"
  kill -0 "$pid" || fail "its program went, too"
  field_is state ended || fail "$(thag list)"
  [[ -s $(ls saved/*.folded) ]] || fail "nothing was saved"
  grep -q '"message": "it was ended while the program ran"' saved/*.json || fail "$(cat saved/*.json)"
  grep -q '"exit_code": null' saved/*.json || fail "it claims to know the program's end"
  local events
  events=$(field events)
  sleep 0.5
  [[ $(field events) == "$events" && $(thag list | wc -l) == 2 ]] || fail "it goes on: $(thag list)"
  expect_status 0 thag export latest
  expect_status 1 thag end latest
  one_line err 'thag end: that session has ended already'
  expect_status 1 thag disable latest
  expect_status 0 thag forget latest
  kill "$pid"
  wait "$pid"
  sleep 0.3
  (($(thag list --json | grep -c '"id":') == 0)) || fail "it came back: $(thag list)"
}

test_end_finishes_the_recording() {
  start_thagd --record "$PWD"
  run_treestat
  expect_status 0 thag end 1
  local file
  file=$(ls treestat-*.thag)
  [[ ! -e $file.open ]] || fail "its journal is still there"
  expect_status 6 thag open "$file"
  one_line err 'recording was stopped while the program ran'
  [[ $(thag export 1 | stacks_of | sort) == "$(thag export 2 | stacks_of | sort)" ]] ||
    fail "the recording lacks stacks"
  kill "$pid"
}

test_end_ends_several_and_stops_at_the_first_that_can_not() {
  start_thagd
  run_treestat
  local first=$pid
  "$EXAMPLES/treestat" --seconds 60 --top 1 /usr/include >/dev/null 2>&1 &
  pid=$!
  until_true field_is id 2
  expect_status 0 thag end 1 2
  (($(grep -c ': ended, saved ' out) == 2)) || fail "$(cat out)"
  expect_status 4 thag end 9 1
  kill "$first" "$pid"
}

test_end_under_thag_run_is_told_where_the_profile_is() {
  start_thagd
  "$THAG_BUILD/tools/thag" run -- "$EXAMPLES/treestat" --seconds 3 --top 1 /usr/include >/dev/null 2>run_err &
  pid=$!
  until_true has_stacks
  expect_status 0 thag end latest
  wait "$pid" || fail "thag run ended with $?"
  grep -q '^thag: saved .*\.folded$' run_err || fail "$(cat run_err)"
  (($(thag list | wc -l) == 2)) || fail "$(thag list)"
}


test_end_usage_and_no_daemon() {
  expect_status 2 thag end
  one_line err "which session.*see 'thag help end'"
  expect_status 2 thag end --all
  expect_status 3 thag end 1
  start_thagd
  expect_status 4 thag end latest
  one_line err 'thag end: no such session'
  thag run -q "$EXAMPLES/nqueens" >/dev/null
  until_true ended_are 1
  expect_status 1 thag end 1
  one_line err 'has ended already'
}
