# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# For suites of thagd and real programs: a thagd of their own, at $THAG_SOCKET, in the folder $work.
: "${work:?the folder of the suite}"
thagd='' port=''

# shellcheck source=tests/support/ok.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/ok.sh"

# start_thagd [OPTION]...: one that answers, at $port; what programs leave is in $work/out.
start_thagd() {
  stop_thagd -TERM
  mkdir -p "$work/out"
  : >"$work/line" # what the one before said is not to be taken for this one's
  thagd --socket "$THAG_SOCKET" --port 0 --output-dir "$work/out" "$@" >"$work/line" \
    2>>"$work/thagd.log" &
  thagd=$!
  eventually grep -qs listening "$work/line" || return 1
  # shellcheck disable=SC2034 # for the suite
  port=$(sed -E 's/.*localhost:([0-9]+).*/\1/' "$work/line")
}

# stop_thagd [-SIGNAL]
stop_thagd() {
  [[ -z $thagd ]] || { kill "${1:--TERM}" "$thagd" && wait "$thagd"; } 2>/dev/null
  thagd=''
}

# last FIELD: of the newest session.
last() {
  thag list --json | python3 -c "import json, sys; print(json.load(sys.stdin)['sessions'][-1]['$1'])"
}

is_saved() { [[ $(last saved) == True ]]; }
