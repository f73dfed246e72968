# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag run --memory: programs that know nothing of thag, and those it can't profile.
: "${work:?}" "${socket:?}" "${out:?}" "${thag:?}" "${here:?}"
programs=$work/programs
mkdir -p "$programs"

# program NAME COMPILER FLAG...: from C on standard input.
program() {
  local name=$1
  shift
  "$@" -x c -o "$programs/$name" - 2>"$programs/$name.log"
}

# refuses REASON COMMAND...: status 126, one line, and the program isn't run.
refuses() { fails_with 126 "thag run: '$2' $1" "$thag" run --memory -- "${@:2}" </dev/null; }

bad_usage() { fails_with 125 "$1" "$thag" run "${@:2}"; }

# The loader leaves programs alone that get somebody else's rights.
setuid_program() {
  if ((EUID == 0)); then
    cp /bin/true "$programs/setuid" && chown 65534 "$programs/setuid" && chmod 4755 "$programs/setuid"
    echo "$programs/setuid"
  else
    command -v passwd
  fi
}

other_machine() {
  printf ".globl _start\n_start: mov \$1, %%eax\nxor %%ebx, %%ebx\nint \$0x80\n" |
    as --32 -o "$programs/small.o" - &&
    ld -m elf_i386 -pie -dynamic-linker /lib/ld-linux.so.2 -o "$programs/small" "$programs/small.o"
}

hello='#include <stdio.h>
#include <stdlib.h>
int main(void) { free(malloc(7)); puts("hello"); return 3; }'

own_malloc='#include <stddef.h>
static char heap[1 << 20];
static size_t used;
void *malloc(size_t size) { size_t at = used; used += (size + 15) & ~(size_t)15; return heap + at; }
void free(void *block) { (void)block; }
void *calloc(size_t n, size_t size) { return malloc(n * size); }
void *realloc(void *old, size_t size) { (void)old; return malloc(size); }
int main(void) { return malloc(7) == NULL; }'

test_refusals() {
  local compiler kind
  program static cc -static <<<"$hello" &&
    ok "refused: a static program" refuses "is linked statically" "$programs/static"
  ok "refused: a setuid program" refuses "runs with other rights" "$(setuid_program)"
  [[ $(uname -m) != x86_64 ]] || {
    other_machine
    ok "refused: a 32-bit program" refuses "is for another kind of machine" "$programs/small"
  }
  program own_malloc cc <<<"$own_malloc" &&
    ok "refused: a program with a malloc of its own" refuses "has a malloc of its own" \
      "$programs/own_malloc"
  printf '#!%s\n' "$programs/static" >"$programs/script"
  chmod +x "$programs/script"
  ok "refused: a script, when its interpreter is" refuses "is linked statically" "$programs/script"
  for compiler in gcc clang; do
    for kind in address:Address thread:Thread leak:Leak memory:Memory; do
      program "$compiler-${kind%:*}" "$compiler" -g "-fsanitize=${kind%:*}" <<<"$hello" || continue
      ok "refused: ${kind#*:}Sanitizer, $compiler" refuses "is built with ${kind#*:}Sanitizer" \
        "$programs/$compiler-${kind%:*}"
    done
  done
}

# Not refused, where it is something that is run that has it.
own_malloc_is_said() {
  "$thag" run -q --memory -- sh -c "$programs/own_malloc" && list | python3 -c '
import json, sys
sessions = json.load(sys.stdin)["sessions"]
for session in sessions[-3:]:
    print(session["program"], session["modes"], session["message"], session["memory"] and session["memory"]["notes"])
memory = [s for s in sessions if s["program"] == "own_malloc"][-1]["memory"]
sys.exit("a malloc of its own" not in memory["notes"][0])'
}

says_nothing_of_malloc() {
  "$thag" run --memory -- "$programs/takes_address" 2>&1 | tee "$work/said.err"
  grep -q 'leaked 10 bytes in 1 block' "$work/said.err" && ! grep -q 'of its own' "$work/said.err"
}

# The sum and what is to be known beside it are said at the end.
says_sum() {
  "$thag" run --memory --sample-bytes 1K -- "$programs/hello" 2>"$work/said.err"
  cat "$work/said.err"
  grep -qE '^thag: memory: peak .*, leaked .* in [0-9]+ blocks?, [0-9]+ allocations?$' \
    "$work/said.err"
}

