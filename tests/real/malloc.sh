#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# malloc.sh [PACKAGE...]: the allocators' own tests, from Debian's sources of glibc, jemalloc,
# mimalloc and google-perftools. Each must do under `thag run --memory` what it does without: the
# same status, the same output. Fetches 23 MB; what was fetched and built stays below the build, in
# real/. Prints "ok"/"not ok" lines and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${THAG_BUILD:-$here/../../build}" && pwd) || exit 1
real=$build/real
mkdir -p "$real/source" "$real/tmp"
work=$(mktemp -d "$real/tmp/malloc.XXXXXX")
export TMPDIR=$work THAG_SOCKET=$work/thagd.sock THAG_PROFILER=",$work"
unset LD_PRELOAD
passed=0 failed=0
# shellcheck source-path=SCRIPTDIR disable=SC1091
. "$here/sources.sh"
# shellcheck source-path=SCRIPTDIR disable=SC1091
. "$here/malloc_tests.sh"

cleanup() {
  [[ ! -S $THAG_SOCKET ]] || "$build/tools/thag" stop >/dev/null 2>&1
  rm -rf "$work"
}
trap cleanup EXIT

say() {
  echo "$1 $2"
  case $1 in
  ok) passed=$((passed + 1)) ;;
  *) failed=$((failed + 1)) ;;
  esac
}

# Without pids, times, addresses, tables of the allocator's own memory and what threads say in turn.
normalized() {
  sed -E 's/0x[0-9a-f]+/ADDRESS/g; s/[0-9]+(\.[0-9]+)?/N/g; /^(MALLOC|class|PageHeap| +Test)/d; s/ +/ /g'
}

# outcome COMMAND...: what it says, and its status.
outcome() {
  local status=0
  "$@" >"$work/said" 2>&1 </dev/null || status=$?
  normalized <"$work/said"
  echo "status $status"
}

# test_one NAME [VARIABLE=VALUE...] PROGRAM [ARGUMENT...]
test_one() {
  local name=$1 settings=() plain thag
  shift
  while [[ $1 == *=* ]]; do
    settings+=("$1")
    shift
  done
  plain=$(outcome env "${settings[@]}" "$@")
  thag=$(outcome env "${settings[@]}" "$build/tools/thag" run -q --memory -- "$@")
  if [[ $plain == "$thag" ]]; then
    say ok "$name: $(tail -n 1 <<<"$thag")"
  else
    say "not ok" "$name"
    diff <(echo "$plain") <(echo "$thag") | head -n 12 | sed 's/^/  /'
  fi
}

# Each test of a package, built once.
test_package() {
  local package=$1 made=$real/bin/$1 before=$((passed + failed))
  if ! fetch "$package" >"$work/log" 2>&1; then
    tail -n 3 "$work/log"
    say "not ok" "sources of $package"
    return
  fi
  if [[ ! -e $made/.built ]]; then
    mkdir -p "$made"
    "build_${package//-/_}" "$(unpacked "$package")" "$made" >"$made/build.log" 2>&1 &&
      touch "$made/.built"
  fi
  "test_${package//-/_}" "$made" "$(unpacked "$package")"
  ((passed + failed - before >= least[$package])) ||
    say "not ok" "only $((passed + failed - before)) tests of $package could be built"
}

# not by the first test, which may have a limit of its own
"$build/daemon/thagd" --daemonize >"$work/log" 2>&1 || {
  cat "$work/log"
  echo "not ok thagd starts"
  echo "0 passed, 1 failed"
  exit 1
}
(($# > 0)) || set -- glibc jemalloc mimalloc google-perftools
for package in "$@"; do
  [[ -v "least[$package]" ]] || {
    echo "malloc.sh: no tests of $package; there are those of ${!least[*]}"
    exit 2
  }
  test_package "$package"
done
echo "$passed passed, $failed failed"
((failed == 0))
