# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag stop, and the command as a whole

test_stop_waits_until_the_daemon_is_gone() {
  start_thagd
  expect_status 0 thag stop
  flock -n thagd.lock true || fail "it still has its lock"
  [[ ! -e thagd.sock ]] || fail "its socket is still there"
  expect_status 3 thag stop
  one_line err 'no thagd is running'
}

test_stop_saves_what_runs_and_lets_it_go_on() {
  start_thagd
  mkdir saved
  THAG_PROFILER=time,$PWD/saved "$EXAMPLES/treestat" --seconds 3 --top 1 /usr/include >/dev/null 2>&1 &
  local pid=$! status=0
  until_true has_stacks
  expect_status 0 thag stop
  compgen -G 'saved/treestat-*.folded' >/dev/null || fail "nothing was saved: $(ls saved)"
  wait "$pid" || status=$?
  ((status == 0)) || fail "the program ended with $status"
}

test_stop_usage_errors_are_2() {
  expect_status 2 thag stop now
  expect_status 2 thag stop --now
}

test_help_is_the_same_by_both_ways() {
  local command
  for command in run list export enable disable forget stop svg; do
    expect_status 0 thag help $command
    cp out help
    expect_status 0 thag $command --help
    cmp -s help out || fail "$command"
    expect_status 0 thag $command -h
    cmp -s help out || fail "$command"
    awk 'length($0) > 92 { exit 1 }' help || fail "$command: too wide"
  done
  expect_status 0 thag help
  cp out help
  expect_status 0 thag --help
  cmp -s help out || fail "overview"
}

test_usage_errors_are_2() {
  expect_status 2 thag
  one_line err "see 'thag --help'"
  expect_status 2 thag frobnicate
  one_line err "no command 'frobnicate'"
  expect_status 2 thag help frobnicate
  expect_status 2 thag help run list
}

test_version_is_printed() {
  expect_status 0 thag --version
  one_line out '^thag [0-9]+\.[0-9]+\.[0-9]+$'
}

# Every option that a help text names is in the manual, and the statuses are.
test_manuals_tell_every_option() {
  local option command page manual=$TESTS/../../docs/man
  for command in $(thag __complete ''); do
    # a command of its own page, or of that with its kin
    case $command in
    top) page=thag-stat.1 ;;
    remove) page=thag-instrument.1 ;;
    *) page=thag-$command.1 ;;
    esac
    [[ -e $manual/$page ]] || page=thag.1
    for option in $(thag help "$command" | grep -oE -- '--[a-z][a-z-]*' | sort -u); do
      grep -qF -- "\\-${option#--}" "$manual/$page" "$manual/thag-filters.7" "$manual/thag.1" ||
        fail "$page lacks $option of $command"
    done
  done
  for option in $("$THAG_BUILD/daemon/thagd" --help | grep -oE -- '--[a-z-]+' | sort -u); do
    grep -qF -- "\\-${option#--}" "$manual/thagd.1" || fail "thagd.1 lacks $option"
  done
}