test_usage() {
  ok "usage: no program" bad_usage 'a program is missing' --memory
  ok "usage: --sample-bytes without a value" bad_usage "needs a value" --memory --sample-bytes
  local bytes
  for bytes in 0 -1 12x 1KK K 99999999999999999999 99999999999G ''; do
    ok "usage: --sample-bytes '$bytes'" bad_usage "is no number of bytes" \
      --memory --sample-bytes "$bytes" true
  done
  ok "usage: --maps alone" bad_usage "'--maps' needs --memory" --maps true
  ok "usage: --no-free-traces alone" bad_usage "needs --memory" --no-free-traces true
  ok "usage: --sample-bytes alone" bad_usage "needs --memory" --sample-bytes 512K true
  ok "no such program" fails_with 127 "can't run 'no-such-program'" \
    "$thag" run --memory no-such-program
}

# --- programs that do what they do without ---

# same COMMAND...: its output, its errors and its status are the same as without.
same() {
  local plain=0 status=0
  (cd "$out" && "$@") >"$work/plain.out" 2>"$work/plain.err" </dev/null || plain=$?
  (cd "$out" && "$thag" run -q --memory -- "$@") >"$work/thag.out" 2>"$work/thag.err" </dev/null ||
    status=$?
  ((status == plain)) || {
    echo "status $status, not $plain"
    cat "$work/thag.err"
    return 1
  }
  diff "$work/plain.out" "$work/thag.out" && diff "$work/plain.err" "$work/thag.err"
}

# recorded PROGRAM COUNT: that many sessions of it have ended, whole, each with events.
recorded() {
  list | python3 -c '
import json, sys
sessions = [s for s in json.load(sys.stdin)["sessions"] if s["program"] == sys.argv[1]]
print([(s["state"], s["events"], s["lost"]) for s in sessions])
good = [s for s in sessions if s["events"] and not s["lost"] and s["state"] in ("ended", "crashed")]
sys.exit(len(good) != int(sys.argv[2]))' "$@"
}

test_programs() {
  local python=/usr/bin/python3
  ok "python3" same "$python" -c 'x = [str(i) for i in range(100000)]; print(len(x), hash(1.5))'
  ok "python3, each object by malloc" same env PYTHONMALLOC=malloc "$python" -c '
import json
print(json.dumps({str(i): list(range(i % 10)) for i in range(2000)})[:200])'
  ok "python3: threads" same "$python" -c '
import threading
done = []
threads = [threading.Thread(target=lambda n: done.append(len(str(7 ** n))), args=(n,)) for n in range(50)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sum(done))'
  ok "python3: forks, and children that don't exec" same "$python" -c '
import os
for n in range(60):
    pid = os.fork()
    if pid == 0:
        os._exit(len([str(i) for i in range(n)]))
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))'
  ok "python3: all descriptors closed" same "$python" -c '
import os
os.closerange(3, 4096)
print(sorted(set(range(3, 4096)) & {int(n) for n in os.listdir("/proc/self/fd")})[:1])
print(len([bytearray(i) for i in range(3000)]))'
  ok "sqlite3" same sqlite3 :memory: 'create table t(a, b); insert into t select value, hex(value)
    from generate_series(1, 20000); create index i on t(b); select count(distinct b), max(b) from t;'
  ok "gcc -c" same gcc -O1 -w -c "$here/bad_input.c" -o "$work/object.o"
  cp "$work/object.o" "$work/thag.o"
  gcc -O1 -w -c "$here/bad_input.c" -o "$work/object.o"
  ok "gcc -c: the same object" cmp "$work/object.o" "$work/thag.o"
  ok "gcc -c: the compiler and the assembler are in the list" recorded cc1 1
  ok "g++, from the source to the program" same g++ -std=c++17 -O0 "$here/churn.cpp" \
    -o "$work/churn" -pthread
  ok "a pipeline" same sh -c 'seq 1 20000 | sort -R --random-source=/bin/sh | sort -n | tail -n 3; exit 5'
  ok "a pipeline: each process of it whole" recorded sort 2
  # shellcheck disable=SC2016 # for sh
  ok "a hundred processes" same sh -c 'i=0; while [ $i -lt 100 ]; do i=$((i + 1)); /bin/echo $i; done'
  # shellcheck disable=SC2016 # for perl
  ok "perl: exec, again and again" same perl -e '$n = shift // 0;
    print "$n\n"; $| = 1; exec $^X, "-e", q{$n = shift; print "$n\n"}, $n + 1'
  # shellcheck disable=SC2016 # for sh
  ok "a program killed by a signal" same sh -c 'kill -SEGV $$'
  ok "a script" same "$programs/hello-script" a b
  ok "an empty environment" same env -i /bin/echo nothing
}

