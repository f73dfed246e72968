# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the benchmarks share. The caller sets: the build, and where the control socket is to be.
: "${build:?}" "${THAG_SOCKET:?}"
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# start_thagd DIRECTORY: where profiles are saved. Sets thagd to its process; what it says of its page
# is in $THAG_SOCKET.says.
start_thagd() {
  "$build/daemon/thagd" --socket "$THAG_SOCKET" --port 0 --output-dir "$1" --log-level error \
    >"$THAG_SOCKET.says" &
  # shellcheck disable=SC2034 # for the caller
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
    --out "${work:?}/scripts" "../../bench/$1" -- "${@:2}"
}
