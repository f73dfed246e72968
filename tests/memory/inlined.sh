# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Functions that were inlined have frames of their own, and a leak is in the program's own source.
: "${work:?}" "${socket:?}" "${out:?}" "${thag:?}"

# What is inlined comes from a header that is none of the program's own, as the compiler is told.
inlined_build() (
  mkdir -p "$work/inlined" && cd "$work/inlined" || return 1
  cat >program.c <<'END'
#include <stdlib.h>
static void *volatile kept;
# 40 "/usr/include/pool.h"
static inline __attribute__((always_inline)) void *pool_get(size_t size)
{
	return malloc(size);
}
# 8 "program.c"
static inline __attribute__((always_inline)) void *get_row(void)
{
	return pool_get(1000);
}
static __attribute__((noinline)) void fill(void)
{
	for (int i = 0; i < 10; i++)
		kept = get_row();
}
int main(void)
{
	fill();
	return 0;
}
END
  "${CC:-gcc}" -g -O2 -o program program.c
)

inlined_run() {
  rm -f "$out"/*
  THAG_PROFILER=",$out" THAG_SOCKET=$socket "$thag" run -q --memory -- "$work/inlined/program"
}

has_frames() { grep -E 'main;fill;get_row;pool_get 10000$' "$out"/*-memory_detail.folded; }

# The line of get_row that calls, not that of the header; its stack has all of them.
has_leak() {
  python3 - "$out"/*.json <<'END'
import json, sys
leak, = [leak for leak in json.load(open(sys.argv[1]))["memory"]["leaks"]
         if leak["live_bytes"] == 10000]
assert (leak["function"], leak["line"], leak["live"]) == ("get_row", 10, 10), leak
assert leak["file"].endswith("/program.c"), leak
names = [(frame["function"], frame["line"]) for frame in leak["stack"]]
assert names[:4] == [("pool_get", 42), ("get_row", 10), ("fill", 15), ("main", 19)], names
END
}

start
ok 'a program with inlined functions is built' inlined_build
ok 'it runs' inlined_run
ok 'each inlined function is a frame' has_frames
ok 'a leak is in own source, with all lines of its stack' has_leak
ok 'stop' stop
