# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the benchmarks share, sourced before all else: this folder, $bench; the $build that is measured;
# a folder $work of this run, which goes when it ends, and with it a thagd of start_thagd's.
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # for the caller
build=$(cd "${THAG_BUILD:-$bench/../build}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-bench.XXXXXX")
export THAG_SOCKET=$work/thagd.sock
unset THAG_PROFILER THAG_ON_FULL LD_PRELOAD
thagd=

cleanup() {
  [[ -z $thagd ]] || { kill "$thagd" && wait "$thagd"; } 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

# start_thagd DIRECTORY: where profiles are saved. Sets thagd to its process; what it says of its page
# is in $THAG_SOCKET.says.
start_thagd() {
  "$build/daemon/thagd" --socket "$THAG_SOCKET" --port 0 --output-dir "$1" --log-level error \
    >"$THAG_SOCKET.says" &
  thagd=$!
  for _ in {1..100}; do
    [[ -S $THAG_SOCKET ]] && return
    sleep 0.05
  done
  echo "thagd doesn't start" >&2
  exit 1
}

# The median of the numbers on standard input.
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# record FILE COMMAND...: runs it, and records its events there, none lost.
record() { env THAG_ON_FULL=wait "$build/tools/thag" run -q -o "$1" -- "${@:2}" >/dev/null; }

# script NAME [ARGUMENT...]: runs a program in TypeScript that lies in bench/. What is compiled for
# that goes to $work, the caller's.
script() {
  env -u THAG_SOCKET THAG_BUILD="$build" node "$bench/../tests/web/run.mjs" --script --proto "$build/proto/proto.ts" \
    --out "$work/scripts" "../../bench/$1" -- "${@:2}"
}
