#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What tests/recording/run.sh asks about sessions.

check.py own COUNTS LIST EVENTS   the last session of LIST (thag list --json) and its EVENTS (thag
                                  export --format events) have what recorded-program counted
check.py same LIVE RECORDED       two exports of events or memory tell the same
check.py between A B REC          what was kept of a session as A.list, A.events and B.…, less one
                                  the other, is what the recording kept as REC has
check.py rest A COUNTS REC        what was counted in the end, less A, is what REC has
check.py lasting FOLDED EVENTS LIST   all that lasting-program does, and nothing else
"""
import json
import struct
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def last(path):
    return load(path)["sessions"][-1]


def read_counts(path):
    """Calls, marks, values and tasks, of all threads."""
    with open(path, "rb") as file:
        rows = list(struct.iter_unpack("<4Q", file.read()))
    return [sum(column) for column in zip(*rows)]


def total(rows, key):
    """Of the one name there is; threads that gave it at once may have it listed twice."""
    return sum(row[key] for row in rows)


def own(counts, sessions, events):
    calls, marks, values, tasks = read_counts(counts)
    session, told = last(sessions), load(events)
    found = {
        # main is one, and the end of a section may leave a call to be closed by its caller
        "calls": sum(thread["calls"] for thread in session["threads"]) - 1,
        "marks": total(told["marks"], "count"),
        "values": total(told["values"], "count"),
        "tasks": total(told["tasks"], "finished"),
        "lost": session["lost"],
        "gaps": told["task_gaps"],
    }
    wanted = {"calls": calls, "marks": marks, "values": values, "tasks": tasks, "lost": 0,
              "gaps": 0}
    if found != wanted:
        return f"counted {wanted}, recorded {found}"
    return None


def comparable(export):
    """Threads have no order; slices of time are cut where events happened to be applied; of marks
    and values the last to be read are listed, and threads are read side by side."""
    export.get("threads", []).sort(key=lambda thread: thread["tid"])
    export.pop("history", None)
    for rows in ("marks", "values", "frames"):
        for row in export.get(rows, []):
            for key in ("instants", "series"):
                row.pop(key, None)
    return export


def same(live, recorded):
    a, b = comparable(load(live)), comparable(load(recorded))
    for key in sorted(set(a) | set(b)):
        if a.get(key) != b.get(key):
            return f"{key}: {str(a.get(key))[:200]} is not {str(b.get(key))[:200]}"
    return None


def numbers(name):
    """Of what was kept as `name`: what adds up."""
    session, told = last(f"{name}.list"), load(f"{name}.events")
    found = {"events": session["events"], "lost": session["lost"], "gaps": told["task_gaps"]}
    for thread in session["threads"]:
        found[f"calls of {thread['tid']}"] = thread["calls"]
    for kind, keys in (("marks", ["count"]), ("values", ["count"]), ("tasks", ["finished", "steps"])):
        for row in told[kind]:
            for key in keys:
                found[f"{kind} {row['name']} {key}"] = row[key]
    memory = session["memory"]
    if memory:
        found["allocations"] = memory["allocations"]
        found["allocated bytes"] = memory["allocated_bytes"]
        # blocks from before are not known
        found["frees"] = memory["frees"] + memory["unmatched_frees"]
    return found


def between(before, after, recorded):
    a, b, found = numbers(before), numbers(after), numbers(recorded)
    wanted = {key: value - a.get(key, 0) for key, value in b.items()}
    wrong = {key: (found.get(key, 0), wanted.get(key, 0)) for key in wanted | found
             if found.get(key, 0) != wanted.get(key, 0)}
    if wrong:
        return f"recorded, wanted: {wrong}"
    # listed as they were met, which two threads that begin together may be in either order
    names = [sorted(str(thread["name"]) for thread in last(f"{name}.list")["threads"])
             for name in (after, recorded)]
    if names[0] != names[1]:
        return f"threads {names[0]} are {names[1]}"
    return None if wanted["events"] > 1000 else "nothing was done"


def rest(before, counts, recorded):
    """All that recorded-program counted, less what was kept as `before`, is what was recorded; its
    main is one call more."""
    calls, marks, values, tasks = read_counts(counts)
    a, b = numbers(before), numbers(recorded)
    sums = [[sum(value for key, value in found.items() if key.startswith(prefix) and key.endswith(suffix))
             for prefix, suffix in (("calls", ""), ("marks", "count"), ("values", "count"),
                                    ("tasks", "finished"), ("gaps", ""))]
            for found in (a, b)]
    wanted = [x - y for x, y in zip([calls + 1, marks, values, tasks, 0], sums[0])]
    return None if sums[1] == wanted else f"recorded {sums[1]}, not {wanted}"


STACKS = {"stay", "stay;work", "stay;work;step", "stay;work;step;leaf", "lasting",
          "lasting;live", "lasting;live;held", "lasting;live;held;step",
          "lasting;live;held;step;leaf", "main"}


def lasting(folded, events, sessions):
    """What lasting-program does, begun and ended anywhere: no other stacks, nothing is missing."""
    with open(folded, encoding="utf-8") as file:
        stacks = {line.rpartition(" ")[0] for line in file}
    told, session = load(events), last(sessions)
    if stacks - STACKS or told["task_gaps"] or session["lost"]:
        return f"{stacks - STACKS}, {told['task_gaps']} gaps, {session['lost']} lost"
    rounds = total(told["marks"], "count")
    calls = sum(thread["calls"] for thread in session["threads"])
    # 64 a round; two threads are within one at the beginning and the end
    return None if rounds and abs(calls - 64 * rounds) <= 4 * 64 else f"{calls} in {rounds} rounds"


def window(sessions):
    """In seconds since the start of the session: what was around the list."""
    now = last(sessions)["duration_ns"] / 1e9
    print(f"{now - 0.3:.3f} {now + 0.3:.3f}")


def complete(path):
    told = load(path)
    if told["otherData"]["complete"] is not True or len(told["traceEvents"]) < 1000:
        return f"{told['otherData']}, {len(told['traceEvents'])} events"
    return None


def main(argv):
    checks = {"own": own, "same": same, "between": between, "rest": rest,
              "lasting": lasting, "window": window, "complete": complete}
    wrong = checks[argv[1]](*argv[2:])
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
