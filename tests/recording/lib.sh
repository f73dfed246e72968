# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the tests of recordings share; for run.sh.
build=$(cd "${THAG_BUILD:-$here/../../build}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/thag-recording.XXXXXX")
export THAG_SOCKET=$work/thagd.sock XDG_CACHE_HOME=$work/cache THAG_ON_FULL=wait
export LD_LIBRARY_PATH=$build/libclient
export PATH=$build/tools:$build/daemon:$PATH
unset THAG_PROFILER THAG_RECORD
mounted=''
cd "$work" || exit 1
# shellcheck source=tests/support/thagd.sh disable=SC1091
. "$here/../support/thagd.sh"
# shellcheck source=tests/support/sanitized.sh disable=SC1091
. "$here/../support/sanitized.sh"

cleanup() {
  stop_thagd
  [[ -z $mounted ]] || umount "$mounted"
  rm -rf "$work"
}
trap cleanup EXIT

# status_is WANTED COMMAND...
status_is() {
  local wanted=$1 status=0
  shift
  timeout 120 "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
  cat "$work/stderr"
  [[ $status == "$wanted" ]] || { echo "exit status $status"; return 1; }
}

# keep NAME: the exports of the newest session.
keep() {
  local name=$1
  thag list --json >"$name.list" && thag export latest >"$name.folded" &&
    thag export latest --format events >"$name.events" || return 1
  [[ $(last memory) == None ]] || {
    thag export latest --format memory >"$name.memory" &&
      thag export latest --metric leaked >"$name.leaked" &&
      thag export latest --metric allocated >"$name.allocated"
  }
}

# equal: what was kept as `live` and as `recorded` is the same.
equal() {
  local file
  cmp live.folded recorded.folded && python3 "$here/check.py" same live.events recorded.events ||
    return 1
  [[ -s live.folded || -e live.memory ]] || { echo "nothing was recorded"; return 1; }
  [[ -e live.memory ]] || return 0
  for file in leaked allocated; do
    cmp "live.$file" "recorded.$file" || return 1
  done
  python3 "$here/check.py" same live.memory recorded.memory
}

# open_fresh FILE STATUS: by a thagd that knows nothing else.
# shellcheck disable=SC2119 # its options are none of ours
open_fresh() {
  stop_thagd
  rm -rf "$XDG_CACHE_HOME"
  start_thagd && status_is "$2" thag open "$1" && [[ $(last state) == recorded ]] &&
    grep -q '^http://localhost:[0-9]*/#session=[0-9]*$' stdout
}

counts_match() { python3 "$here/check.py" own "$1" "$2.list" "$2.events"; }

is_running() { [[ $(last state) == live || $(last state) == idle ]]; }

is_ended() { [[ $(last state) == "$1" && $(last saved) == True ]]; }

begin_program() {
  rm -f counts.stop counts
  "$build/tests/recorded-program" counts "$1" 0 3 &
  program=$!
  eventually test -s counts && eventually is_running
}

end_program() {
  touch counts.stop
  wait "$program" && eventually is_ended ended
}

# can_mount: whether small file systems can be mounted here.
can_mount() {
  [[ $(id -u) == 0 ]] && mkdir -p probe && mount -t tmpfs tmpfs probe 2>/dev/null && umount probe
}
