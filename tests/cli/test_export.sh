# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag export

# A daemon with one ended session.
start_with_session() {
  start_thagd
  "$EXAMPLES/${1:-nqueens}" "${@:2}" >/dev/null 2>&1
  until_true field_is state ended
}

test_export_is_sorted_folded_stacks() {
  start_with_session
  expect_status 0 thag export "$(field id)" --format folded
  ! grep -qvE '^[^ ;][^;]*(;[^;]+)* [1-9][0-9]*$' out || fail "$(grep -vE '^[^;]+(;[^;]+)* [1-9][0-9]*$' out)"
  LC_ALL=C sort -c out || fail "not sorted"
  grep -q '^main;place_row ' out || fail "no main;place_row: $(head -n 5 out)"
  cp out first
  expect_status 0 thag export latest
  [[ $(stacks_of first) == "$(stacks_of out)" ]] || fail "the same session, two profiles"
  if command -v inferno-flamegraph >/dev/null; then
    inferno-flamegraph <out >out.svg || fail "inferno doesn't read it"
  fi
}

test_export_raw_is_no_less() {
  start_with_session
  expect_status 0 thag export latest
  cp out corrected
  expect_status 0 thag export latest --raw
  (($(sum_of out) > $(sum_of corrected))) || fail "$(sum_of out) raw, $(sum_of corrected)"
}

test_export_threads_add_up() {
  start_with_session treestat --seconds 1 --top 1 /usr/include
  local thread sum=0 all count=0
  thag export latest --raw >all
  for thread in $(thag list --json | sed -n 's/^ *"tid": \([0-9]*\),$/\1/p'); do
    thag export latest --raw --thread "$thread" >one 2>/dev/null || continue
    sum=$((sum + $(sum_of one))) count=$((count + 1))
  done
  ((count > 1)) || fail "$count threads"
  all=$(sum_of all)
  ((all - sum < 10000 && sum - all < 10000)) || fail "$sum in threads, $all in all"
}

test_export_works_while_the_program_runs() {
  start_thagd
  "$EXAMPLES/treestat" --seconds 30 --top 1 /usr/include >/dev/null 2>&1 &
  local pid=$!
  until_true has_stacks
  [[ $(field state) == live ]] || fail "it doesn't run any more"
  kill "$pid"
}

test_export_unknown_session_is_4() {
  start_thagd
  expect_status 4 thag export latest
  expect_status 4 thag export 999
  one_line err 'no such session'
  expect_status 4 thag export $'\e[31m'
  expect_status 4 thag export ../../etc/passwd
}

test_export_unknown_thread_is_4() {
  start_with_session
  expect_status 4 thag export latest --thread 1999999999 -o file
  one_line err 'thread 1999999999'
  [[ ! -e file ]] || fail "a file was written"
}

test_export_usage_errors_are_2() {
  local arguments
  for arguments in '' '1 2' '1 --format pdf' '1 --thread 0' '1 --thread x' '1 --thread 99999999999' \
    '1 -o' '1 --frob' '1 -x'; do
    # shellcheck disable=SC2086 # words
    expect_status 2 thag export $arguments
    one_line err "see 'thag help export'"
  done
  expect_status 2 thag export 1 -o ''
  expect_status 2 thag export ''
  expect_status 2 thag export $'\xff'
}

# scope_of FILE: each profile's name, unit and sum, and whether it is what the format asks for.
scope_of() {
  python3 - "$1" <<'END'
import json, sys
scope = json.load(open(sys.argv[1], encoding="utf-8"))
assert scope["$schema"] == "https://www.speedscope.app/file-format-schema.json"
frames = scope["shared"]["frames"]
assert all(frame["name"] for frame in frames)
for profile in scope["profiles"]:
    assert profile["type"] == "sampled" and profile["startValue"] == 0
    assert len(profile["samples"]) == len(profile["weights"])
    assert all(0 <= index < len(frames) for stack in profile["samples"] for index in stack)
    assert all(profile["samples"]) and sum(profile["weights"]) == profile["endValue"]
    print(profile["name"], profile["unit"], profile["endValue"])
END
}

test_export_speedscope_is_the_folded_stacks() {
  start_with_session
  expect_status 0 thag export latest -o all.folded
  expect_status 0 thag export latest --format speedscope -o all.json
  scope_of all.json >profiles || fail "not the format"
  [[ $(wc -l <profiles) == 1 ]] || fail "$(cat profiles)"
  [[ $(cut -d ' ' -f 2,3 profiles) == "nanoseconds $(sum_of all.folded)" ]] ||
    fail "$(cat profiles), folded $(sum_of all.folded)"
}

test_export_speedscope_has_each_thread() {
  start_with_session treestat --seconds 1 --threads 3 --top 1 /usr/include
  expect_status 0 thag export latest --raw --format speedscope -o all.json
  scope_of all.json >profiles || fail "not the format"
  (($(wc -l <profiles) >= 2)) || fail "$(cat profiles)"
  local name sum last
  while read -r name _ sum; do
    last=$name
    expect_status 0 thag export latest --raw --thread "$name" -o one.folded
    [[ $(sum_of one.folded) == "$sum" ]] || fail "thread $name: $sum, $(sum_of one.folded) folded"
  done <profiles
  expect_status 0 thag export latest --raw --thread "$last" --format speedscope -o one.json
  [[ $(scope_of one.json) == "$(tail -n 1 profiles)" ]] || fail "$(scope_of one.json)"
  expect_status 4 thag export latest --thread 1999999999 --format speedscope -o none
  [[ ! -e none ]] || fail "a file was written"
}

