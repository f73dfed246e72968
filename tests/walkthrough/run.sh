#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# docs/walkthrough.md, command by command; with --write, its outputs are made anew. THAG_BUILD names
# the build (build/), which stands in for an installed thag.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

build=${THAG_BUILD:-$PWD/build}
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-walk.XXXXXX")
export PATH=$build/tools:$build/tools/instrument:$build/daemon:$PATH
export CPATH=$PWD/libclient/include:$PWD/proto LIBRARY_PATH=$build/libclient
export LD_LIBRARY_PATH=$build/libclient THAG_SOCKET=$work/.thagd.sock HOME=$work
export LC_ALL=C.UTF-8 TERM=dumb
unset THAG_PROFILER THAG_RUN XDG_RUNTIME_DIR

clean_up() {
  thag stop >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
script=$PWD/tests/walkthrough/walkthrough.py document=$PWD/docs/walkthrough.md
sources=("$PWD"/examples/{walkthrough/collatz,sections/sections,tasks/coroutines}.c)

# In a directory with the sources and nothing else.
walk() {
  rm -rf "$work/collatz"
  mkdir "$work/collatz"
  cp "${sources[@]}" "$work/collatz"
  (cd "$work/collatz" && python3 "$script" "$@" "$document")
}

# Which of two functions took longer may be another one where much else runs: once more, then.
if ! walk "$@" >"$work/first"; then
  thag stop >/dev/null 2>&1
  # numbers of sessions go on where a thagd was
  THAG_SOCKET=$work/.again.sock
  walk "$@"
else
  cat "$work/first"
fi
