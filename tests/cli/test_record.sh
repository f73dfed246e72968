# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag record; what is in the files is tested in tests/recording.

pid=0 # of run_treestat

test_record_says_its_file_and_ends_it() {
  start_thagd
  run_treestat
  expect_status 0 thag record latest
  told_of 1 "recording to $PWD/treestat-[0-9]{8}-[0-9]{6}\.thag"
  [[ ! -s err ]] || fail "it complains: $(cat err)"
  local file
  file=$(sed 's/.*recording to //' out)
  [[ -e $file && -e $file.open ]] || fail "$(ls)"
  grep -q '"on": true' <(thag list --json) || fail "$(thag list --json)"
  expect_status 0 thag record --stop 1
  told_of 1 "recorded $file"
  [[ ! -e $file.open ]] || fail "its journal is still there"
  kill -0 "$pid" || fail "its program went, too"
  field_is state live || field_is state idle || fail "$(thag list)"
  expect_status 6 thag open "$file"
  one_line err 'recording was stopped while the program ran; recorded from [0-9.]+ s after'
  kill "$pid"
}

test_record_to_a_file_that_is_named() {
  start_thagd
  run_treestat
  expect_status 0 thag record 1 -o here
  one_line out "recording to $PWD/here\.thag$"
  expect_status 1 thag record 1 -o there
  one_line err "it is being recorded to $PWD/here\.thag"
  [[ ! -e there.thag ]] || fail "a file that nobody writes: $(ls)"
  expect_status 0 thag record 1 --stop
  echo mine >mine.thag
  for file in here mine; do
    cp $file.thag before
    expect_status 1 thag record 1 --output $file.thag
    one_line err "can't record to $PWD/$file\.thag: File exists"
    cmp $file.thag before || fail "it was written to"
  done
  expect_status 1 thag record 1 -o nowhere/x
  one_line err "can't record to 'nowhere/x': No such file"
  expect_status 0 thag record 1 -o there.thag
  expect_status 0 thag end 1
  expect_status 6 thag open there.thag
  kill "$pid"
}

test_record_stop_of_one_that_is_not() {
  start_thagd
  run_treestat
  expect_status 1 thag record --stop 1
  one_line err 'thag record: that session is not being recorded'
  expect_status 0 thag record 1 -o x
  expect_status 0 thag record --stop 1
  expect_status 1 thag record --stop 1
  one_line err 'not being recorded'
  kill "$pid"
  until_true ended_or_crashed
  expect_status 1 thag record 1
  one_line err 'that session has ended'
  expect_status 1 thag record --stop 1
}

ended_or_crashed() { field_is state crashed || field_is state ended; }

test_record_stops_one_that_began_with_its_program() {
  start_thagd --record "$PWD"
  run_treestat
  local file
  file=$(ls treestat-*.thag)
  expect_status 0 thag record --stop latest
  one_line out "recorded $PWD/$file$"
  expect_status 6 thag open "$file"
  one_line err 'recording was stopped while the program ran$'
  kill "$pid"
}

test_record_in_a_directory_that_is_not_writable() {
  (($(id -u) != 0)) || return 0
  start_thagd
  run_treestat
  mkdir fixed
  chmod 500 fixed
  expect_status 1 thag record 1 -o fixed/x
  one_line err "can't record to 'fixed/x': Permission denied"
  kill "$pid"
}

test_record_is_listed() {
  start_thagd
  run_treestat
  expect_status 0 thag record 1 -o x
  [[ $(thag list --json) == *"\"file\": \"$PWD/x.thag\""* ]] || fail "$(thag list --json)"
  kill "$pid"
  until_true ended_or_crashed
  [[ $(thag list --json) == *'"on": false'* ]] || fail "$(thag list --json)"
  expect_status 0 thag open x.thag
}

test_record_usage_and_no_daemon() {
  expect_status 0 thag record --help
  expect_status 2 thag record
  one_line err "which session.*see 'thag help record'"
  expect_status 2 thag record 1 2
  one_line err "what is '2'"
  expect_status 2 thag record 1 -o
  expect_status 2 thag record --stop 1 -o x
  expect_status 2 thag record --now 1
  expect_status 3 thag record 1
  start_thagd
  expect_status 4 thag record latest
  one_line err 'no such session'
  expect_status 4 thag record --stop 9
}
