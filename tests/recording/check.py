#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What tests/recording/run.sh asks about sessions.

check.py own COUNTS LIST EVENTS   the last session of LIST (thag list --json) and its EVENTS (thag
                                  export --format events) have what recorded-program counted
check.py same LIVE RECORDED       two exports of events or memory tell the same
check.py get LIST FIELD           a field of the last session
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


def main(argv):
    if argv[1] == "get":
        value = last(argv[2])
        for key in argv[3].split("."):
            value = value[key] if value is not None else None
        print(value)
        return 0
    wrong = own(*argv[2:5]) if argv[1] == "own" else same(*argv[2:4])
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
