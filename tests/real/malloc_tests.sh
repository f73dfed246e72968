# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# How the tests of each allocator are built, and run: build_PACKAGE SOURCES INTO, and
# test_PACKAGE INTO SOURCES, which calls test_one. What only tells how it went goes to a log.

# How many there are at least.
# shellcheck disable=SC2034
declare -A least=([glibc]=29 [jemalloc]=14 [mimalloc]=4 [google-perftools]=10)

# --- glibc: those that can be built without glibc ---

# Not among them: those that bring a malloc, and those that need glibc's own headers.
glibc_flags=(-std=gnu11 -O1 -w -D_GNU_SOURCE -DTIMEOUTFACTOR=4 -fno-builtin)

# Its tests' own support library: as much of it as compiles.
build_glibc_support() {
  local sources=$1 made=$2 source
  mkdir -p "$made/headers/support"
  cp "$sources"/include/{array_length,libc-diag}.h "$made/headers" || return 1
  cp "$sources"/support/*.h "$sources/support/test-driver.c" "$made/headers/support"
  for source in "$sources"/support/*.c; do
    [[ $(basename "$source") =~ ^(tst-|links-dso|.*-container|test-run) ]] ||
      gcc "${glibc_flags[@]}" -idirafter "$made/headers/support" -I"$made/headers" -c "$source" \
        -o "$made/$(basename "$source" .c).o"
  done
  # where its own build lies, which isn't here
  echo 'const char support_srcdir_root[] = "/", support_objdir_root[] = "/";' |
    gcc -x c -c - -o "$made/support_paths.o" || return 1
  rm -f "$made/support.a"
  ar rcs "$made/support.a" "$made"/*.o
}

build_glibc() {
  local sources=$1 made=$2 source
  build_glibc_support "$sources" "$made" || return 1
  for source in "$sources"/malloc/tst-*.c; do
    [[ $source == *tst-interpose-* ]] ||
      gcc "${glibc_flags[@]}" -idirafter "$made/headers/support" -I"$made/headers" "$source" \
        "$made/support.a" -o "$made/$(basename "$source" .c)" -pthread -ldl
  done
  return 0
}

# One isn't run: tst-malloc-thread-fail takes all but some of its address space away from itself,
# and the rings have 8 GiB of it by then.
test_glibc() {
  local program
  for program in "$1"/tst-*; do
    [[ $program == *.o || $program == */tst-malloc-thread-fail ]] ||
      test_one "$(basename "$program")" "$program"
  done
}

# --- jemalloc: its integration tests, with the library they are built with ---

build_jemalloc() {
  cp -r "$1"/. "$2" && (cd "$2" && ./configure --disable-cxx &&
    make -j "$(nproc)" build_lib_shared tests_integration)
}

# Their scripts say which options they need of the allocator.
jemalloc_options() {
  # shellcheck disable=SC2034,SC1090
  [[ ! -e $1 ]] || (enable_fill=1 && . "$1" && echo "MALLOC_CONF=$MALLOC_CONF")
}

test_jemalloc() {
  local program options
  for program in "$1"/test/integration/*; do
    [[ -f $program && -x $program && $program != *.sh ]] || continue
    options=$(jemalloc_options "$program.sh")
    test_one "jemalloc's $(basename "$program")" LD_LIBRARY_PATH="$1/lib" ${options:+"$options"} \
      "$program"
  done
}

# --- mimalloc: with Debian's library ---

build_mimalloc() {
  local library
  library=$(ldconfig -p | sed -n 's/.*libmimalloc\.so\.2.*=> //p' | head -n 1)
  cd "$1/test" &&
    gcc -O1 -w -fno-builtin -DUSE_STD_MALLOC test-stress.c -o "$2/stress" "$library" -pthread &&
    gcc -O1 -w -fno-builtin -I../include test-api.c -o "$2/api" "$library" &&
    gcc -O1 -w -fno-builtin -I../include main-override.c -o "$2/override" "$library" &&
    g++ -O1 -w -fno-builtin -I../include main-override.cpp -o "$2/override-cpp" "$library" -pthread
}

test_mimalloc() {
  local program
  for program in api override override-cpp; do
    test_one "mimalloc's $program" "$1/$program"
  done
  # threads, load, iterations
  test_one "mimalloc's stress" "$1/stress" 8 20 10
}

# --- google-perftools: with Debian's tcmalloc; its own configuration needs more than there is ---

perftools_tests=(tcmalloc_unittest tcmalloc_large_unittest markidle_unittest realloc_unittest
  thread_dealloc_unittest memalign_unittest frag_unittest malloc_extension_test
  current_allocated_bytes_test large_heap_fragmentation_unittest)

# Some limit their address space, where thag's rings lie by then: another limit does no harm.
write_perftools_config() {
  local name
  for name in PTHREAD STDINT_H INTTYPES_H MMAP UNISTD_H SYS_TYPES_H SYS_RESOURCE_H FCNTL_H TLS \
    BUILTIN_EXPECT MEMALIGN POSIX_MEMALIGN; do
    echo "#define HAVE_$name 1"
  done
  sed -nE 's/^AC_INIT\(\[(.*)\],\[(.*)\],.*/#define PACKAGE_STRING "\1 \2"\n#define PACKAGE_VERSION "\2"/p' \
    "$1/configure.ac"
  cat <<'END'
#define HAVE___ATTRIBUTE__ 1
#define STL_NAMESPACE std
#define PRIuS "zu"
#define ENABLE_SIZED_DELETE 1
#define ENABLE_ALIGNED_NEW_DELETE 1
#define PERFTOOLS_DLL_DECL
#include <sys/resource.h>
#undef RLIMIT_AS
#define RLIMIT_AS RLIMIT_CORE
END
}

build_google_perftools() {
  local sources=$1 made=$2 library name
  library=$(ldconfig -p | sed -n 's/.*libtcmalloc_minimal\.so\.4.*=> //p' | head -n 1)
  mkdir -p "$made/gperftools"
  sed -E 's/@[a-z_0-9]+@/1/g' "$sources/src/gperftools/tcmalloc.h.in" >"$made/gperftools/tcmalloc.h"
  write_perftools_config "$sources" >"$made/config.h"
  for name in "${perftools_tests[@]}"; do
    g++ -O1 -w -fno-builtin -I"$made" -I"$sources/src" "$sources/src/tests/$name.cc" \
      "$sources/src/tests/testutil.cc" -o "$made/$name" "$library" -pthread
  done
  return 0
}

test_google_perftools() {
  local name
  for name in "${perftools_tests[@]}"; do
    [[ ! -x $1/$name ]] || test_one "tcmalloc's $name" "$1/$name"
  done
}
