# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# The units that are installed, in a systemd that runs for a user: thagd is started by the first program
# that connects, and a restart loses nothing. The manager must believe that the system was booted by
# systemd, so it has a /run/systemd of its own; where we may not give it one, only units are verified.

units=$THAG_BUILD/daemon
export XDG_RUNTIME_DIR=$work/xdg
export SYSTEMD_IGNORE_CHROOT=1 # else systemctl does nothing there, and says that it went well
unit_dir=$XDG_RUNTIME_DIR/systemd/user

ctl() { systemctl --user "$@"; }

# With our thagd in the place of the installed one.
install_units() {
  mkdir -p "$unit_dir" && chmod 700 "$XDG_RUNTIME_DIR" &&
    cp "$units/thagd.socket" "$unit_dir/" &&
    sed -e "s|^ExecStart=.*|ExecStart=$thagd --foreground --port 0 --output-dir $out|" \
      -e 's|^\[Unit\]|&\nStartLimitIntervalSec=0|' \
      "$units/thagd.service" >"$unit_dir/thagd.service"
}
verified() {
  systemd-analyze verify --user --man=no "$unit_dir/thagd.service" "$unit_dir/thagd.socket" 2>&1 | tee "$work/verified"
  [[ ! -s $work/verified ]]
}
start_manager() {
  unshare -m --propagation private sh -c \
    'mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system && exec systemd --user' \
    >"$work/manager" 2>&1 &
  manager=$!
  for ((i = 0; i < 300; i++)); do
    kill -0 "$manager" 2>/dev/null || break
    ! ctl list-units >/dev/null 2>&1 || return 0
    sleep 0.1
  done
  kill "$manager" 2>/dev/null
  manager=''
  return 1
}
stop_manager() {
  ctl exit
  wait "$manager" && manager=''
}

shown() { ctl show -p "$1" --value thagd.service; }
# is_shown PROPERTY VALUE
is_shown() { [[ $(shown "$1") == "$2" ]]; }
was_replaced() { [[ $(shown MainPID) != 0 && $(shown MainPID) != "$daemon_pid" && $(shown ActiveState) == active ]]; }

starts_on_demand() {
  ctl start thagd.socket && [[ $(stat -c %a "$socket" "${socket%/*}" | tr '\n' ' ') == '600 700 ' ]] &&
    is_shown ActiveState inactive && play make=good hello calls=3 drained exited >/dev/null &&
    is_shown ActiveState active && eventually saved "$(last_id)" && eventually is_shown NFileDescriptorStore 0
}
restarted() {
  daemon_pid=$(shown MainPID)
  ctl restart thagd.service && was_replaced
}
# calls_saved PID: in all the files of its sessions.
calls_saved() {
  cat ./*.json | awk -v pid="$1" '/^  "pid":/ { mine = ($2 + 0 == pid) } /^  "calls":/ && mine { n += $2 } END { print n + 0 }'
}
has_all() { [[ $(calls_saved "$1") == "$2" ]]; }

# A program that calls flat out while thagd is restarted: every call is in one of its profiles.
loses_nothing() {
  local pid calls i
  THAG_SOCKET=$socket THAG_ON_FULL=wait "$THAG_BUILD/tests/burden" 2 400000 0 0 >"$work/calls" &
  pid=$!
  for ((i = 0; i < 3; i++)); do
    eventually is_there_or_over "$pid" || return 1
    ! is_over "$pid" || break # where restarts are slow
    restarted || return 1
  done
  wait "$pid" && read -r calls <"$work/calls"
  eventually has_all "$pid" "$calls" || {
    echo "$(calls_saved "$pid") of $calls"
    return 1
  }
}
is_over() { grep -q '^State:[[:space:]]Z' "/proc/$1/status"; }
# A new thagd doesn't list what had ended.
is_there_or_over() { has_session "$1" || is_over "$1"; }
has_session() { list | grep -q "\"pid\":$1,"; }

# What it writes while thagd hangs is in its ring; both are gone when the next thagd comes.
# Every thread of thagd has stopped: until the last has, it reads on.
hangs() { [[ $(awk '$1 == "State:" { print $2 }' "/proc/$daemon_pid/task"/*/status | sort -u) == T ]]; }
ended_meanwhile() {
  local id
  attach make=good hello calls=1000 drained wait calls=500 exited || return 1
  id=$(last_id) daemon_pid=$(shown MainPID)
  kill -STOP "$daemon_pid"
  eventually hangs || return 1
  exec 7>&-
  wait "$program"
  kill -KILL "$daemon_pid"
  eventually was_replaced && eventually saved "$id" && session "$id" message && session "$id" events &&
    is "$id" state '"ended"' && is "$id" events 2000 && is "$id" lost 4003
}
closed_its_own() {
  local id
  attach make=good hello calls=10 drained close wait || return 1
  id=$(last_id) daemon_pid=$(shown MainPID)
  kill -KILL "$daemon_pid"
  eventually was_replaced && is "$id" state '"live"' || return 1
  exec 7>&-
  wait "$program"
  eventually saved "$id"
}

if grep -q libsystemd <(ldd "$thagd"); then
  ok 'the units are installed for a user' install_units
  ok 'systemd finds no fault in them' verified
  if start_manager; then
    socket=$XDG_RUNTIME_DIR/thag/thagd.sock
    ok 'the first program starts thagd' starts_on_demand
    ok 'restarts while a program runs lose no call' loses_nothing
    ok 'what a program wrote before both ended is read' ended_meanwhile
    ok 'a program that closed its descriptors is found again' closed_its_own
    ok 'nothing is kept in the end' eventually is_shown NFileDescriptorStore 0
    ok 'its socket stays when it stops' bash -c "systemctl --user stop thagd.service && test -S '$socket'"
    ok 'the manager ends' stop_manager
    socket=$work/thagd.sock
  fi
  daemon_pid=''
fi
unset XDG_RUNTIME_DIR SYSTEMD_IGNORE_CHROOT
