#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# svg.sh [BYTES]: how long folded files of that size (100 MB) take to become pictures, and how much
# memory, beside reading them and counting their lines. INFERNO and FLAMEGRAPH name, if they are there,
# the inferno-flamegraph and the flamegraph.pl to compare with.
set -euo pipefail
# shellcheck source=bench/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
bytes=${1:-100000000}
runs=5

# measure NAME COMMAND...: medians of seconds and of peak MB, and the size of what it wrote.
measure() {
  local i
  : >"$work/times"
  for ((i = 0; i < runs; i++)); do
    python3 - "${@:2}" >>"$work/times" <<'END'
import os, subprocess, sys, time
start = time.monotonic()
with open(os.environ["OUT"], "wb") as out:
    child = subprocess.Popen(sys.argv[1:], stdout=out, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
if status:
    sys.exit(f"{sys.argv[1]} failed")
print(time.monotonic() - start, usage.ru_maxrss / 1000, usage.ru_utime + usage.ru_stime)
END
  done
  printf '  %-24s %6.2f s %6.2f s of processor %6.0f MB\n' "$1" "$(cut -d ' ' -f 1 "$work/times" | median)" \
    "$(cut -d ' ' -f 3 "$work/times" | median)" "$(cut -d ' ' -f 2 "$work/times" | median)"
}

export OUT=$work/out
for kind in many deep few; do
  file=$work/$kind.folded
  python3 "$bench/stacks.py" "$kind" "$bytes" >"$file"
  echo "$kind: $(wc -l <"$file") lines, $(sed 's/ [0-9]*$//' "$file" | LC_ALL=C sort -u | wc -l) stacks"
  measure 'wc -l (floor)' wc -l "$file"
  measure 'thag svg' "$build/tools/thag" svg "$file"
  measure 'thag svg -t flamechart' "$build/tools/thag" svg -t flamechart "$file"
  if [[ -n ${INFERNO:-} ]]; then
    measure inferno "$INFERNO" "$file"
    measure 'inferno --flamechart' "$INFERNO" --flamechart "$file"
  fi
  [[ -z ${FLAMEGRAPH:-} ]] || runs=1 measure flamegraph.pl perl "$FLAMEGRAPH" "$file"
  rm "$file"
done
