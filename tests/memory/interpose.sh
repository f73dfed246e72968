# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The allocator's entry points in programs of all kinds: what is recorded, and that they do as they
# would without it.
: "${work:?}" "${socket:?}" "${out:?}" "${here:?}" "${THAG_BUILD:?}"
preload=$THAG_BUILD/libclient/libthag-preload.so
includes=(-I "$here/../../libclient/include" -I "$here/../../proto")
made=$work/interpose
mkdir -p "$made"

# profiled PROGRAM...: with the library preloaded; the profile is in $report.
profiled() {
  rm -f "$out"/*.json
  THAG_SOCKET=$socket LD_PRELOAD=$preload THAG_PROFILER=memory "$@" >"$made/said" 2>"$made/errors" ||
    return
  profile_saved
}

# Waits for the profile of the program that ended.
profile_saved() {
  local i
  for ((i = 0; i < 100; i++)); do
    report=$(find "$out" -name '*.json' | head -n 1)
    [[ -z $report ]] || return 0
    sleep 0.05
  done
  return 1
}

# says FIELD NUMBER
says() {
  local is
  is=$(awk -v field="\"$1\":" '$1 == field { print $2 + 0; exit }' \
    <(sed -n '/"memory": {/,$p' "$report"))
  [[ $is == "$2" ]] || {
    echo "$1 is $is, not $2" >&2
    return 1
  }
}

links_it() {
  cat >"$made/links.c" <<'END'
#include <stdlib.h>
#include "thag.h"
static void *volatile kept;
int main(void)
{
	THAG_ENABLE_PROFILING(memory);
	for (int i = 0; i < 10; i++)
		kept = malloc(100);
	free(kept);
	return 0;
}
END
  cc -DTHAG_TIME_PROFILING "${includes[@]}" -o "$made/links" "$made/links.c" \
    -L "$THAG_BUILD/libclient" -lthag -Wl,-rpath,"$THAG_BUILD/libclient"
}

by_itself() {
  rm -f "$out"/*.json
  THAG_SOCKET=$socket "$1" && profile_saved && says allocations 10 && says frees 1 && says leaked 9
}

linked() { links_it && by_itself "$made/links"; }

# By the preloaded copy, once each, not by both.
linked_and_preloaded() {
  profiled "$made/links" && says unmatched_frees 0 && says displaced 0 && says leaked 9
}

wrapped() {
  local flags
  flags=$(printf -- '-Wl,--wrap=%s ' malloc calloc realloc reallocarray free posix_memalign \
    aligned_alloc memalign valloc pvalloc)
  # shellcheck disable=SC2086 # several
  cc -static -DTHAG_TIME_PROFILING "${includes[@]}" $flags -o "$made/wrapped" "$made/links.c" \
    "$THAG_BUILD/libclient/libthag-wrap.a" "$THAG_BUILD/libclient/libthag.a" &&
    by_itself "$made/wrapped"
}

# Before and after main, in other libraries' constructors and destructors.
constructors() {
  cc -shared -fPIC -o "$made/libearly.so" -x c - <<'END'
#include <stdlib.h>
static void *volatile kept;
__attribute__((constructor)) static void begin(void) { kept = malloc(11); }
__attribute__((destructor)) static void end(void) { free(kept); }
END
  echo 'int main(void) { return 0; }' |
    cc -o "$made/early" -x c - -Wl,--no-as-needed -L "$made" -learly -Wl,-rpath,"$made" &&
    profiled "$made/early" && says allocations 1 && says frees 1 && says leaked 0
}

# A library before ours that has malloc: one that passes on what it is asked for is no hindrance.
passed_on() {
  cc -shared -fPIC -o "$made/libpasses.so" -x c - <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
void *malloc(size_t size)
{
	static void *(*next)(size_t);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "malloc");
	return next(size);
}
END
  rm -f "$out"/*.json
  THAG_SOCKET=$socket LD_PRELOAD=$made/libpasses.so:$preload THAG_PROFILER=memory "$made/links" &&
    profile_saved && says leaked 9 && ! grep -q "malloc of its own" "$report"
}

# What a program says, and how it ends; without what the shell says of that.
ends() {
  { "$@"; echo "status $?"; } 2>&1 | grep -v Aborted
}

unprofiled_is_the_same() {
  local with
  cc -O1 -fno-builtin -o "$made/odd" -x c - <<'END' || return
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
static void say(const char *what, int got) { printf("%s: %d, errno %d\n", what, got, errno); errno = 0; }
int main(void)
{
	void *block = (void *)1;
	struct rlimit limit = { 1 << 28, 1 << 28 };
	volatile size_t most = SIZE_MAX, half = SIZE_MAX / 2 + 2;

	say("malloc", malloc(most) != NULL);
	say("calloc", calloc(half, 2) != NULL);
	say("realloc", realloc(NULL, most) != NULL);
	say("reallocarray", reallocarray(NULL, half, 2) != NULL);
	say("posix_memalign 3", posix_memalign(&block, 3, 1));
	say("posix_memalign", posix_memalign(&block, 64, most));
	say("untouched", block == (void *)1);
	say("aligned_alloc", aligned_alloc(64, most) != NULL);
	say("memalign", memalign(64, most) != NULL);
	say("valloc", valloc(most) != NULL);
	say("pvalloc", pvalloc(most) != NULL);
	say("usable", (int)malloc_usable_size(NULL));
	block = malloc(0);
	say("malloc 0", block != NULL);
	say("realloc 0", realloc(block, 0) != NULL);
	block = malloc(24);
	say("usable of 24", (int)malloc_usable_size(block));
	setrlimit(RLIMIT_AS, &limit);
	say("no more", malloc((size_t)1 << 30) != NULL);
	say("realloc, no more", realloc(block, (size_t)1 << 30) != NULL);
	free(NULL);
	fflush(stdout);
	free(block);
	free(block); /* glibc ends the program */
	return 0;
}
END
  ends "$made/odd" >"$made/plain"
  for with in memory memory,,,true; do
    ends env "THAG_SOCKET=$socket" "LD_PRELOAD=$preload" "THAG_PROFILER=$with" "$made/odd" \
      >"$made/with"
    diff "$made/plain" "$made/with" >&2 || return
  done
}

