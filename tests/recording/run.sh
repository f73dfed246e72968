#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Recordings, with real programs: what is opened is what was live, whatever was killed meanwhile.
# THAG_BUILD names the build; KILLS (10) how often thagd is killed. Arguments: the parts to run, of
# whole and running. Ends with "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/recording/lib.sh disable=SC1091
. "$here/lib.sh"
parts=("$@")
((${#parts[@]})) || parts=(whole running)
for part in "${parts[@]}"; do
  # shellcheck disable=SC1090 # either of them
  . "$here/$part.sh"
done
finish
