# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Rows of programs that are compiled in ways of their own. They are not for sanitized builds of thag,
# whose libraries want a program of the same kind.
libraries=$build/libclient
# shellcheck disable=SC2034 # for process.sh
preload=$libraries/libthag-preload.so
made=$work/made
mkdir -p "$made"

# compile OUTPUT COMPILER FLAG...: with the headers, and the library where they are asked for.
compile() {
  "$2" -g -I "$here/../../libclient/include" -I "$here/../../proto" "${@:3}" -o "$made/$1"
}
marked=(-DTHAG_TIME_PROFILING "-L$libraries" -lthag "-Wl,-rpath,$libraries" -pthread)
hooked=(-finstrument-functions "-Wl,--no-as-needed" "-L$libraries" -lthag-cyg "-Wl,-rpath,$libraries")

# counted COMMAND...: each of its processes says "PID CALLS", nothing else, and has just so many.
counted() {
  local pid calls
  clear_out
  THAG_ON_FULL=wait THAG_PROFILER="${kinds:-},$work/out" "$@" >"$work/expected" 2>"$work/stderr" || {
    echo "exit status $?: $(head -n 20 "$work/stderr")"
    return 1
  }
  cat "$work/stderr"
  [[ ! -s $work/stderr && -s $work/expected ]] || return 1
  while read -r pid calls; do
    eventually reported "$pid" 1 "$calls" || {
      echo "process $pid should have $calls calls, has: $(reports_of "$pid")"
      return 1
    }
  done <"$work/expected"
}

# --- 23 ---

# privileged MODE [CAPABILITY]: what it says that another user starts, with the bits of that mode.
privileged() {
  local file=$place/privileged
  cp "$made/privileged" "$file" && chown 0:0 "$file" && chmod "$1" "$file" || return
  [[ -z ${2:-} ]] || python3 -c '
import os, struct, sys
os.setxattr(sys.argv[1], "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
' "$file" || return
  THAG_PROFILER="both,$place,announce" TMPDIR=$place setpriv --reuid 65534 --regid 65534 \
    --clear-groups "$file" 2>&1
}

sessions_of() { thag list --json | grep -c "\"program\": *\"$1\""; }

# never_profiled MODE [CAPABILITY]: not a word, no log, no session, whatever the environment says.
never_profiled() {
  local before said
  before=$(sessions_of privileged) said=$(privileged "$@")
  echo "$said"
  [[ $said == 'secure 1, enable -125' && $(sessions_of privileged) == "$before" ]] &&
    [[ ! -e $place/thag_profiler && -z $(find "$place" -name '*.json') ]]
}

# The same file is profiled for its owner, to whom it gives nothing.
profiled_for_its_owner() {
  clear_out
  [[ $(THAG_PROFILER="both,$work/out" "$place/privileged" 2>&1) == 'secure 0, enable 0' ]] &&
    eventually test -n "$(sessions_of privileged)" && [[ $(sessions_of privileged) == 1 ]]
}

setuid_rows() {
  local mode
  if [[ $(id -u) != 0 ]]; then
    echo "skipped 23 setuid programs: only root can make them"
    return
  fi
  # what another user may read and run, wherever the build is
  place=$(mktemp -d "${TMPDIR:-/tmp}/thag-place.XXXXXX")
  chmod 777 "$place" && cp "$libraries"/libthag{,-cyg}.so{,.?} "$place"
  compile privileged cc "$here/privileged.c" -DTHAG_TIME_PROFILING "${hooked[@]/$libraries/$place}" -lthag
  chmod a+rX "$place"/*
  if [[ $(privileged 4755) == 'secure 0'* ]]; then
    echo "skipped 23 setuid programs: this machine doesn't heed the bits"
  else
    for mode in 4755 2755; do
      ok "23 programs with other rights: mode $mode" never_profiled "$mode"
    done
    ok '23 programs with other rights: capabilities' never_profiled 755 cap_net_raw
    ok '23 programs with no other rights' profiled_for_its_owner
  fi
  rm -rf "$place"
}

# --- 26 ---

# tail_calls COMPILER FLAG...
tail_calls() { compile tail "$1" -O2 "$here/tail.c" -lm "${@:2}" && counted "$made/tail"; }

# --- 29 ---

build_early() {
  compile libgreedy.so cc -O2 -fno-builtin -shared -fPIC -DGREEDY "$here/early.c" &&
    compile libplugin.so cc -fPIC -shared -DPLUGIN "$here/early.c" &&
    compile libearly.so cc -fno-builtin -shared -fPIC "$here/early.c" &&
    compile early cc -fno-builtin "$here/early_main.c" "-L$made" -learly "-Wl,-rpath,$made" -pthread
}

# early PRELOAD: all of it is there, and its memory is recorded.
early() {
  clear_out
  LD_PRELOAD=$1 THAG_PROFILER="memory,$work/out" timeout 60 "$made/early" "$made/libplugin.so" \
    >"$work/whole" 2>&1 || return
  cat "$work/whole"
  [[ $(cat "$work/whole") == whole ]] && eventually compgen -G "$work/out/*.json" >/dev/null &&
    grep -q '"unmatched_frees": 0' "$work"/out/*.json
}

# --- 31 ---

# TSan wants a narrower layout of addresses than kernels give today.
fixed=()
! setarch "$(uname -m)" -R true 2>/dev/null || fixed=(setarch "$(uname -m)" -R)

# sanitized_by COMPILER SANITIZER: no report, and right counts.
sanitized_by() {
  compile sanitized "$1" -O1 "-fsanitize=$2" -fno-sanitize-recover=all "$here/sanitized.cpp" \
    "${marked[@]}" && counted "${fixed[@]}" "$made/sanitized"
}
