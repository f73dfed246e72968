#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# malloc.sh: glibc's own tests of malloc, those that can be built without glibc, from Debian's
# source. Each must do under `thag run --memory` what it does without: the same status, the same
# output. Fetches 19 MB; what was fetched and built stays below the build, in real/. Prints
# "ok"/"not ok" lines and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${THAG_BUILD:-$here/../../build}" && pwd) || exit 1
real=$build/real
made=$real/bin/glibc
mkdir -p "$real/source" "$made/headers/support" "$real/tmp"
work=$(mktemp -d "$real/tmp/malloc.XXXXXX")
export TMPDIR=$work THAG_SOCKET=$work/thagd.sock THAG_PROFILER=",$work"
unset LD_PRELOAD
passed=0 failed=0
# shellcheck source-path=SCRIPTDIR disable=SC1091
. "$here/sources.sh"

# Not among them: those that bring a malloc, and those that need glibc's own headers. One more isn't
# run: tst-malloc-thread-fail takes all but some of its address space away from itself, and the
# rings have 8 GiB of it by then.
least=29
flags=(-std=gnu11 -O1 -w -D_GNU_SOURCE -DTIMEOUTFACTOR=4 -fno-builtin -idirafter "$made/headers/support"
  -I"$made/headers")

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

# Its tests' own support library: as much of it as compiles.
build_support() {
  local source
  cp "$1"/include/{array_length,libc-diag}.h "$made/headers" || return 1
  cp "$1"/support/*.h "$1/support/test-driver.c" "$made/headers/support"
  for source in "$1"/support/*.c; do
    [[ $(basename "$source") =~ ^(tst-|links-dso|.*-container|test-run) ]] ||
      gcc "${flags[@]}" -c "$source" -o "$made/$(basename "$source" .c).o" 2>/dev/null
  done
  # where its own build lies, which isn't here
  echo 'const char support_srcdir_root[] = "/", support_objdir_root[] = "/";' |
    gcc -x c -c - -o "$made/support_paths.o" || return 1
  rm -f "$made/support.a"
  ar rcs "$made/support.a" "$made"/*.o
}

build_tests() {
  local source
  for source in "$1"/malloc/tst-*.c; do
    [[ $source == *tst-interpose-* ]] ||
      gcc "${flags[@]}" "$source" "$made/support.a" -o "$made/$(basename "$source" .c)" -pthread \
        -ldl 2>/dev/null
  done
}

# Without pids, times and addresses.
normalized() { sed -E 's/0x[0-9a-f]+/ADDRESS/g; s/[0-9]+/N/g'; }

# outcome COMMAND...: what it says, and its status.
outcome() {
  local status=0
  "$@" >"$work/said" 2>&1 </dev/null || status=$?
  normalized <"$work/said"
  echo "status $status"
}

test_one() {
  local program=$1 plain thag
  plain=$(outcome "$program")
  thag=$(outcome "$build/tools/thag" run -q --memory -- "$program")
  if [[ $plain == "$thag" ]]; then
    say ok "$(basename "$program"): $(tail -n 1 <<<"$thag")"
  else
    say "not ok" "$(basename "$program")"
    diff <(echo "$plain") <(echo "$thag") | head -n 12 | sed 's/^/  /'
  fi
}

if ! fetch glibc >"$work/log" 2>&1; then
  tail -n 3 "$work/log"
  say "not ok" "sources of glibc"
else
  sources=$(unpacked glibc)
  [[ -e $made/.built ]] || { build_support "$sources" && build_tests "$sources" && touch "$made/.built"; }
  for program in "$made"/tst-*; do
    [[ $program == *.o || $program == */tst-malloc-thread-fail ]] || test_one "$program"
  done
  ((passed + failed >= least)) || say "not ok" "only $((passed + failed)) tests could be built"
fi
echo "$passed passed, $failed failed"
((failed == 0))
