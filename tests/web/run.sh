#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests of the page: its parts by node, the whole of it in headless Chromium beside a real thagd.
# THAG_BUILD names the build directory. Arguments: the tests to run, by default all. Prints what
# node prints, and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
THAG_BUILD=$(cd "${THAG_BUILD:-$source/build}" && pwd) || exit 1
export THAG_BUILD
unset THAG_SOCKET THAG_PROFILER XDG_RUNTIME_DIR

# The programs that only these tests need.
build_programs() {
  mkdir -p "$THAG_BUILD/tests/web" || return
  local name
  for name in bushy hostile lines phases sleeper versions; do
    "${CC:-cc}" -O1 -DTHAG_TIME_PROFILING -I"$source/libclient/include" -I"$source/proto" \
      -o "$THAG_BUILD/tests/web/$name" "$here/$name.c" "$THAG_BUILD/libclient/libthag.a" \
      -pthread || return
  done
  # without debug information functions go by their names in the symbol table
  "${CC:-cc}" -g -O0 -D_GNU_SOURCE -o "$THAG_BUILD/tests/web/keeper" "$here/keeper.c" &&
    "${CC:-cc}" -g0 -O0 -D_GNU_SOURCE -o "$THAG_BUILD/tests/web/keeper-bare" "$here/keeper.c"
}

# sum WORD FILE: of the numbers in node's lines "# WORD N".
sum() {
  awk -v word="$1" '$1 == "#" && $2 == word { sum += $3 } END { print sum + 0 }' "$2"
}

tests=("${@:-}")
if [[ -z ${tests[0]} ]]; then
  cd "$here" && tests=(*.test.ts)
fi
build_programs || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
node "$here/run.mjs" --proto "$THAG_BUILD/proto/proto.ts" --out "$THAG_BUILD/tests/web" \
  "${tests[@]}" 2>&1 | tee "$log"
failed=$(($(sum fail "$log") + $(sum cancelled "$log")))
passed=$(sum pass "$log")
((passed > 0)) || failed=1
echo "$passed passed, $failed failed"
((failed == 0))
