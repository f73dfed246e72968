# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A program that counts what it allocates, frees and has live, by call path, against its profile.
: "${work:?}" "${socket:?}" "${out:?}" "${thag:?}" "${here:?}" "${THAG_BUILD:?}"
exact=$THAG_BUILD/tests/exact-program

kinds=both
# run_exact DETAIL ARGUMENT...: its session's id.
run_exact() {
  local detail=$1
  shift
  rm -f "$work/accounts"
  THAG_SOCKET=$socket THAG_ON_FULL=wait THAG_PROFILER="$kinds,$out,,$detail" \
    "$exact" "$work/accounts" "$@" || return 1
  exact_id=$(last_id)
  eventually saved "$exact_id"
}

# export_all ID BY: every metric of it, and its STEM.json.
export_all() {
  local metric
  rm -rf "$work/told"
  mkdir "$work/told"
  for metric in allocated allocations live peak leaked temporary freed; do
    THAG_SOCKET=$socket "$thag" export "$1" --metric "$metric" --by "$2" \
      -o "$work/told/$metric.folded" || return 1
  done
  cp "$(session "$1" files | python3 -c 'import json,sys; print(json.load(sys.stdin)[-1])')" \
    "$work/told/session.json"
}

# is_exact ID BY [FLAG]...
is_exact() { export_all "$1" "$2" && "$here/exact.py" "$work/accounts" "$work/told" "${@:3}"; }

exact_alone() { run_exact '' "$1" 100000 1 && is_exact "$exact_id" calls alone; }
exact_threads() { run_exact '' "$1" 50000 "$2" "${@:3}" && is_exact "$exact_id" calls; }
exact_late() { kinds='time' run_exact '' "$1" 50000 "$2" late && is_exact "$exact_id" calls; }
exact_traces() {
  run_exact true "$1" 20000 "$2" && is_exact "$exact_id" traces && is_exact "$exact_id" calls
}

# Killed while it allocates: what it had done is there, and all of it adds up.
exact_killed() {
  local program status=0
  rm -f "$work/accounts"
  THAG_SOCKET=$socket THAG_ON_FULL=wait THAG_PROFILER="both,$out" \
    "$exact" "$work/accounts" "$1" 0 3 forever &
  program=$!
  eventually began || return 1
  sleep "0.$2"
  kill -9 "$program"
  wait "$program" 2>/dev/null || status=$?
  ((status == 137)) || return 1
  exact_id=$(last_id)
  eventually saved "$exact_id" && is "$exact_id" signal '"SIGKILL"' && is_exact "$exact_id" calls killed
}
began() { [[ $(session "$(last_id)" memory) == *'"allocations": '[1-9][0-9][0-9][0-9]* ]]; }

ok 'start' start
for seed in 1 2 3; do
  ok "one thread: all there is, and the peak, seed $seed" exact_alone "$seed"
  ok "two threads, seed $seed" exact_threads "$seed" 2
  ok "eight threads, seed $seed" exact_threads "$seed" 8
  ok "four threads and tasks that go round them, seed $seed" exact_threads "$seed" 4 tasks
  ok "four threads that ran before memory was recorded, seed $seed" exact_late "$seed" 4
  ok "native stacks of one thread, seed $seed" exact_traces "$seed" 1
  ok "native stacks of four threads, seed $seed" exact_traces "$seed" 4
done
for seed in 4 5 6; do
  ok "three threads, killed, seed $seed" exact_killed "$seed" "$seed"
done
ok 'stop' stop