children() {
  # shellcheck disable=SC2016 # for that shell
  local script='X=$(echo "$HOME"); (exec ls -d "$X"); echo "$X" | cat; ls nowhere; echo $?'
  bash -c "$script" >"$made/plain" 2>&1
  THAG_SOCKET=$socket LD_PRELOAD=$preload THAG_PROFILER=memory,,,true bash -c "$script" \
    >"$made/with" 2>&1
  diff "$made/plain" "$made/with" >&2 || return
  THAG_SOCKET=/nowhere LD_PRELOAD=$preload THAG_PROFILER=memory bash -c "$script" 2>&1 |
    grep -v "no thagd answers" >"$made/with"
  diff "$made/plain" "$made/with" >&2
}

bad_values() {
  local setting
  for setting in SIZE_TRACKING_THRESHOLD=-1 SIZE_TRACKING_THRESHOLD=1k THAG_SAMPLE_BYTES=x \
    THAG_SAMPLE_BYTES=99999999999999 THAG_MAPS=yes THAG_FREE_TRACES=2; do
    env "$setting" "THAG_SOCKET=$socket" "LD_PRELOAD=$preload" /bin/true 2>"$made/errors" || return
    cat "$made/errors" >&2
    grep -q "^thag: ${setting%%=*}: expected .*'${setting#*=}'; running unprofiled$" \
      "$made/errors" || return
    (($(wc -l <"$made/errors") == 1)) || return
  done
}

ok "start" start --output-dir "$out"
ok "a program that links libthag" linked
ok "the same, with libthag-preload before it" linked_and_preloaded
ok "a malloc before ours that passes on what it is asked for" passed_on
ok "a static program, wrapped" wrapped
ok "constructors and destructors of libraries" constructors
ok "what fails, fails as without us" unprofiled_is_the_same
ok "a shell and its children say the same" children
ok "bad values are refused in a line, and the program runs" bad_values
ok "stop" stop
