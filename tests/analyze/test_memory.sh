# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Memory, sessions and recordings.

# The number of the only session there is.
id=1

# The runner sets it.
: "${THAG_BUILD:?}" "${stem:?}" "${older:?}" "${path:=}"

test_memory_files() {
  on 80x24
  at_memory
  keys 1
  drawn
  thag svg "$stem"-memory.folded | cmp - "$path" || fail "thag svg draws something else"
  twin_draws
  keys 3
  drawn
  twin_draws
  keys 7
  shows '1\.91M +main$|1\.91M  alloc'
  thag stat "$stem"-memory.folded >expected
  holds_rows expected
  keys q 5
  shows 'memory was not recorded' 'It failed'
  keys q 9
  shows 'temporary: freed'
  keys 4
  shows 'take a session or a recording'
  keys 9 2
  shows '> 9'
  keys 7
  shows '--at-least 1000001'
  hides small
  keys q 8
  shows '^\[main|^\{all'
  keys q q
  shows 'Memory: profiles'
  keys q 4
  shows 'Before: profiles'
  keys Down Enter
  shows 'After'
  keys Enter
  shows 'Table of the difference'
  keys 3
  shows '2\.86M'
  thag diff "$older"-memory.folded "$stem"-memory.folded >expected
  holds_rows expected
  back_out
}

test_sessions() {
  rm -f ./*.folded ./*.json
  start_thagd
  thag run -q --memory -o words.thag -- "$EXAMPLES/words" /usr/include/stdio.h >/dev/null || fail
  until_true field_is state ended
  on 80x24
  at_memory
  keys q
  shows 'words.thag' 'session +1 ended'
  keys /
  text 'session '
  keys Enter
  shows '> .*session +1 ended'
  touch 1
  keys Enter
  shows "session $id is hidden by a file"
  rm 1
  keys /
  text 'session '
  keys Enter
  shows "filter 'session '"
  keys Enter
  shows '> 1  Flamegraph' 'allocated'
  keys 5
  shows "^session $id\$" 'peak' 'leaked' '65-256' '█'
  thag memory 1 | head -n 18 >expected
  holds_rows expected
  keys q 6
  shows '^ +SIZE +COUNT' '>64K' 'ALLOCATED AT'
  hides lifetime
  keys q
  local what
  for what in 3=temporary 4=leaked 5=allocations 6=live 7=peak 8=freed 1=allocated; do
    keys 9
    shows 'What of memory$'
    keys "${what%=*}"
    shows "^ Memory: words .*, ${what#*=}"
    keys 7
    shows "--metric ${what#*=}\$" FUNCTION
    thag stat 1 --metric "${what#*=}" | head -n 12 | cut -c 1-60 >expected
    holds_rows expected
    keys q
    shows '> 7'
  done
  keys 1
  drawn
  thag svg 1 --metric allocated | cmp - "$path" || fail "thag svg draws something else"
  twin_draws
  keys 3
  shows 'a flamechart is of a folded file'
  keys 8
  shows '^\[|^\{'
  keys q q
  shows 'Memory: profiles'
  keys q
  shows '5  Exit'
  back_out
}

test_recording() {
  rm -f ./*.folded ./*.json
  start_thagd
  thag run -q -o tree.thag -- "$EXAMPLES/treestat" --threads 1 --top 1 /usr/include/linux \
    >/dev/null || fail
  until_true field_is state ended
  on 120x40
  keys 1
  shows 'recording +tree.thag'
  keys /
  text recording
  keys Enter
  shows '1 of'
  keys Enter
  shows '> 1  Flamegraph'
  keys 5
  shows 'P50 +P90 +P99' 'CALLS'
  thag stat latest >all
  sed '1,/FUNCTION/d' all | head -n 20 | cut -c 1-80 >expected
  holds_rows expected
  back_out
  thag stop >/dev/null
}

sum_shown() { screen | sed -n "s/^treestat, session $id: \([^ ]*\) .*/\1/p"; }

sum_has_changed() {
  keys r
  [[ $(sum_shown) != "$1" && -n $(sum_shown) ]]
}

test_live_session() {
  start_thagd
  run_treestat
  on 120x40
  keys 1
  shows 'session +1 live'
  keys /
  text live
  keys Enter
  shows "filter 'live'"
  keys Enter
  shows '> 1  Flamegraph'
  keys 5
  shows "^treestat, session $id: " 'CALLS' 'scan_file'
  until_true sum_has_changed "$(sum_shown)"
  keys q 6
  shows '^\[main' 'calls$|self'
  keys r
  shows '^\[main'
  back_out
  kill "${pid:?}"
}
