#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# pprof.sh: pprof itself, built from Debian's package of its sources, reads what `thag export` writes
# for it: the same time and the same calls by function as the folded stacks have. Prints "ok"/"not
# ok" lines and "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${THAG_BUILD:-$here/../../build}" && pwd) || exit 1
real=$build/real
mkdir -p "$real/bin"
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-pprof.XXXXXX")
export THAG_SOCKET=$work/thagd.sock HOME=$work LD_LIBRARY_PATH=$build/libclient
export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$real/go-cache
unset THAG_PROFILER

thag() { "$build/tools/thag" "$@"; }
# shellcheck disable=SC2317 # by trap
clean_up() {
  thag stop >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT

# shellcheck source=tests/support/ok.sh disable=SC1091
. "$here/../support/ok.sh"

# Nanoseconds of pprof's column by function, sorted; -flat or -cum.
pprof_table() {
  "$real/bin/pprof" -symbolize=none -sample_index="$1" -unit=ns -nodefraction=0 -edgefraction=0 \
    -nodecount=1000000 "$2" -top "$work/all.pb.gz" 2>/dev/null | awk -v field="$3" '
    header {
      value = $field
      sub(/ns$/, "", value)
      for (i = 0; i < 5; i++) sub(/^ *[^ ]+ +/, "")
      print $0, value
    }
    $1 == "flat" && $2 == "flat%" { header = 1 }' | LC_ALL=C sort
}

# The same of folded stacks: what is a function's own, and what it has with all that it calls.
own() {
  awk '{ value = $NF; sub(/ [0-9]*$/, ""); sub(/.*;/, ""); sum[$0] += value }
    END { for (name in sum) print name, sum[name] }' "$work/all.folded" | LC_ALL=C sort
}

total() {
  awk '{ value = $NF; sub(/ [0-9]*$/, ""); count = split($0, frames, ";"); split("", seen)
      for (i = 1; i <= count; i++) if (!seen[frames[i]]++) sum[frames[i]] += value }
    END { for (name in sum) print name, sum[name] }' "$work/all.folded" | LC_ALL=C sort
}

# same FILE FILE: lines of a name and a number; each stack of each thread was rounded by itself.
same() {
  awk '{ value = $NF; sub(/ [0-9]*$/, "") }
    NR == FNR { other[$0] = value; next }
    !($0 in other) || value - other[$0] > 1000 || other[$0] - value > 1000 {
      print $0, value, other[$0]
      bad = 1
    }
    { count++; delete other[$0] }
    END { for (name in other) { print "more:", name; bad = 1 } exit bad || !count }' "$1" "$2"
}

flat_is_own() { same <(pprof_table time -flat 1 | grep -v ' 0$') <(own); }
cum_is_total() { same <(pprof_table time -cum 4) <(total); }
main_is_called_once() {
  pprof_table calls -flat 1 | grep -x 'main 1'
}

go build -o "$real/bin/pprof" github.com/google/pprof || exit 1
"$build/daemon/thagd" --daemonize --port 0 >/dev/null || exit 1
"$build/examples/treestat" --repeat 2 --top 1 "$here/.." >/dev/null 2>&1
until thag list | grep -q ' ended '; do sleep 0.1; done
# so long after the end a tick's length is settled
sleep 1
thag export latest --format pprof -o "$work/all.pb.gz"
thag export latest -o "$work/all.folded"
ok "pprof: flat is a function's own time" flat_is_own
ok "pprof: cum is its total" cum_is_total
ok "pprof: main is called once" main_is_called_once
finish
