#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Names of functions by their addresses: `thag symbols` against other readers of the same files,
# and thagd with programs whose files are right, gone, changed, stripped and broken.
# THAG_BUILD names the build directory. Prints a line a test and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
THAG_BUILD=$(cd "${THAG_BUILD:-$here/../../build}" && pwd) || exit 1
# shellcheck source=tests/daemon/lib.sh disable=SC1091
. "$here/../daemon/lib.sh"
# shellcheck disable=SC2034 # what the parts use
thag=$THAG_BUILD/tools/thag play_functions=$THAG_BUILD/tests/fake_functions
unset THAG_DEBUG_DIRS DEBUGINFOD_URLS
# shellcheck disable=SC2154 # set by lib.sh
export XDG_CACHE_HOME=$work/cache
mkdir "$work/cache" "$work/bin"

for part in "${@:-build reader dwarf debug_files daemon broken}"; do
  for name in $part; do
    # shellcheck source=/dev/null
    . "$here/$name.sh"
  done
done
finish
