# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Much at once, and for long; eight threads flat out are row 10, in ring.sh. LOAD_SECONDS (1), LOAD_THREADS (1000) and, for one that lives long,
# SOAK_SECONDS (none) say how much; what is said then are the figures of docs/reliability.md.

# Some hundred thousand calls a second, with allocations, sections and a thread now and then.
lives_long() {
  local -x THAG_PROFILER=both
  load 1 -t 2 -s "$SOAK_SECONDS" -p 4000
}

ok 'start' start_thagd
# so many that go flat out leave thagd no processor to answer within the two seconds they wait for
ok 'load: 64 processes at once' on_full wait load 64 -t 1 -s "${LOAD_SECONDS:-1}" -p 1000
ok 'load: threads born and gone' load 1 -t 4 -n $((${LOAD_THREADS:-1000} / 4))
if [[ -n ${SOAK_SECONDS:-} ]]; then
  ok 'start anew' start_thagd
  ok "load: $SOAK_SECONDS seconds, moderate" lives_long
fi
