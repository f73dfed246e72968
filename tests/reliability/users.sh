# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh and files.sh set
# Other users' daemons, directories, links and files, and the runtime directory; a part of files.sh.

ok '45 the debug log: links and directories of others' unit log '*link*'
ok '45 the debug log: directories of others' unit log 'leaves_a*'
ok '45 profiles: links' unit files 'follows_no_symbolic_link' session_files

links() {
  local name
  for name in lock sessions; do
    ln -s "$work/through" "$work/trap.$name"
    fails_with 1 "trap.$name" thagd --socket "$work/trap.sock" --port 0 || return 1
    rm "$work/trap.$name"
  done
  # without its log it runs all the same, attached to where it was started
  ln -s "$work/through" "$work/trap.log"
  "$build/daemon/thagd" --socket "$work/trap.sock" --port 0 --daemonize >"$work/stdout" 2>"$work/stderr" &&
    grep -q "can't open $work/trap.log" "$work/stderr" && THAG_SOCKET=$work/trap.sock thag stop &&
    eventually test ! -e "$work/trap.sock" && [[ ! -e $work/through ]] || return 1
  ln -s "$work/through" "$work/trap.sock"
  fails_with 1 'in the way' thagd --socket "$work/trap.sock" && [[ ! -e $work/through ]]
}
ok '45 links beside the socket' links
links_of_recordings() {
  start_thagd || return 1
  echo mine >"$work/mine"
  ln -s "$work/mine" "$work/linked.thag"
  ln -s "$work/mine" "$work/journal.thag.open"
  fails_with 125 'linked.thag' thag run -q -o "$work/linked.thag" -- "$program" &&
    thag run -q -o "$work/journal.thag" -- "$program" && thag open "$work/journal.thag" &&
    [[ $(cat "$work/mine") == mine ]]
}
ok '45 links at recordings' links_of_recordings
group_writes() {
  stop_thagd
  mkdir -m 775 "$work/open" && chmod 775 "$work/open" &&
    fails_with 1 'can be written by others' thagd --socket "$work/open/s.sock"
}
ok '45 a directory others may write to' group_writes

# Programs where another user finds them, and that user's and a third one's directories.
share() {
  shared=$(mktemp -d /tmp/thag-others.XXXXXX) && chmod 755 "$shared" &&
    cp "$build/daemon/thagd" "$build/tools/thag" "$build/tests/hostile-names" \
      "$build/daemon/fake_program" "$build"/libclient/libthag.so.[0-9] "$shared" &&
    install -d -o 64123 -m 755 "$shared/a" && install -d -o 64124 -m 755 "$shared/b" &&
    install -d -m 1777 "$shared/tmp" && rm -rf /tmp/thag-64123 && export LD_LIBRARY_PATH=$shared
}
# as_user USER [VARIABLE=VALUE]... COMMAND...: a command, since timeout runs nothing else.
mkdir -p "$work/bin" && cat >"$work/bin/as_user" <<'END' && chmod 755 "$work/bin/as_user"
#!/bin/sh
user=$1
shift
cd / && exec setpriv --reuid "$user" --regid "$user" --clear-groups \
  env -u THAG_SOCKET -u XDG_RUNTIME_DIR "$@"
END
export PATH=$work/bin:$PATH

# start_as USER [VARIABLE=VALUE]... [OPTION]...: a thagd of that user's; says where.
start_as() {
  local user=$1 variables=()
  shift
  while [[ ${1:-} == *=* && $1 != -* ]]; do
    variables+=("$1")
    shift
  done
  : >"$work/line"
  as_user "$user" "${variables[@]}" "$shared/thagd" --port 0 "$@" >"$work/line" 2>"$work/as.log" &
  theirs=$!
  eventually grep -q listening "$work/line"
}
end_as() { kill "$theirs" && wait "$theirs"; }
runs_unprofiled() { fails_with 0 "$1" as_user "${@:2}" "$shared/hostile-names"; }

