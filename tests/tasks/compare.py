#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""compare.py alone DIRECTORY DIRECTORY: two profiles have the same tasks, each with the same
stacks and numbers of calls. compare.py server DIRECTORY: the requests that the server says it has
served are the tasks that finished, and the calls of their handlers. compare.py calls DIRECTORY
NAME=CALLS...: that many of each."""
import glob
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "accuracy"))
from profile_table import fetch  # noqa: E402


def stacks(directory, names):
    """The stacks of the folded file below these names."""
    found = set()
    for path in glob.glob(directory + "/*.folded"):
        with open(path, encoding="utf-8") as lines:
            found |= {line.rsplit(" ", 1)[0] for line in lines}
    return {stack for stack in found if stack.split(";")[0] in names}


def session(directory):
    """What the file of the session says."""
    with open(glob.glob(directory + "/*.json")[0], encoding="utf-8") as file:
        return json.load(file)


def clean(directory):
    """Nothing lost, cut off or mismatched; self times add up to the total."""
    said = session(directory)
    with open(glob.glob(directory + "/*.folded")[0], encoding="utf-8") as lines:
        total = sum(int(line.rsplit(" ", 1)[1]) for line in lines)
    wrong = {key: said[key] for key in ("truncated_frames", "unwound", "unmatched", "orphans",
                                        "invalid") if said[key]}
    wrong.update({key: n for key, n in {**said["lost"], **said["misuses"]}.items() if n})
    if total != said["total_ns"]:
        wrong["self times"] = (total, said["total_ns"])
    print(f"  {directory}: {said['events']} events, wrong: {wrong}")
    return not wrong


def calls(directory, tasks):
    """{name: calls} of the tasks, or of all else."""
    return {row["name"]: row["calls"] for row in fetch(directory) if row["task"] == tasks}


def compare_alone(alone, together):
    names = ("parse", "render", "query")
    ok = clean(alone) and clean(together)
    for what in (lambda d: calls(d, True), lambda d: stacks(d, names),
                 lambda d: {name: calls(d, False)[name]
                            for name in ("whole", "part", "mix", "walk")}):
        one, other = what(alone), what(together)
        print(f"  {len(one)} alone, {len(other)} together, {'equal' if one == other else 'DIFFER'}")
        ok = ok and one == other and len(one) > 0
    return ok


def compare_server(directory):
    kinds = ("echo", "wait", "file", "work", "mixed")
    with open(directory + "/stdout", encoding="utf-8") as lines:
        said = dict(line.split() for line in lines)
    served = {kind: int(said[kind]) for kind in kinds}
    total = sum(served.values())
    functions = calls(directory, False)
    wanted = {"handle": total, "answer": total, "on_written": total, "parse": total,
              "on_file_read": served["file"] + served["mixed"],
              "do_work": served["work"] + served["mixed"],
              "on_timer": served["wait"] + served["mixed"]}
    got = {name: functions[name] for name in wanted}
    print(f"  tasks {calls(directory, True)}\n  served {served}\n  {got}")
    return clean(directory) and calls(directory, True) == served and got == wanted


def compare_calls(directory, claims):
    wanted = {name: int(n) for name, n in (claim.split("=") for claim in claims)}
    got = {**calls(directory, False), **calls(directory, True)}
    print(f"  {got}")
    return all(got.get(name) == n for name, n in wanted.items())


def main():
    what, directory, *rest = sys.argv[1:]
    ok = {"alone": lambda: compare_alone(directory, *rest),
          "server": lambda: compare_server(directory),
          "calls": lambda: compare_calls(directory, rest)}[what]()
    sys.exit(not ok)


if __name__ == "__main__":
    main()
