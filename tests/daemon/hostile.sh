# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# What no honest program does. After all of it the same daemon still counts right.

ok 'start' start
fds_before=$(fd_count)

refused() {
  local answer
  answer=$(play "make=$1" hello)
  echo "$answer"
  [[ $answer == "refused -"*" $2"* && $(wc -l <<<"$answer") == 1 ]]
}
ok 'unsealed memfd' refused unsealed 'the memfd is not sealed'
ok 'memfd whose pages can be punched' refused no-future-seal 'the memfd is not sealed'
ok 'memfd one page short' refused short 'the number of rings'
ok 'memfd one page long' refused long 'the number of rings'
ok 'memfd of 4 TiB' refused huge 'the memfd has a wrong size'
ok 'empty memfd' refused empty 'the memfd has a wrong size'
ok 'wrong magic' refused magic "the memfd is not thag's"
ok 'another version' refused version 'libthag speaks version'
ok 'another byte order' refused order 'the program has another byte order'
ok 'too many rings' refused slots 'the number of rings'
ok 'rings of another size' refused rings 'the header has wrong sizes'
ok 'unknown clock' refused clock 'the header names an unknown clock'
ok 'unknown mode' refused mode 'the header asks for an unknown mode'
ok 'text longer than its place' refused text 'the header has a text that is too long'
ok 'pipe' refused pipe 'the descriptor is not a memfd'
ok 'file' refused file 'the descriptor is not a memfd'
ok 'no descriptor' bash -c "'$fake' '$socket' hello | grep -q '^refused .*no memfd'"
ok 'two descriptors' bash -c "'$fake' '$socket' make=good fds=2 | grep -q '^refused .*more than one'"
ok 'sixty descriptors' bash -c "'$fake' '$socket' make=good fds=60 | grep -q '^refused'"

garbage() {
  local i
  for i in 00 5448 54484147 544841470100010000000000 5448414701000100ffffffff00000000 \
    54484147010063000000000000000000 54484147090001000000000000000000 \
    "$(printf 'ab%.0s' {1..2000})"; do
    play "raw=$i" || return 1
  done
}
ok 'garbage on the socket' garbage

many_silent() {
  python3 - "$socket" <<'END' &
import socket, sys, time
held = []
for _ in range(150):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.setblocking(False)
    try:
        s.connect(sys.argv[1])
    except OSError:
        pass
    held.append(s)
time.sleep(4)
END
  sleep 0.3
  timeout 10 "$fake" "$socket" make=good hello calls=3 exited | grep -q welcome
}
ok 'silent connections hold up nobody for long' many_silent

noise() {
  local seed
  for seed in 1 2 3 4 5 6; do
    timeout 20 "$fake" "$socket" make=good hello "noise=$seed" full >/dev/null || return 1
  done
}
ok 'random words, sites and counters' noise
quarantined() { list | grep -q 'make no sense'; }
ok 'the session says that it is not read any more' quarantined

still_right() {
  local id
  play make=good hello calls=50000 drained exited >/dev/null && id=$(last_id) &&
    eventually saved "$id" && is "$id" events 200000 && is "$id" lost 0 && is "$id" state '"ended"'
}
ok 'and the next session is as right as the first' still_right
no_leak() { (($(fd_count) <= fds_before)); }
ok 'no descriptor is left over' eventually no_leak
ok 'memory is bounded' test "$(rss_kb)" -lt 700000
ok 'stop' stop
