# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the benchmarks share. The caller sets: the build, and where the control socket is to be.
: "${build:?}" "${THAG_SOCKET:?}"

# start_thagd DIRECTORY: where profiles are saved. Sets thagd to its process.
start_thagd() {
  "$build/daemon/thagd" --socket "$THAG_SOCKET" --port 0 --output-dir "$1" --log-level error \
    >/dev/null &
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
