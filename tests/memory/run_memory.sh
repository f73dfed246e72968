# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag run --memory: programs that know nothing of thag, and those it can't profile.
: "${place:?}" "${socket:?}" "${out:?}" "${thag:?}" "${here:?}"
programs=$place/programs
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

start --output-dir "$out" || {
  echo "not ok thagd starts"
  failed=$((failed + 1))
}
export THAG_SOCKET=$socket
test_usage
test_refusals
stop
unset THAG_SOCKET
