# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# What no honest program says on the socket; what one may do to its memory is in
# tests/reliability/ring.sh. After all of it the same daemon still counts right.

ok 'start' start
fds_before=$(fd_count)

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

still_right() {
  local id
  play make=good hello calls=50000 drained exited >/dev/null && id=$(last_id) &&
    eventually saved "$id" && is "$id" events 200000 && is "$id" lost 0 && is "$id" state '"ended"'
}
ok 'and the next session is as right as the first' still_right
no_leak() { (($(fd_count) <= fds_before)); }
ok 'no descriptor is left over' eventually no_leak
sanitized || ok 'memory is bounded' test "$(rss_kb)" -lt 700000
ok 'stop' stop