test_export_speedscope_of_memory() {
  start_thagd
  thag run --memory --quiet -- python3 -c 'list(map(str, range(10000)))' >/dev/null 2>&1
  until_true field_is state ended
  local metric unit
  for metric in allocated allocations peak; do
    unit=bytes
    [[ $metric != allocations ]] || unit=none
    expect_status 0 thag export latest --metric "$metric" -o folded
    expect_status 0 thag export latest --metric "$metric" --format speedscope -o all.json
    [[ $(scope_of all.json) == "$metric $unit $(sum_of folded)" ]] ||
      fail "$(scope_of all.json), $(sum_of folded) folded"
  done
}

test_export_writes_a_file_whole() {
  start_with_session
  umask 027
  expect_status 0 thag export latest -o profile.folded
  [[ $(thag export latest | stacks_of) == "$(stacks_of profile.folded)" ]] ||
    fail "not what stdout gets"
  [[ $(stat -c %a profile.folded) == 640 ]] || fail "mode $(stat -c %a profile.folded)"
  [[ ! -s out ]] || fail "something on stdout"
  [[ $(thag export latest -o - | stacks_of) == "$(stacks_of profile.folded)" ]] ||
    fail "'-' isn't stdout"
  ! compgen -G 'profile.folded.*' >/dev/null || fail "something is left: $(ls)"
}

test_export_replaces_a_file_through_a_link() {
  start_with_session
  echo old >target
  chmod 604 target
  ln -s target link
  expect_status 0 thag export latest -o link
  [[ -L link ]] || fail "the link is gone"
  grep -q '^main' target || fail "the target was not written"
  [[ $(stat -c %a target) == 604 ]] || fail "mode $(stat -c %a target)"
}

test_export_that_fails_leaves_what_was_there() {
  start_with_session
  expect_status 1 thag export latest -o no/such/file
  one_line err "can't write no/such/file: No such file or directory"
  expect_status 1 thag export latest -o .
  one_line err 'Is a directory'
  expect_status 1 thag export latest -o /dev/full
  one_line err 'No space left on device'
  # a full file system, where we may make one
  mkdir small
  if unshare -rm true 2>/dev/null; then
    # shellcheck disable=SC2016 # for the inner shell
    unshare -rm sh -c 'mount -t tmpfs -o size=4k none small && echo old >small/file &&
      { "$0" export latest -o small/file; echo "$?" >status; }
      cat small/file; ls small' "$THAG_BUILD/tools/thag" >out 2>err
    [[ $(cat status) == 1 ]] || fail "a full disk gives $(cat status)"
    [[ $(cat out) == $'old\nfile' ]] || fail "on the full disk: $(cat out)"
  fi
}

test_export_writes_to_devices_and_pipes() {
  start_with_session
  expect_status 0 thag export latest -o /dev/null
  [[ -c /dev/null ]] || fail "/dev/null was replaced"
  mkfifo pipe
  cat pipe >got &
  expect_status 0 thag export latest -o pipe
  wait $!
  [[ $(thag export latest | stacks_of) == "$(stacks_of got)" ]] ||
    fail "the pipe got something else"
}

test_export_to_a_closed_pipe_is_quiet() {
  start_with_session
  thag export latest 2>err | head -n 1 >/dev/null
  [[ ! -s err ]] || fail "$(cat err)"
}

# The middle, in seconds, of the calls of a Chrome trace: a program may take longer to start than
# all its calls.
middle_of() {
  python3 - "$1" <<'END'
import json, sys
calls = [event for event in json.load(open(sys.argv[1]))["traceEvents"] if event["ph"] == "X"]
first = min(call["ts"] for call in calls)
last = max(call["ts"] + call["dur"] for call in calls)
print(f"{(first + last) / 2e6:.9f}")
END
}

test_export_of_a_range() {
  start_with_session
  expect_status 0 thag export latest --raw -o all.folded
  expect_status 0 thag export latest --raw --to 1000 -o same.folded
  [[ $(sum_of same.folded) == "$(sum_of all.folded)" ]] ||
    fail "$(sum_of same.folded) of $(sum_of all.folded)"
  local middle first second all
  expect_status 0 thag export latest --format chrome -o calls.json
  middle=$(middle_of calls.json)
  expect_status 0 thag export latest --raw --to "$middle" -o first.folded
  expect_status 0 thag export latest --raw --from "$middle" -o second.folded
  first=$(sum_of first.folded) second=$(sum_of second.folded) all=$(sum_of all.folded)
  ((first > 0 && second > 0 && first + second > all - 100 && first + second < all + 100)) ||
    fail "$first and $second of $all"
  expect_status 0 thag export latest --raw --to 1000 --format speedscope -o all.json
  [[ $(scope_of all.json) == *" nanoseconds $(sum_of same.folded)" ]] || fail "$(scope_of all.json)"
}

test_export_of_a_range_needs_a_timeline() {
  start_thagd --timeline off
  "$EXAMPLES/nqueens" >/dev/null 2>&1
  until_true field_is state ended
  expect_status 1 thag export latest --to 1
  one_line err 'keeps no timeline'
}

test_export_svg_is_what_svg_draws() {
  start_with_session
  expect_status 0 thag export latest --format svg --raw -o exported.svg
  expect_status 0 thag svg latest --raw -o drawn.svg
  cmp exported.svg drawn.svg || fail "two pictures"
  grep -q 'place_row' exported.svg || fail "$(head -c 500 exported.svg)"
  expect_status 2 thag export latest --format svg --metric leaked --raw
}
