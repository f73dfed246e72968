#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# That what runs the other suites fails those that leave something behind, and that the stand-in
# for Criterion does so with tests. Ends with "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-contain.XXXXXX")
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/ok.sh disable=SC1091
. "$here/../support/ok.sh"

# contain SCRIPT: a suite that does this, and passes; in a place of its own, too.
contain() { TMPDIR=$work SETTLE_S=${settle:-30} "$here/../support/contain.py" "${seconds:-60}" bash -c "$1"; }

# fails STATUS TEXT SCRIPT: it fails so, and says that.
fails() {
  local status=0
  contain "$3" >"$work/out" 2>&1 || status=$?
  cat "$work/out"
  [[ $status == "$1" ]] && grep -qE -- "$2" "$work/out" && [[ -z $(find "$work" -name 's.*') ]]
}

# is_gone FILE: the process whose pid it holds.
is_gone() { [[ ! -e /proc/$(<"$1") ]]; }

# shellcheck disable=SC2016 # scripts are for the shells they are for
{
  ok 'a suite that leaves nothing passes' contain \
    'file=$(mktemp) && rm "$file"; sleep 0.1 & wait'
  ok 'what ends soon is waited for' contain 'setsid sleep 0.3 & disown'
  ok "a suite's own failure is its status" fails 3 said 'echo said; exit 3'
  ok 'so is the signal that killed it' fails 137 said 'echo said; kill -KILL $$'
  ok "not what the sanitizers' own runtime left" contain 'touch "$TMPDIR/tsan.rodata.7"'
  settle=0.3
  left="echo \$\$ >$work/pid; exec sleep 1000"
  ok 'a process' fails 1 'leaves the process .*: sleep 1000' "bash -c '$left' & sleep 0.2"
  ok 'which is ended' is_gone "$work/pid"
  ok 'a process in a session of its own, without its parent' fails 1 'leaves the process .*: sleep 1000' \
    "(setsid bash -c '$left' &) ; sleep 0.2"
  ok 'which is ended, too' is_gone "$work/pid"
  ok 'a file' fails 1 'leaves the file .*/left' 'touch "$TMPDIR/left"'
  ok 'a file that is hidden and may not be read' fails 1 'leaves the file .*/.left' \
    'mkdir "$TMPDIR/d" && touch "$TMPDIR/d/.left" && chmod 0 "$TMPDIR/d/.left"'
  ok 'a folder' fails 1 'leaves the folder .*/left' 'mkdir "$TMPDIR/left"'
  ok 'a socket' fails 1 'leaves the file .*/left' \
    'python3 -c "import os, socket; socket.socket(socket.AF_UNIX).bind(os.environ[\"TMPDIR\"] + \"/left\")"'
  # not where the suites beside this one look, too
  mkdir "$work/shm" && export SHARED_MEMORY=$work/shm
  ok 'shared memory' fails 1 'leaves .*/shm/thag-contain' 'touch "$SHARED_MEMORY/thag-contain"'
  seconds=1
  ok 'a suite that takes too long is ended' fails 124 'ended after 1 s' "$left"
  ok 'with all that it started' is_gone "$work/pid"
}

unit_fails() {
  local status=0
  "$work/leaves" >"$work/out" 2>&1 || status=$?
  cat "$work/out"
  [[ $status != 0 ]]
}
said() { grep -qE "$1" "$work/out"; }
ok 'tests that leave something are built' cc -std=gnu11 -D_GNU_SOURCE -I"$here/../standin" \
  -o "$work/leaves" "$here/leaves.c" -lm
ok 'they fail' unit_fails
ok 'but the one that leaves nothing' said '^ok leaves::nothing'
ok 'one for its descriptor' said '^leaves descriptor [0-9]+ open: /dev/null'
ok 'one for its child' said '^leaves a child'
finish
