# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Rings that are full, wrap or lie, and memory that no honest program would share.

play() { timeout 60 "$build/daemon/fake_program" "$THAG_SOCKET" "$@"; }

nothing_lost() { "$@" >"$work/load" && cat "$work/load" && grep -q ' 0 counted as lost' "$work/load"; }

# peak_kb: the most memory that thagd has had.
peak_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$thagd/status"; }
fd_count() { find "/proc/$thagd/fd" -mindepth 1 | wc -l; }
# two are kept since names were asked for: the folder of those known, and who reads them from files
fds_are_back() { (($(fd_count) <= fds_before + 2)); }

# all_over: no program runs any more, as far as thagd knows, and all are saved.
all_over() {
  thag list --json | python3 -c '
import json, sys
sessions = json.load(sys.stdin)["sessions"]
sys.exit(any(s["state"] in ("live", "idle", "paused") or not s["saved"] for s in sessions))'
}
all_end() { eventually all_over || eventually all_over; }

# Each writes what it pleases. What is asked of thagd meanwhile is made of the same memory.
spoil() {
  local seed
  for ((seed = 0; seed < ${HOSTILE_SEEDS:-16}; seed++)); do
    timeout 120 "$build/tests/hostile" "$seed" 1 >>"$work/hostile" 2>&1 &
    thag list >/dev/null && { thag export latest --format folded >/dev/null 2>&1 || true; }
    wait $! 2>/dev/null
    # 139: what it spoils is libthag's own, too
    [[ $? =~ ^(0|137|139)$ ]] || { echo "seed $seed: another end"; return 1; }
  done
}

# Beside them is one that is honest: its every call is counted.
hostile_writers() {
  local honest status=0
  clear_out
  env THAG_ON_FULL=wait "$build/tests/load" "$build/tests/victim" "$work/out" "$thagd" 1 -t 2 -p 300 \
    >"$work/honest" &
  honest=$!
  spoil || status=1
  kill -TERM "$honest"
  wait "$honest" || status=1
  cat "$work/honest"
  ((status == 0)) && kill -0 "$thagd" && all_end
}

is_set_aside() { [[ $(last message) == *'make no sense'* ]]; }

# A program of nothing but noise: thagd stops reading it, says so, and goes on with others.
noise() {
  local seed
  for seed in 1 2 3; do
    play make=good hello "noise=$seed" full >/dev/null && eventually is_set_aside || return 1
  done
  play make=good hello calls=50000 drained exited | grep -q '^drained' &&
    eventually is_saved && [[ $(last events) == 200000 && $(last lost) == 0 ]]
}

refused() {
  local answer
  answer=$(play "make=$1" "${@:3}")
  echo "$answer"
  [[ $answer == "refused -"*" $2"* && $(wc -l <<<"$answer") == 1 ]]
}

# More names than there is room for: the rest is told together, and none of it costs more memory.
many_names() {
  local -a said
  clear_out
  (cd "$work/out" && on_full wait "$build/tests/many_names" "${NAMES:-1200000}") >"$work/expected" || return 1
  read -ra said <"$work/expected"
  eventually reported "${said[0]}" 1 "${said[1]}" || eventually reported "${said[0]}" 1 "${said[1]}" || {
    reports_of "${said[0]}"
    return 1
  }
  grep -h '<overflow>' "$work"/out/*.folded && echo "$(peak_kb) kB" &&
    { sanitized || (($(peak_kb) < 1500000)); }
}

ok 'start' start_thagd
fds_before=$(fd_count)
ok '09 full, and dropped at once: each call is recorded or counted' on_full drop \
  driver stop-daemon "$build/tests/victim" "$work/out" "$thagd" 1
ok '09 full, and waited for: nothing is lost' on_full wait nothing_lost load 1 -t 2 -s "${LOAD_SECONDS:-1}"
ok '10 overload: eight threads flat out' load 1 -t 8 -s "${LOAD_SECONDS:-1}"
for name in starts_anywhere_and_wraps waits_at_a_hole_then_steps_over_it \
  does_not_take_a_word_of_two_laps_ago_for_todays; do
  ok "11 the ring: $name" unit ring "$name"
done
if [[ -x $build/tests/test_wrap ]]; then # it forks: not for TSan's runtime
  ok '11 the emit path' unit wrap counts_every_call_where_its_indices_wrap
fi
ok '12 13 memory that is spoiled while it is read' hostile_writers
ok '12 random words, sites and counters' noise
ok '14 unsealed memfd' refused unsealed 'the memfd is not sealed' hello
ok '14 memfd whose pages can be punched' refused no-future-seal 'the memfd is not sealed' hello
ok '14 memfd one page short' refused short 'the number of rings' hello
ok '14 memfd one page long' refused long 'the number of rings' hello
ok '14 memfd of 4 TiB' refused huge 'the memfd has a wrong size' hello
ok '14 empty memfd' refused empty 'the memfd has a wrong size' hello
ok '14 wrong magic' refused magic "the memfd is not thag's" hello
ok '14 another byte order' refused order 'the program has another byte order' hello
ok '14 too many rings' refused slots 'the number of rings' hello
ok '14 rings of another size' refused rings 'the header has wrong sizes' hello
ok '14 unknown clock' refused clock 'the header names an unknown clock' hello
ok '14 unknown mode' refused mode 'the header asks for an unknown mode' hello
ok '14 text longer than its place' refused text 'the header has a text that is too long' hello
ok '14 pipe' refused pipe 'the descriptor is not a memfd' hello
ok '14 file' refused file 'the descriptor is not a memfd' hello
ok '14 no descriptor' bash -c "'$build/daemon/fake_program' '$THAG_SOCKET' hello | grep -q '^refused .*no memfd'"
ok '14 two descriptors' refused good 'more than one' fds=2
ok '14 sixty descriptors' refused good '' fds=60
ok '14 no descriptor is left over' eventually fds_are_back
ok 'start anew' start_thagd
ok '15 more names than there is room for' many_names