# The environment has what it had, but for what brings us.
sees_environment() {
  local -x LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libm.so.6 ASAN_OPTIONS=detect_leaks=0
  local -x THAG_PROFILER=",$out,quiet" TMPDIR=$work # where logs go
  "$thag" run -q --memory --sample-bytes 512K --no-free-traces --maps -- \
    env >"$work/environment" || return 1
  cat "$work/environment"
  grep -qxE "LD_PRELOAD=/.*/libthag-preload.so:$LD_PRELOAD" "$work/environment" &&
    grep -qx "THAG_PROFILER=memory,$out,quiet,true" "$work/environment" &&
    grep -qx 'THAG_SAMPLE_BYTES=524288' "$work/environment" &&
    grep -qx 'THAG_FREE_TRACES=0' "$work/environment" && grep -qx 'THAG_MAPS=1' "$work/environment" &&
    grep -qx 'ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0' "$work/environment"
}

profiler_is() {
  local wanted=$1
  shift
  [[ $("$thag" run -q --memory "$@" printenv THAG_PROFILER 2>/dev/null) == "$wanted" ]]
}

# linked_in FLAG...: libthag is in the program itself, which its file tells, stripped or not.
linked_in() {
  cc -DTHAG_TIME_PROFILING -I "$here/../../libclient/include" -I "$here/../../proto" "$@" \
    -o "$programs/linked_in" -x c - -x none "$THAG_BUILD/libclient/libthag.a" <<'END' &&
#include <stdio.h>
#include <stdlib.h>
#include <thag.h>
int main(void)
{
	THAG_ENABLE_PROFILING(time);
	return puts(getenv("THAG_PROFILER")) < 0;
}
END
    [[ $("$thag" run -q --memory -- "$programs/linked_in") == both,,,true ]]
}

test_environment() {
  program hello cc <<<"$hello"
  ok "the end: peak, leaks and allocations are said" says_sum
  program takes_address cc -no-pie -fno-pie <<<'#include <stdlib.h>
void *(*volatile function)(size_t) = malloc;
int main(void) { return function(10) == NULL; }'
  ok "the address of malloc is no malloc of its own" says_nothing_of_malloc
  ok "a malloc of its own, of something that is run: said" own_malloc_is_said
  ok "environment: kept, and what is asked for added" sees_environment
  ok "environment: memory in detail" profiler_is memory,,,true --
  ok "environment: time as well with --functions" profiler_is both,,,true -F --
  THAG_PROFILER='time' ok "environment: time as well where that was asked for" \
    profiler_is both,,,true --
  ok "environment: time as well where libthag is linked in" linked_in -g
  ok "environment: the same, stripped" linked_in -s -ffunction-sections -Wl,--gc-sections
  THAG_PROFILER=both,,,false ok "environment: no detail where it was refused" \
    profiler_is both,,,false --
}

# --- bad input ---

test_bad_input() {
  local mistake
  cc -std=gnu11 -D_GNU_SOURCE -O0 -w -o "$programs/bad_input" "$here/bad_input.c" || return
  for mistake in double stack odd realloc wild none; do
    ok "a mistake, $mistake: ends as it does without" same "$programs/bad_input" "$mistake"
  done
  ok "requests that can't be met" same "$programs/bad_input" too-much
  ok "memory that is used up" same "$programs/bad_input" use-all
}

# --- programs of sanitizers, as children ---

faulty='#include <stdlib.h>
#include <stdio.h>
int main(int argc, char **argv) { char *volatile a = malloc(10 + argc); printf("%d\n", argc);
  if (argc > 1) { free(a); a[1]++; return 4; } a = malloc(30); free(a); a = NULL; return 3; }'

# Reports without what is another in each run, and without the frame that stands before malloc.
normalized() {
  sed -E '/libclient\/src\/heap_|libthag-preload/d; s/==[0-9]+==/==PID==/; s/\(pid=[0-9]+\)/(pid)/
    s/0x[0-9a-f]+/ADDRESS/g; s/#[0-9]+/#/'
}

same_reports() {
  # shellcheck disable=SC2016 # for sh
  local both='"$0"; echo "status $?"; "$0" x; echo "status $?"'
  sh -c "$both" "$1" 2>&1 | normalized >"$work/plain.out"
  "$thag" run -q --memory -- sh -c "$both" "$1" 2>&1 | normalized >"$work/thag.out"
  diff "$work/plain.out" "$work/thag.out"
}

test_sanitized_children() {
  local compiler kind
  for compiler in gcc clang; do
    for kind in address thread leak memory undefined; do
      program "$compiler-$kind" "$compiler" -g "-fsanitize=$kind" <<<"$faulty" || continue
      ok "a child with -fsanitize=$kind, $compiler: as without" same_reports \
        "$programs/$compiler-$kind"
    done
  done
}

start --output-dir "$out" || {
  echo "not ok thagd starts"
  failed=$((failed + 1))
}
export THAG_SOCKET=$socket
printf '#!/bin/sh\necho "$@"; exit 9\n' >"$programs/hello-script"
chmod +x "$programs/hello-script"
test_usage
test_refusals
test_programs
test_environment
test_bad_input
test_sanitized_children
stop
unset THAG_SOCKET
