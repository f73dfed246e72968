#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The ring's protocol as a model (ring.pml), every order of its steps tried by spin: no violation
# as it is, one for each mutation. Prints a line a test and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-model.XXXXXX")
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/ok.sh disable=SC1091
. "$here/../support/ok.sh"

# search OPTION...: all of the model's states, in another order by $order; they fit into 2 GB, and no path is longer than 200,000.
search() {
  rm -rf "$work/pan"
  mkdir "$work/pan"
  (
    cd "$work/pan" || exit
    spin -a "$@" "$here/ring.pml" &&
      gcc -O0 -w -DSAFETY -DNOREDUCE -DCOLLAPSE -DMEMLIM=2048 ${order:+"$order"} -o pan pan.c &&
      ./pan -E -m200000 -w20 >out
    grep -v "^\s.*ring.pml" out
  )
}

# holds OPTION...: nothing is wrong, in no order, and all were tried.
holds() {
  search "$@"
  grep -q 'errors: 0$' "$work/pan/out" &&
    ! grep -qE 'not completed|too small|memory limit|truncated' "$work/pan/out"
}

# fails OPTION...: an assertion is violated: ring.pml doesn't just fail to compile.
fails() {
  search "$@"
  grep -q 'assertion violated' "$work/pan/out"
}

# mutation NAME OPTION...
mutation() {
  local name=$1
  shift
  ok "mutation $name is found" fails "-DMUTATION_$name" "$@"
}

# Without handlers, and the room that is kept for them, a small ring does.
alone=(-DRING=4 -DHANDLERS=0)

ok 'a ring goes round' holds "${alone[@]}" -DMARKS -DCALLS=4
ok 'a handler interrupts anywhere' holds
ok 'a handler interrupts events of two words' holds -DMARKS
ok 'a handler interrupts a handler' holds -DHANDLERS=2 -DCALLS=0
ok 'a handler leaves by siglongjmp' holds -DJUMPS=1 -DMARKS
ok 'a handler leaves by siglongjmp, which nobody sees' holds -DJUMPS=1 -DSTATIC
ok 'a handler takes longer than holes are waited for' holds -DSLOW
ok 'the program is killed anywhere' holds -DKILL
ok 'the program is killed within events of two words' holds "${alone[@]}" -DCALLS=2 -DKILL -DMARKS
ok 'stores become visible in any order' holds -DWEAK -DCALLS=0
ok 'stores become visible in any order, the program is killed' \
  holds "${alone[@]}" -DWEAK -DMARKS -DCALLS=2 -DKILL
ok 'the daemon stops for ever' holds -DSTOP
ok 'the daemon stops for ever, and no signal comes' holds "${alone[@]}" -DSTOP
ok 'the daemon stops, and TIME words are due' holds "${alone[@]}" -DCALLS=2 -DSTOP -DTIMES=2
ok 'the daemon is killed anywhere, another goes on' \
  holds "${alone[@]}" -DCALLS=2 -DMARKS -DDAEMON_KILLS=1
ok 'both are killed anywhere' holds "${alone[@]}" -DDAEMON_KILLS=1 -DKILL
ok 'the daemon is killed anywhere while it records' \
  holds "${alone[@]}" -DCALLS=2 -DMARKS -DDAEMON_KILLS=1 -DRECORDING

mutation NO_PHASE "${alone[@]}" -DCALLS=4
order=-DREVERSE mutation ONE_PHASE_BIT -DJUMPS=1 -DCALLS=8
mutation SPLIT_RESERVE
mutation LIMIT_OFF_BY_ONE "${alone[@]}" -DSTOP
mutation NO_ROOM_FOR_EXITS "${alone[@]}" -DSTOP
mutation TIME_UNCHECKED "${alone[@]}" -DCALLS=2 -DSTOP -DTIMES=3
mutation WAIT_WITHOUT_END "${alone[@]}" -DCALLS=2 -DSTOP
mutation CHILDREN_NOT_DROPPED "${alone[@]}" -DCALLS=2
mutation DROP_HALF_SAID -DSIGNALS=2 -DCALLS=3
mutation LOST_COUNT_SPLIT -DCALLS=2
mutation SKIP_AT_ONCE
mutation RELEASE_BEFORE_READ "${alone[@]}" -DCALLS=3
mutation RELEASE_BEFORE_NOTE "${alone[@]}" -DDAEMON_KILLS=1
mutation RELEASE_BEFORE_RECORDING "${alone[@]}" -DDAEMON_KILLS=1 -DRECORDING
mutation RESTART_AT_INDEX "${alone[@]}" -DDAEMON_KILLS=1
mutation RESTART_BEHIND "${alone[@]}" -DDAEMON_KILLS=1
mutation COMMIT_IN_EVENT "${alone[@]}" -DMARKS -DDAEMON_KILLS=1
finish
