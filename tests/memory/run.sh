#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Memory profiling, with real programs and a real thagd: the parts are the files beside this one,
# named by the arguments, or all. THAG_BUILD names the build directory. Prints a line a test and
# "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
THAG_BUILD=$(cd "${THAG_BUILD:-$here/../../build}" && pwd) || exit 1
# shellcheck source=tests/daemon/lib.sh disable=SC1091
. "$here/../daemon/lib.sh"
# shellcheck disable=SC2034 # what the parts use
thag=$THAG_BUILD/tools/thag

parts=("$@")
if ((${#parts[@]} == 0)); then
  for file in "$here"/*.sh; do
    file=${file##*/}
    [[ $file == run.sh ]] || parts+=("${file%.sh}")
  done
fi
for part in "${parts[@]}"; do
  # shellcheck source=/dev/null
  . "$here/$part.sh"
done
finish
