#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# ship.sh SOURCE DIRECTORY: builds a C or C++ program as programs are shipped, stripped and with
# its debug information in a file of its own, so that thag still names its functions. In DIRECTORY:
#
#   NAME                               what is installed: no symbols, no DWARF
#   debug/.build-id/ab/cdef….debug     what a -dbgsym package holds, found by build id
#
# Then, with thagd running:
#
#   export THAG_DEBUG_DIRS=DIRECTORY/debug        # before thagd is started
#   LD_PRELOAD=libthag-cyg.so DIRECTORY/NAME
set -eu
source=$1 directory=$2
name=$(basename "$source" | sed 's/\.[^.]*$//')
program=$directory/$name

case $source in
*.c) compiler=${CC:-cc} ;;
*) compiler=${CXX:-c++} ;;
esac
mkdir -p "$directory"
"$compiler" -g -O1 -finstrument-functions -Wl,--build-id "$source" -o "$program" -lm

id=$(readelf -n "$program" | sed -n 's/.*Build ID: //p')
rest=${id#??}
debug=$directory/debug/.build-id/${id%"$rest"}/$rest.debug
mkdir -p "$(dirname "$debug")"
objcopy --only-keep-debug "$program" "$debug"
strip "$program"
echo "$program, and $debug"
