# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# The filter of system calls is on, in every thread and in the reader of symbols. All other suites run
# with it. tests/unit/test_confine.c tries what it lets through.

# filtered PID FILTERS: each thread gains no rights, and has so many filters.
filtered() {
  local file
  for file in /proc/"$1"/task/*/status; do
    grep -E 'NoNew|Seccomp' "$file"
    [[ $(awk '/^(NoNewPrivs|Seccomp|Seccomp_filters):/ { printf "%s ", $2 }' "$file") == "1 2 $2 " ]] ||
      return 1
  done
}
reader_is_filtered() {
  local reader
  "$THAG_BUILD/tests/fake_functions" "$socket" module="$thagd" address=4096 drained exited >/dev/null &&
    eventually saved "$(last_id)" && reader=$(pgrep -P "$daemon_pid") && filtered "$reader" 2
}
# refused COMMAND...: becomes it where filters are refused, as in some containers.
refused() {
  exec python3 -c '
import ctypes, os, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(lib.seccomp_init(0x7fff0000))
number = lib.seccomp_syscall_resolve_name(b"seccomp")
assert lib.seccomp_rule_add(context, 0x00050001, number, 0) == 0
assert lib.seccomp_load(context) == 0
os.execv(sys.argv[1], sys.argv[1:])' "$@"
}
goes_on_without() {
  refused "$thagd" --socket "$work/r.sock" --port 0 >"$work/r.line" 2>"$work/r.log" &
  local pid=$!
  eventually grep -q listening "$work/r.line" || cat "$work/r.log"
  kill "$pid" && wait "$pid" &&
    grep -q 'goes on without a filter of system calls' "$work/r.log"
}

if grep -q libseccomp <(ldd "$thagd") && ! sanitized; then
  ok 'start' start
  ok 'thagd is confined' filtered "$daemon_pid" 1
  ok 'its reader of symbols more so' reader_is_filtered
  ok 'stop' stop
  ok 'where filters are refused it goes on without' goes_on_without
fi
