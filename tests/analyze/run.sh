#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# `thag analyze` on a real terminal, which tmux plays: every item of its menus, at several sizes,
# without colours, in other locales, with hostile names; what is shown is compared with what the
# commands print. THAG_BUILD names the build (build/); arguments, if any, the tests to run. Prints
# "ok"/"not ok" lines and "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

export THAG_BUILD=${THAG_BUILD:-$PWD/build}
TESTS=$PWD/tests/cli
export EXAMPLES=$THAG_BUILD/examples
WORK=$(mktemp -d "${TMPDIR:-/tmp}/a.XXXXXX")
mkdir "$WORK/run"
export HOME=$WORK TMUX_TMPDIR=$WORK LD_LIBRARY_PATH=$THAG_BUILD/libclient
unset THAG_PROFILER THAG_RUN XDG_RUNTIME_DIR XDG_CONFIG_HOME NO_COLOR DISPLAY WAYLAND_DISPLAY TMUX
# shellcheck source=tests/support/each.sh disable=SC1091
. tests/support/each.sh

# shellcheck source-path=SCRIPTDIR source=../cli/lib.sh
. "$TESTS/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. tests/analyze/lib.sh
for file in tests/analyze/test_*.sh; do
  # shellcheck disable=SC1090 # all of them
  . "$file"
done

# shellcheck source=tests/support/sanitized.sh disable=SC1091
. tests/support/sanitized.sh
! sanitized || unset -f test_sessions # of memory

run_test() {
  local name=$1 status=0
  session=${name#test_}
  mkdir "$WORK/$name"
  (
    cd "$WORK/$name" || exit
    export THAG_SOCKET=$WORK/$name/thagd.sock XDG_CONFIG_HOME=$WORK/$name/config
    make_profiles
    trap end_test EXIT
    "$name"
  ) >"$WORK/$name.log" 2>&1 </dev/null || status=$?
  tell "${name#test_}" "$status" "$WORK/$name.log"
}

end_test() {
  tm kill-session -t "$session" 2>/dev/null
  thag stop >/dev/null 2>&1
  rm -f "${path:-}"
}

clean_up() {
  tm kill-server 2>/dev/null
  rm -rf "$WORK"
}
trap clean_up EXIT

# holds the server while sessions come and go
tm new-session -d -s keep 'exec cat' || exit
run_each "$@"
