# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh and run.sh set
# The files that the other parts read.
bin=$work/bin
cd "$bin" || exit 1

build_all() {
  local sample=$here/sample.cpp
  g++ -g -O2 -gdwarf-5 "$sample" -o gcc5 &&
    g++ -g -O2 -gdwarf-4 -no-pie "$sample" -o gcc4-no-pie &&
    g++ -g -O2 -gz "$sample" -o gcc-compressed &&
    objcopy --compress-debug-sections=zlib-gnu gcc5 gcc-zdebug &&
    strip -s --keep-section='.debug_*' gcc5 -o gcc-no-symbols &&
    g++ -g -O2 -gdwarf-5 -fdebug-types-section "$sample" -o gcc-types &&
    g++ -g -O2 -gsplit-dwarf "$sample" -o gcc-split &&
    g++ -g -O2 -shared -fPIC -DLIBRARY "$sample" -o libgcc5.so &&
    clang++ -g -O2 -gdwarf-5 "$sample" -o clang5 &&
    clang++ -g -O2 -gsplit-dwarf "$sample" -o clang-split &&
    g++ -g -O0 "$sample" -o plain &&
    gcc -nostdlib -shared "$here/mangled.s" -o mangled.so &&
    gcc -nostdlib -shared "$here/dwarf.s" -o dwarf.so &&
    gcc -nostdlib -shared -Wl,--build-id=none "$here/mangled.s" -o no-id.so &&
    g++ -g -O1 "$sample" -o gcc-more &&
    g++ -g -O2 -c "$sample" -o object.o
}
ok 'build samples' build_all

# address FILE SYMBOL: where it is, in hexadecimal.
address() { nm "$1" | awk -v name="$2" '$3 == name { print $1 }'; }
build_id() { readelf -n "$1" | awk '/Build ID/ { print $3 }'; }
cd "$out" || exit 1
