# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# Tasks, marks, frames, values, threads' names: from real programs, and what goes wrong with them.

ok 'start' start
examples=$THAG_BUILD/examples

# holds ID PYTHON: what is true of `s`, the session in the list, and `f`, its STEM.json.
holds() {
  list | python3 -c '
import json, sys
s = [s for s in json.load(sys.stdin)["sessions"] if s["id"] == sys.argv[1]][0]
f = json.load(open([p for p in s["files"] if p.endswith(".json")][0])) if s["files"] else {}
by = lambda items: {item["name"]: item for item in items}
assert eval(sys.argv[2]), (s, {k: f.get(k) for k in ("tasks", "marks", "frames", "values")})
' "$1" "$2"
}

# with_thagd PROGRAM…: runs it beside our daemon; its session's id is in $id once it is saved.
with_thagd() {
  THAG_SOCKET=$socket THAG_ON_FULL=wait "$@" >"$work/output" || return 1
  id=$(last_id)
  eventually saved "$id"
}

ok 'marks, frames, values' with_thagd "$examples/orbits" 300
ok 'threads have their names' holds "$id" \
  'sorted(t["name"] for t in s["threads"]) == ["simulation", "statistics"] == sorted(t["name"] for t in f["threads"])'
ok 'rounds are counted and timed' holds "$id" \
  'by(s["frames"])["round"]["count"] == 300 and 0 < by(s["frames"])["round"]["min_ns"] <= by(s["frames"])["round"]["p50_ns"] <= by(s["frames"])["round"]["p99_ns"] <= by(s["frames"])["round"]["max_ns"]'
ok 'instants are in the file' holds "$id" \
  'len(by(f["frames"])["round"]["instants"]) == 300 and by(f["marks"])["closer than ever"]["instants"] == sorted(by(f["marks"])["closer than ever"]["instants"])'
ok 'values end where they end' holds "$id" \
  'by(s["values"])["rounds waiting"]["count"] == 600 and by(s["values"])["rounds waiting"]["last"] == 0 and by(s["values"])["rounds waiting"]["min"] == 0 and by(f["values"])["rounds waiting"]["series"][-1][1] == 0'
ok 'nothing was wrong' holds "$id" 's["mistakes"] == []'
exports_events() {
  request "{\"op\":\"export\",\"session\":\"$id\",\"format\":\"events\"}" | tail -n +2 | python3 -c '
import json, sys
e = json.load(sys.stdin)
assert e["program"] == "orbits" and e["unit"] == "ns" and e["frames"][0]["count"] == 300, e
assert sorted(t["name"] for t in e["threads"]) == ["simulation", "statistics"], e'
}
ok 'all of it can be exported' exports_events

tasks_are_whole() {
  holds "$id" 'all(t["created"] == t["finished"] > 0 and t["live"] == 0 and t["steps"] >= t["created"] for t in s["tasks"]) and len(s["tasks"]) == 2 and s["live_tasks"] == []' &&
    holds "$id" 'all(0 < t["running_ns"] <= t["wall_ns"] and t["longest_ns"] <= t["wall_ns"] for t in s["tasks"])' &&
    holds "$id" 's["mistakes"] == [] and f["task_gaps"] == 0 and f["unwound"] == 0 and f["unmatched"] == 0 and s["truncated"] == 0'
}
ok 'coroutines on one thread' with_thagd "$examples/tasks/tasks-coroutines"
ok 'are whole' tasks_are_whole
if [[ -x $examples/tasks/tasks-pool ]]; then
  for round in 1 2 3; do
    ok "coroutines on several threads, $round" with_thagd "$examples/tasks/tasks-pool"
    ok 'are whole as well' tasks_are_whole
  done
fi

ok 'sections that are ended wrongly' with_thagd "$THAG_BUILD/tests/section_mistakes"
ok 'are counted and told' holds "$id" \
  'f["misuses"] == {"tasks": 0, "sections": 3, "names": 2} and len(s["mistakes"]) == 2 and f["unmatched"] == 0 and f["calls"] == 4 and f["unwound"] == 1'
ok 'sections without a name, and with a long one' holds "$id" \
  '[line.rsplit(" ", 1)[0][:1000] for line in open(s["files"][0]) if "<unnamed>" in line or "nnn" in line] == ["main;foreign;<unnamed>"] + ["main;foreign;" + "n" * 987] * 2'

# A step whose forerunners are lost holds nothing up for long.
goes_on_without() {
  play make=good hello misuses=2 calls=10 task=7 task=0 calls=10 drained exited >"$work/said_by" ||
    return 1
  id=$(last_id)
  eventually saved "$id" && is "$id" events 80 && grep -q '^drained' "$work/said_by" &&
    holds "$id" 'f["task_gaps"] == 1 and f["misuses"]["tasks"] == 2 and len(s["mistakes"]) == 2'
}
ok 'a lost step is counted' goes_on_without
ok 'thag list says it' bash -c "THAG_SOCKET='$socket' '$THAG_BUILD/tools/thag' list | grep -q '^session $id: 2 uses of tasks were wrong'"

# A daemon that is killed while tasks run: the next one goes on, and the program notices nothing.
is_new() { [[ $(last_id) != "$id" ]]; }
survives() {
  local server
  THAG_SOCKET=$socket "$examples/orbits" 100000 >"$work/output" &
  server=$!
  eventually is_new || return 1
  sleep 0.3
  kill -9 "$daemon_pid"
  wait "$daemon_pid" 2>/dev/null
  start || return 1
  wait "$server" || return 1
  id=$(last_id)
  eventually saved "$id" && grep -q '^closest' "$work/output"
}
ok 'a killed daemon' survives
ok 'the next one counts on' holds "$id" 's["frames"][0]["count"] > 0 and s["values"][0]["last"] == 0 and s["state"] == "ended"'
ok 'stop' stop
