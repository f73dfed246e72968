#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# memory.sh [RUNS]: what profiling memory costs a malloc + free pair (see bench_heap.c), and whole
# programs, by `thag run --memory` and, where it is installed, by heaptrack: as it is called, and with
# --raw, which leaves all names for later. Wall time, in turn, medians of RUNS (5), and what they add.
set -euo pipefail
# shellcheck source=bench/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
unset DEBUGINFOD_URLS
export THAG_PROFILER=,$work/saved
runs=${1:-5}

# --- the programs: each reads what lies in $work, and says something ---

# Two hundred functions.
make_source() {
  awk 'BEGIN {
    print "struct node { struct node *next; int key; double value[4]; };"
    print "extern int puts(const char *); extern void *malloc(unsigned long);"
    for (n = 0; n < 200; n++) {
      printf "static struct node *find%d(struct node *list, int key)\n{\n", n
      printf "\tfor (; list; list = list->next)\n\t\tswitch (list->key %% %d) {\n", 5 + n % 7
      for (c = 0; c < 5; c++)
        printf "\t\tcase %d: list->value[%d] += key * %d.5; break;\n", c, c % 4, n + c
      printf "\t\tdefault: if (list->key == key) return list;\n\t\t}\n\treturn 0;\n}\n"
      printf "int work%d(struct node *a, int b)\n{\n\tstruct node *n = find%d(a, b * %d);\n", n, n, n
      printf "\tif (!n) { n = malloc(sizeof *n); n->next = a; puts(\"new %d\"); }\n", n
      printf "\treturn n->key + %s;\n}\n", n ? "work" (n - 1) "(n, b - 1)" : "0"
    }
  }' >"$work/source.c"
}

make_statements() {
  local i
  for i in 1 2 3 4 5 6; do
    echo "DROP VIEW IF EXISTS cheap; DROP TABLE IF EXISTS item; DROP TABLE IF EXISTS log;"
    awk -f "$bench/../tests/real/statements.awk"
  done >"$work/statements.sql"
}

make_script() {
  cat >"$work/script.py" <<'END'
import collections, json, re
text = " ".join("word%d of the %s" % (i % 977, "text" * (i % 5)) for i in range(60000))
words = collections.Counter(re.findall(r"\w+", text))
tree = {w: {"count": n, "places": list(range(n % 50)), "name": w * 3} for w, n in words.items()}
for _ in range(60):
    tree = json.loads(json.dumps(tree, indent=1))
print(len(text), words.most_common(2), len(json.dumps(tree)))
END
}

run_cc1() { "$@" "$(gcc -print-prog-name=cc1)" -quiet -O1 "$work/source.c" -o "$work/source.s"; }
run_gcc() { "$@" gcc -O1 -c "$work/source.c" -o "$work/source.o"; }
run_python() { "$@" /usr/bin/python3 "$work/script.py"; }
run_malloc() { PYTHONMALLOC=malloc "$@" /usr/bin/python3 "$work/script.py"; }
run_sqlite() { "$@" sqlite3 :memory: <"$work/statements.sql"; }

# --- the ways ---

plain() { "$@"; }
thag() { "$build/tools/thag" run -q --memory -- "$@"; }
thag_allocations() { "$build/tools/thag" run -q --memory --no-free-traces -- "$@"; }
# Without the command: the program's own end, not that of the profile's way to the disk.
thag_program() {
  THAG_PROFILER="memory,$work/saved,,true" LD_PRELOAD=$build/libclient/libthag-preload.so "$@"
}
heaptrack_named() { heaptrack --output "$work/heaptrack" "$@"; }
heaptrack_raw() { heaptrack --raw --output "$work/heaptrack" "$@"; }

# timed PROGRAM WAY: "wall processor" in milliseconds; thagd's own is not in it.
timed() {
  local TIMEFORMAT='%R %U %S'
  { time "run_$1" "$2" >"$work/said" 2>"$work/errors" || true; } 2>&1 |
    awk '{ printf "%.0f %.0f\n", $1 * 1000, ($2 + $3) * 1000 }' >>"$work/$1.$2"
  rm -rf "$work"/heaptrack*
}

ways=(plain thag thag_allocations thag_program)
! command -v heaptrack >/dev/null || ways+=(heaptrack_named heaptrack_raw)

