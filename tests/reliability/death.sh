# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Programs and thagds that die or stop.

ok 'start' start_thagd
clear_out
ok '01 SIGKILL of the program mid-write' \
  env THAG_ON_FULL=wait "$build/tests/driver" kill-program "$build/tests/victim" "$work/out" "${KILLS:-1000}"
ok '02 SIGSEGV of the program' scene crash 139
ok '03 the program ends inside of its calls' scene exit-inside
ok '06 thagd is stopped while a program runs' \
  driver stop-daemon "$build/tests/victim" "$work/out" "$thagd"
stop_thagd
ok '04 SIGKILL of thagd' driver kill-daemon "$build/tests/victim" "$work/out" \
  "${DAEMON_KILLS:-100}" "$build/daemon/thagd" --socket "$THAG_SOCKET" --port 0 --output-dir "$work/out"
