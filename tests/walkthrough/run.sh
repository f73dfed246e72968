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
mkdir "$work/collatz"
cp examples/{walkthrough/collatz,sections/sections,tasks/coroutines}.c "$work/collatz"
script=$PWD/tests/walkthrough/walkthrough.py document=$PWD/docs/walkthrough.md
cd "$work/collatz" || exit
python3 "$script" "$@" "$document"
