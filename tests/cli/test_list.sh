# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag list

test_list_without_a_daemon_is_3() {
  expect_status 3 thag list
  one_line err 'no thagd is running .*thagd --daemonize'
  [[ ! -s out ]] || fail "it printed $(cat out)"
}

# A socket file that nobody listens on, as a killed daemon leaves it.
test_list_with_a_stale_socket_is_3() {
  start_thagd
  kill -9 "$(cut -d ' ' -f 1 thagd.lock)"
  until_true flock -n thagd.lock true
  [[ -S thagd.sock ]] || fail "no socket was left"
  expect_status 3 thag list
  one_line err 'no thagd is running'
}

test_list_of_nothing_is_its_titles() {
  start_thagd
  expect_status 0 thag list
  one_line out '^ID  PROGRAM  PID  STATE  START  DURATION  EVENTS  LOST$'
  expect_status 0 thag list --json
  grep -q '"sessions": \[\]' out || fail "$(cat out)"
}

test_list_columns_are_aligned() {
  start_thagd
  cp "$EXAMPLES/nqueens" a-program-with-a-long-name
  thag run -q "$EXAMPLES/nqueens" >/dev/null
  thag run -q ./a-program-with-a-long-name >/dev/null
  until_true ended_are 2
  expect_status 0 thag list
  local column title
  for title in PROGRAM STATE START; do
    column=$(awk -v title=$title 'NR == 1 { print index($0, title) }' out)
    awk -v at="$column" 'substr($0, at - 1, 2) !~ /^ [^ ]/ { exit 1 }' out ||
      fail "$title isn't aligned: $(cat out)"
  done
  ! grep -q ' $' out || fail "spaces at the end of a line"
  awk 'NR > 1 && (NF != 8 || $3 !~ /^[0-9]+$/ || $7 == 0) { exit 1 }' out || fail "$(cat out)"
}

test_list_json_has_what_is_known() {
  start_thagd
  "$EXAMPLES/nqueens" >/dev/null
  local name
  for name in id program pid state signal start duration_ns events lost truncated threads argv \
    files message; do
    thag list --json | grep -q "^ *\"$name\": " || fail "no $name"
  done
  [[ $(field program) == nqueens && $(field lost) == 0 ]] || fail "$(thag list --json)"
}

# Names come from programs by way of thagd, which is not trusted to have cleaned them.
test_list_hostile_names_stay_in_their_cell() {
  local fake
  fake=$(cd - >/dev/null && helper fake_daemon)
  "$fake" "$THAG_SOCKET" data '{"sessions":[{"id":"1\n2","state":"\u009b2J","pid":7,
    "program":"/x/evil\n9  fake\u001b[31m\u202e;<b>\"\u007f\u00e9"}]}' >fake.out &
  until_true grep -q listening fake.out
  expect_status 0 thag list
  cp out table
  expect_status 0 thag list --json
  kill $!
  (($(wc -l <table) == 2)) || fail "$(cat -v table)"
  ! LC_ALL=C grep -q $'[\001-\010\013-\037\177]' table || fail "controls: $(cat -v table)"
  grep -qF '1\n2  evil\n9  fake\x1b[31m\u202e;<b>"\x7fé    7  \u009b2J' table || fail "$(cat -v table)"
  ! LC_ALL=C grep -q $'[\001-\010\013-\037\177-\377]' out || fail "not plain: $(cat -v out)"
}

test_list_names_of_programs_may_be_anything() {
  local name=$'evil\n9  fake\e[31m\xff;<b>"\x7f'
  start_thagd
  cp "$EXAMPLES/nqueens" "$name"
  "./$name" >/dev/null
  until_true ended_are 1
  expect_status 0 thag list
  (($(wc -l <out) == 2)) || fail "$(cat -v out)"
  ! LC_ALL=C grep -q $'[\001-\010\013-\037\177]' out || fail "control characters: $(cat -v out)"
}

