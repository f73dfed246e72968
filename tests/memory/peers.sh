# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The same runs, seen by others: what is allocated and what is never freed is what Valgrind says,
# and what heaptrack says, whose peak is ours as well. To the byte.
: "${work:?}" "${socket:?}" "${out:?}" "${thag:?}" "${here:?}"

# valgrind_of COMMAND...: "allocations bytes leaked-bytes leaked-blocks". Nothing is freed at exit
# that wouldn't be without it.
valgrind_of() {
  valgrind --leak-check=full --show-leak-kinds=all --run-libc-freeres=no --run-cxx-freeres=no \
    --log-file="$work/valgrind" "$@" >/dev/null 2>&1
  tr -d , <"$work/valgrind" | awk '
    / total heap usage:/ { allocations = $5; bytes = $9 }
    / (definitely|indirectly|possibly) lost: | still reachable: / { leaked += $4; blocks += $7 }
    END { print allocations, bytes, leaked + 0, blocks + 0 }'
}

# heaptrack_of COMMAND...: "allocations leaked-bytes peak-bytes", from its flamegraphs, which don't
# round.
heaptrack_of() {
  local cost
  rm -f "$work"/heaptrack*
  heaptrack --output "$work/heaptrack" "$@" >/dev/null 2>&1
  for cost in allocations leaked peak; do
    heaptrack_print --disable-builtin-suppressions --file "$work"/heaptrack.* \
      --flamegraph-cost-type "$cost" --print-flamegraph "$work/flames" >/dev/null 2>&1
    awk '{ sum += $NF } END { printf "%d ", sum }' "$work/flames"
  done
}

# thag_of FIELDS COMMAND...
thag_of() {
  local fields=$1
  shift
  THAG_ON_FULL=wait THAG_PROFILER=",$out" "$thag" run -q --memory -- "$@" >/dev/null 2>&1
  "$thag" list --json | python3 -c '
import json, sys
memory = json.load(sys.stdin)["sessions"][-1]["memory"]
assert not memory["lost"] and not memory["unmatched_frees"], memory
print(*[memory[name] for name in sys.argv[1].split(",")])' "$fields"
}

# say_same OTHER THAG
say_same() {
  echo "it: $1; thag: $2"
  [[ -n $1 && $1 == "$2" ]]
}

as_valgrind() {
  say_same "$(valgrind_of "$@")" "$(thag_of allocations,allocated_bytes,live_bytes,live "$@")"
}

# as_heaptrack CXX COMMAND...: heaptrack brings the C++ library, with the memory it keeps for
# exceptions, into programs of C, too, and frees that at the end of all: see to both.
as_heaptrack() {
  local is_cxx=$1 theirs own
  shift
  theirs=$(heaptrack_of "$@")
  read -r own < <(heaptrack_of "$work/nothing")
  ((!is_cxx)) || own="0 -${own##* } 0"
  theirs=$(paste -d ' ' <(echo "$theirs") <(echo "$own") | awk '{ print $1 - $4, $2 - $5, $3 - $6 }')
  say_same "$theirs" "$(thag_of allocations,live_bytes,peak_bytes "$@")"
}

# same_by_all NAME CXX COMMAND...
same_by_all() {
  ok "$1: allocations, bytes and leaks are Valgrind's" as_valgrind "${@:3}"
  ok "$1: allocations, leaks and peak are heaptrack's" as_heaptrack "${@:2}"
}

cxx() { g++ -std=gnu++17 -O1 -g "$here/$1.cpp" -o "$work/$1" -pthread; }

start --output-dir "$out"
export THAG_SOCKET=$socket
echo 'int main(void) { return 0; }' | cc -x c -o "$work/nothing" -
cxx pieces
same_by_all "words, in C" 0 "$THAG_BUILD/examples/words" "$here/run_memory.sh" "$here/churn.cpp"
same_by_all "pieces, in C++" 1 "$work/pieces"
same_by_all "sqlite3" 0 sqlite3 :memory: "create table t(a, b);
  insert into t select value, hex(value) from generate_series(1, 5000); create index i on t(b);
  select count(distinct b), max(b), group_concat(a) from t group by a % 7; vacuum;"
same_by_all "sort" 0 sort "$here/churn.cpp"
cxx churn
ok "churn: allocations, bytes and leaks are Valgrind's" as_valgrind "$work/churn" 3 5000 0
stop
unset THAG_SOCKET
