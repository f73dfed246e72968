#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The rows of docs/reliability.md, for real: run.sh [GROUP]... Ends with "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# group NAME: a group of rows in a shell, with a folder and a thagd, of its own.
if [[ ${1:-} == group ]]; then
  # shellcheck source=tests/reliability/lib.sh
  . "$here/lib.sh"
  # shellcheck source=/dev/null
  . "$here/$2.sh"
  finish
  exit
fi

(($# > 0)) || set -- death ring process clock files limits web faults load
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0
if "$here/table.py"; then
  echo 'ok the table names each row and its tests'
  passed=1
else
  echo 'not ok the table names each row and its tests'
  failed=1
fi
for name in "$@"; do
  [[ -e $here/$name.sh ]] || continue
  "$here/run.sh" group "$name" | tee "$log"
  if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
  else
    echo "not ok $name ended early"
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
((failed == 0))
