#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""check_files.py DIRECTORY: what a session left there tells one story: the folded self times add
up to the total that STEM.json names, the table's self times and calls to the same, and nothing
was lost. A call is two events; overlapping sections need more."""
import glob
import json
import sys

from profile_table import fetch


def folded_sum(path):
    """Sum of the self times of all stacks."""
    with open(path, encoding="utf-8") as lines:
        return sum(int(line.rsplit(" ", 1)[1]) for line in lines)


def main():
    stem = glob.glob(sys.argv[1] + "/*.json")[0][:-len(".json")]
    with open(stem + ".json", encoding="utf-8") as file:
        session = json.load(file)
    rows = fetch(sys.argv[1])
    claims = [
        ("folded self times", folded_sum(stem + ".folded"), session["total_ns"]),
        ("table's self times", sum(row["self_ns"] for row in rows), session["total_ns"]),
        ("calls", sum(row["calls"] for row in rows if not row["task"]),
         session["calls"]),
        ("two events a call", min(2 * session["calls"], session["events"]), 2 * session["calls"]),
        ("lost calls", session["lost"]["calls"], 0),
        ("lost words", session["lost"]["words"], 0),
        ("truncated frames", session["truncated_frames"], 0),
    ]
    for name, got, want in claims:
        print(f"  {name:20} {got} {'equal' if got == want else f'DIFFERS from {want}'}")
    sys.exit(any(got != want for _, got, want in claims))


if __name__ == "__main__":
    main()
