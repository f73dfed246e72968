#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests of thagd from outside: a real daemon, real sockets, programs that behave and that don't.
# THAG_BUILD names the build directory. Prints a line a test and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
THAG_BUILD=$(cd "${THAG_BUILD:-$here/../../build}" && pwd) || exit 1
# shellcheck source=tests/daemon/lib.sh
. "$here/lib.sh"

for part in "${@:-options sessions await modes hostile memory restart confine service notes web upload}"; do
  for name in $part; do
    # shellcheck source=/dev/null
    . "$here/$name.sh"
  done
done
finish
