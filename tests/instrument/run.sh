#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag instrument and thag remove: what the commands do (commands.sh), and what must hold for any
# source (mutate.py makes them). Arguments, if any, are the tests to run. Prints "ok"/"not ok" lines
# and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "${THAG_BUILD:-$top/build}" && pwd) || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-instrument.XXXXXX")
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
# shellcheck source=tests/support/each.sh disable=SC1091
. "$top/tests/support/each.sh"
# shellcheck disable=SC2034 # for the tests
flags=(-D_GNU_SOURCE '-DTHAG_VERSION="0"' '-DTHAG_LIBDIR="l"' '-DTHAG_FULL_LIBDIR="l"'
  "-I$top/libclient/include" "-I$top/proto" "-I$top/core" "-I$top/tools" "-I$top/tools/instrument"
  "-I$top/tests/unit")

thag() { "$build/tools/thag" "$@"; }

fail() {
  echo "  $*"
  exit 1
}

# expect STATUS COMMAND...: with stdout in the file out and stderr in err.
expect() {
  local expected=$1 status=0
  shift
  "$@" >out 2>err || status=$?
  ((status == expected)) || {
    sed 's/^/  err: /' err
    fail "$* ended with $status, not $expected"
  }
}

says() { grep -qF -- "$2" "$1" || fail "$1 doesn't say '$2': $(head -n 5 "$1")"; }

same() { cmp "$1" "$2" || fail "$(diff "$1" "$2" | head -n 20)"; }

run_test() {
  local name=$1 status=0
  mkdir "$work/$name"
  (cd "$work/$name" && "$name") >"$work/$name.log" 2>&1 </dev/null || status=$?
  tell "${name#test_}$(sed -n 's/^REMARK/:/p' "$work/$name.log")" "$status" "$work/$name.log"
}

for file in functions commands properties; do
  # shellcheck source-path=SCRIPTDIR disable=SC1090
  . "$here/$file.sh"
done
run_each "$@"