# of PROGRAM WAY COLUMN: its median; 0 where it wasn't run.
of() {
  [[ -e $work/$1.$2 ]] || { echo 0; return; }
  cut -d ' ' -f "$3" "$work/$1.$2" | median
}

# share PROGRAM WAY PEER COLUMN: what a way adds as a part of what the peer adds, of each turn by
# itself, as the machine is slower in some than in others; their median.
share() {
  if [[ $2 == plain || ! -e $work/$1.$3 ]]; then
    echo -
  else
    paste -d ' ' "$work/$1.plain" "$work/$1.$2" "$work/$1.$3" |
      awk -v at="$4" '$(at + 4) > $at { printf "%.2f\n", ($(at + 2) - $at) / ($(at + 4) - $at) }' | median
  fi
}

# A way's times: as they are, as a ratio to plain, and what is added, as a part of what heaptrack
# adds as it is called, and of what it adds with --raw.
show() {
  local ms cpu
  ms=$(of "$1" "$2" 1) cpu=$(of "$1" "$2" 2)
  printf '  %-17s %6d ms  x %5.2f  adds %5s of heaptrack, %5s of raw;  processor %6d ms  x %5.2f  adds %5s, %5s\n' \
    "$2" "$ms" "$(awk -v a="$ms" -v b="$(of "$1" plain 1)" 'BEGIN { print a / b }')" \
    "$(share "$1" "$2" heaptrack_named 1)" "$(share "$1" "$2" heaptrack_raw 1)" \
    "$cpu" "$(awk -v a="$cpu" -v b="$(of "$1" plain 2)" 'BEGIN { print a / b }')" \
    "$(share "$1" "$2" heaptrack_named 2)" "$(share "$1" "$2" heaptrack_raw 2)"
}

program() {
  local name=$1 way i
  for ((i = 0; i < runs; i++)); do
    for way in "${ways[@]}"; do
      timed "$name" "$way"
    done
  done
  echo "$2"
  for way in "${ways[@]}"; do
    show "$name" "$way"
  done
}

programs() {
  make_source
  make_statements
  make_script
  echo "Wall time of whole programs, and what they have of processors; medians of $runs:"
  program cc1 "cc1, 200 functions"
  program gcc "gcc -c, the same (heaptrack records the driver alone)"
  program python "python3: words and JSON"
  program malloc "the same, PYTHONMALLOC=malloc"
  program sqlite "sqlite3, 6,000 statements"
}

# pair MODE TEXT VARIABLE=VALUE...: by bench_heap; its runs, and the median of each column.
pair() {
  local i
  for ((i = 0; i < runs; i++)); do
    env "${@:3}" "$build/bench/bench_heap" "$1"
  done >"$work/lines"
  printf '%-52s %7.2f ns, adds %7.2f to the %.2f of glibc\n' "$2" \
    "$(awk '{ print $3 }' "$work/lines" | median)" "$(awk '{ print $5 }' "$work/lines" | median)" \
    "$(awk '{ print $4 }' "$work/lines" | median)"
}

pairs() {
  local heaptrack=/usr/lib/heaptrack/libheaptrack_preload.so
  echo "A malloc + free pair, processor time, in slices that a ring has room for, medians of $runs:"
  pair off "libthag linked, profiling off"
  pair flat "recorded live" THAG_PROFILER=memory
  pair held "the same, a thousand blocks are live" THAG_PROFILER=memory
  pair two "the first in 2 threads" THAG_PROFILER=memory
  pair deep "10 deep, 64 stacks: without stacks" THAG_PROFILER=memory
  pair deep "with stacks of allocations" THAG_PROFILER=memory,,,true THAG_FREE_TRACES=0
  pair deep "with stacks of frees, too" THAG_PROFILER=memory,,,true
  [[ ! -e $heaptrack ]] || pair Deep "the same by heaptrack: stacks of allocations" \
    "LD_PRELOAD=$heaptrack" DUMP_HEAPTRACK_OUTPUT=/dev/null
  echo
}

stacks() {
  echo "Taking a native stack, over the calls that lead there:"
  "$build/bench/bench_trace"
  echo
}

mkdir "$work/saved"
start_thagd "$work/saved"
pairs
stacks
programs