anothers_daemon() {
  local socket=$shared/a/s.sock status=0
  start_as 64123 --socket "$socket" || return 1
  # closed to others, and when it is opened each end refuses the other by its user
  fails_with 1 'Permission denied' as_user 64124 THAG_SOCKET="$socket" "$shared/thag" list || status=1
  chmod 666 "$socket"
  runs_unprofiled 'belongs to another user' 64124 THAG_SOCKET="$socket" || status=1
  fails_with 1 'another user' as_user 64124 THAG_SOCKET="$socket" "$shared/thag" list || status=1
  as_user 64124 "$shared/fake_program" "$socket" make=good hello >"$work/refused" 2>&1
  ! grep -q welcome "$work/refused" || status=1
  as_user 64124 "$shared/fake_program" "$socket" 'op={"op":"list"}' >"$work/refused" 2>&1
  ! grep -q sessions "$work/refused" || status=1
  as_user 64123 THAG_SOCKET="$socket" "$shared/hostile-names" >/dev/null &&
    as_user 64123 THAG_SOCKET="$socket" "$shared/thag" list --json | grep hostile-names >/dev/null || status=1
  end_as && return $status
}
anothers_directory() {
  local own=/tmp/thag-64123
  fails_with 1 'belongs to another user' as_user 64124 "$shared/thagd" --socket "$shared/a/t.sock" || return 1
  install -d -o 64124 -m 700 "$own"
  fails_with 1 "$own" as_user 64123 "$shared/thagd" --port 0 || return 1
  runs_unprofiled "$own/thagd.sock: Permission denied" 64123 || return 1
  rmdir "$own" && install -d -o 64123 -m 755 "$own"
  fails_with 1 "$own must belong to you, with mode 0700" as_user 64123 "$shared/thagd" --port 0 || return 1
  rmdir "$own" && ln -s "$shared/a" "$own"
  fails_with 1 "can't open $own" as_user 64123 "$shared/thagd" --port 0 && [[ ! -e $shared/a/thagd.lock ]]
  local status=$?
  rm -f "$own"
  return $status
}
# Where the kernel itself refuses, that is as good.
anothers_links() {
  echo mine >"$shared/a/mine" && chown 64123 "$shared/a/mine"
  as_user 64124 ln -s "$shared/a/mine" "$shared/tmp/out" && printf 'a;b 1\n' >"$shared/in.folded" &&
    fails_with 1 'Permission denied' as_user 64123 "$shared/thag" svg "$shared/in.folded" -o "$shared/tmp/out" &&
    [[ $(cat "$shared/a/mine") == mine ]] &&
    as_user 64123 ln -s "$shared/a/mine" "$shared/tmp/own" &&
    as_user 64123 "$shared/thag" svg "$shared/in.folded" -o "$shared/tmp/own" && grep -q '<svg' "$shared/a/mine"
}
anothers_journal() {
  start_as 64123 --socket "$shared/a/s.sock" || return 1
  as_user 64124 touch "$shared/tmp/r.thag.open" && chmod 666 "$shared/tmp/r.thag.open"
  # the program runs, and is profiled, unrecorded
  tells_of 0 "can't record to $shared/tmp/r.thag: File exists" as_user 64123 \
    THAG_SOCKET="$shared/a/s.sock" THAG_PROFILER="time,$shared/a" "$shared/thag" run \
    -o "$shared/tmp/r.thag" -- "$shared/hostile-names" && [[ ! -e $shared/tmp/r.thag ]]
  local status=$?
  end_as && return $status
}

# meets WHY VARIABLE=VALUE...: thagd passes the runtime directory over and says why, and a program and
# thag find it where it is then.
meets() {
  local why=$1 told='' status=0
  shift
  [[ -z $why ]] || told="XDG_RUNTIME_DIR can't be used; "
  runs_unprofiled "no thagd answers at /tmp/thag-64123/thagd.sock \(${told}start" 64123 "$@" || return 1
  start_as 64123 "$@" && grep -q 'socket /tmp/thag-64123/thagd.sock' "$work/line" || return 1
  if [[ $why ]]; then
    grep -q "XDG_RUNTIME_DIR isn't used: $why; the socket is /tmp/thag-64123/thagd.sock" "$work/as.log"
  else
    ! grep -q XDG_RUNTIME_DIR "$work/as.log"
  fi || { cat "$work/as.log"; status=1; }
  as_user 64123 "$@" THAG_PROFILER="time,$shared/a" "$shared/hostile-names" >/dev/null &&
    as_user 64123 "$@" "$shared/thag" list --json | grep hostile-names >/dev/null || status=1
  end_as && return $status
}
runtime_directories() {
  local long
  long=$shared/a/$(printf 'x%.0s' {1..90})
  as_user 64123 mkdir -m 700 "$long" "$shared/a/fine" && as_user 64123 mkdir "$shared/a/open" &&
    chmod 770 "$shared/a/open" || return 1
  meets '' && meets '' XDG_RUNTIME_DIR= && meets 'there is no such directory' XDG_RUNTIME_DIR=/nowhere &&
    meets 'it is no absolute path' XDG_RUNTIME_DIR=run &&
    meets 'it belongs to another user' XDG_RUNTIME_DIR="$shared/b" &&
    meets 'others may write to it' XDG_RUNTIME_DIR="$shared/a/open" &&
    meets "it is too long for a socket's path" XDG_RUNTIME_DIR="$long" || return 1
  start_as 64123 XDG_RUNTIME_DIR="$shared/a/fine" && end_as &&
    grep -q "socket $shared/a/fine/thag/thagd.sock" "$work/line"
}

if [[ $(id -u) == 0 ]] && share; then
  ok "44 another user's daemon" anothers_daemon
  ok "44 another user's directory" anothers_directory
  ok "45 another user's link" anothers_links
  ok "45 another user's journal" anothers_journal
  ok '46 runtime directories' runtime_directories
else
  skip '44, 45, 46' 'only root can be another user'
fi
