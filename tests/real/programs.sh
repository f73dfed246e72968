# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The programs: for each NAME its source package, build_NAME OUTPUT FLAG..., inputs_NAME (made once,
# in the directory $inputs) and run_NAME COMMAND..., which runs its job behind those words (a
# tool, or none, and the program). Jobs are the same each time, down to the number of calls, and
# make about fifty million.
: "${real:?}" "${here:?}"
inputs=

# shellcheck disable=SC2034 # for the runner
declare -A packages=([lua]=lua5.4 [sqlite]=sqlite3 [zstd]=libzstd [zstd_threads]=libzstd
  [ninja]=ninja-build)

# compile COMPILER OUTPUT FLAG... -- SOURCE...: objects go beside OUTPUT; then links with $link.
compile() {
  local compiler=$1 output=$2 flags=()
  shift 2
  while [[ $1 != -- ]]; do
    flags+=("$1")
    shift
  done
  shift
  mkdir -p "$output.objects"
  # shellcheck disable=SC2016 # the inner shell expands it
  printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -n 1 bash -c '
    "${@:2:$#-2}" -c -o "$1/$(basename "${!#}").o" "${!#}"' \
    bash "$output.objects" "$compiler" "${flags[@]}" || return 1
  # shellcheck disable=SC2086 # words
  "$compiler" -o "$output" "$output.objects"/*.o ${link-}
}

# --- lua: errors by longjmp, coroutines, callbacks ---

# Three definitions that Lua offers make it independent of addresses and of the clock: the seed of
# its hashes, the pivot of its sort, and its cache of strings by address.
build_lua() {
  local output=$1 source sources link="-Wl,-E -lm -ldl"
  shift
  source=$(unpacked lua5.4)/src
  [[ -e $source/lua5.4-deb-multiarch.h ]] ||
    echo '#define DEB_HOST_MULTIARCH "none"' >"$source/lua5.4-deb-multiarch.h"
  mapfile -t sources < <(find "$source" -name '*.c' ! -name luac.c)
  compile gcc "$output" "$@" -DLUA_USE_LINUX -D'luai_makeseed(L)=0' -D'l_randomizePivot()=0u' \
    -DSTRCACHE_N=1 -DSTRCACHE_M=1 -- "${sources[@]}"
}

inputs_lua() { cp "$here/work.lua" .; }
run_lua() { "$@" "$inputs/work.lua" 100; }

# --- sqlite: one huge file, a virtual machine, a thousand statements ---

# The amalgamation is made by Tcl scripts.
build_sqlite() {
  local output=$1 source link="-lm -ldl -lpthread"
  shift
  source=$(unpacked sqlite3)
  mkdir -p "$source/made"
  [[ -e $source/made/shell.c ]] || (cd "$source/made" &&
    ../configure --disable-tcl --disable-readline && make sqlite3.c shell.c) || return 1
  compile gcc "$output" "$@" -- "$source/made/sqlite3.c" "$source/made/shell.c"
}

inputs_sqlite() { awk -f "$here/statements.awk" >statements.sql; }
run_sqlite() { "$@" items.db <"$inputs/statements.sql"; }

# --- zstd: two threads and a third that reads and writes; nearly everything is inlined ---

build_zstd() {
  local output=$1
  shift
  rm -rf "$output.objects"
  cp -r "$(unpacked libzstd)" "$output.objects" || return 1
  make -s -j "$(nproc)" -C "$output.objects/programs" zstd CFLAGS="$*" \
    HAVE_ZLIB=0 HAVE_LZMA=0 HAVE_LZ4=0 || return 1
  cp "$output.objects/programs/zstd" "$output"
}

# The first four MiB of what lies in /usr/bin.
inputs_zstd() {
  find /usr/bin -maxdepth 1 -type f -readable -print0 | LC_ALL=C sort -z |
    xargs -0 cat 2>/dev/null | head -c 4194304 >binaries
  [[ -s binaries ]]
}
run_zstd() { "$@" -q --single-thread --no-asyncio -c "$inputs/binaries"; }

# Which thread does what, and how often one looks whether another is done, is left to chance.
inputs_zstd_threads() { inputs_zstd; }
run_zstd_threads() { "$@" -q -T2 -B512KiB -c "$inputs/binaries"; }

# --- ninja: C++ ---

build_ninja() {
  local output=$1 source sources
  shift
  source=$(unpacked ninja-build)/src
  mapfile -t sources < <(find "$source" -name '*.cc' |
    grep -vE '(test|win32|msvc|bench|\.in)[^/]*\.cc|(minidump|includes_norm|browse)[^/]*$')
  compile g++ "$output" "$@" -- "${sources[@]}"
}

inputs_ninja() { awk -f "$here/manifest.awk" >build.ninja; }
run_ninja() { "$@" -f "$inputs/build.ninja" -n -v -j1; }