test_list_usage_errors_are_2() {
  expect_status 2 thag list --frobnicate
  one_line err "no option '--frobnicate'; see 'thag help list'"
  expect_status 2 thag list -x
  one_line err "no option '-x'"
  expect_status 2 thag list everything
  one_line err "what is 'everything'"
}

test_list_full_output_is_an_error() {
  start_thagd
  local status=0
  thag list >/dev/full 2>err || status=$?
  ((status == 1)) || fail "it ended with $status"
  one_line err "can't write the output: No space left on device"
}

# Whatever answers on the socket, one clear line and a documented status.
expect_fake() {
  local mode=$1 json=$2 status=$3 pattern=$4
  "$fake" "$THAG_SOCKET" "$mode" "$json" >fake.out &
  until_true grep -q listening fake.out
  expect_status "$status" thag list
  kill $!
  wait $! 2>/dev/null
  rm "$THAG_SOCKET" fake.out
  [[ -z $pattern ]] || one_line err "$pattern"
}

test_list_trusts_no_answer() {
  local fake mode
  fake=$(cd - >/dev/null && helper fake_daemon)
  for mode in garbage short lies nonjson; do
    expect_fake $mode '{}' 1 'is no thagd'
  done
  expect_fake close '{}' 1 'ended before it answered'
  expect_fake version '{}' 1 'another version'
  expect_fake list '{"sessions":7}' 1 'is no thagd'
  expect_fake data '[]' 1 'is no thagd'
  expect_fake list '{"sessions":[7,{},{"id":5,"pid":"x","start":"never","duration_ns":-3}]}' 0 ''
  (($(wc -l <out) == 4)) || fail "$(cat out)"
}

test_list_gives_up_on_a_daemon_that_never_answers() {
  local fake
  fake=$(cd - >/dev/null && helper fake_daemon)
  expect_fake silent '{}' 1 "doesn't answer"
}

test_list_asks_nothing_of_another_users_daemon() {
  local fake
  if [[ $(id -u) != 0 ]]; then
    echo "  skipped: needs root"
    return
  fi
  fake=$(cd - >/dev/null && helper fake_daemon)
  cp "$fake" fake
  chmod 777 .
  chmod a+x "$WORK"
  setpriv --reuid 65534 --clear-groups ./fake "$THAG_SOCKET" list '{"sessions":[]}' >fake.out &
  until_true grep -q listening fake.out
  expect_status 1 thag list
  kill $!
  one_line err "another user's process answers"
}

# expect_path PATH [VARIABLE=VALUE]… [COMMAND…]: where it looks for a daemon, run so.
expect_path() {
  local said
  said=$(env "${@:2}" "$PWD/thag" list 2>&1)
  [[ $said == *"(at $1)"* ]] || fail "with ${*:2}: $said, not at $1"
}

test_list_looks_for_the_socket_where_it_should() {
  unset THAG_SOCKET
  local long
  long=$PWD/$(printf 'x%.0s' {1..99})
  install -m 755 "$THAG_BUILD/tools/thag" . # another user may not reach the build
  chmod a+x . "$WORK"
  mkdir -m 700 own
  mkdir -m 777 open
  chmod 777 open
  expect_path "$PWD/named" THAG_SOCKET="$PWD/named" XDG_RUNTIME_DIR="$PWD/own"
  expect_path "$PWD/own/thag/thagd.sock" THAG_SOCKET= XDG_RUNTIME_DIR="$PWD/own"
  if [[ $(id -u) != 0 ]]; then
    echo "  skipped in part: needs root"
    return
  fi
  # as a user who certainly has no daemon
  as_4242 XDG_RUNTIME_DIR="$PWD/own"
  as_4242 XDG_RUNTIME_DIR="$PWD/open"
  as_4242 XDG_RUNTIME_DIR=relative
  as_4242 XDG_RUNTIME_DIR="$long"
  as_4242 XDG_RUNTIME_DIR=
}

as_4242() {
  expect_path /tmp/thag-4242/thagd.sock "$@" setpriv --reuid 4242 --clear-groups
}
