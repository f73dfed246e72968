#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""compare_shares.py WALL PERF-SCRIPT DIRECTORY...

How each profiled function's share of self time compares with that of the same marks as plain clock
reads (WALL, lines of "NAME NANOSECONDS", see reference/thag.h), and with perf's samples of the
program built without marks (PERF-SCRIPT, the output of perf script -F ip,sym; may be empty). A
sample counts for the innermost function on its stack that thag knows, which is what self time
means here: it includes what the function calls that isn't profiled. A DIRECTORY is a profiled
run's, see lib.sh."""
import collections
import sys

from profile_table import fetch

TOP_SHARE = 3.0  # per cent: what counts as one of the top functions


def sampled(path, names):
    """Samples by innermost known function."""
    counts, found = collections.Counter(), None
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in list(lines) + ["\n"]:
            words = line.split()
            if not words:
                if found:
                    counts[found] += 1
                found = None
            elif found is None and len(words) > 1 and words[1].split(".")[0] in names:
                found = words[1].split(".")[0]
    return counts


def session(directories, raw):
    """Self time by function. What treestat's sections keep for themselves is nothing."""
    sums = collections.Counter()
    for directory in directories:
        for row in fetch(directory, raw):
            sums[row["name"]] += 0 if row["section"] else row["self_ns"]
    return sums


def share(sums, name):
    """Per cent of all."""
    return 100 * sums[name] / sum(sums.values())


def clocked(path, names):
    """Self time by function, from the reference's lines."""
    sums = collections.Counter()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            name, number = line.rsplit(" ", 1)
            if name in names:
                sums[name] += int(number)
    return sums


def main():
    corrected, raw = session(sys.argv[3:], False), session(sys.argv[3:], True)
    wall, samples = clocked(sys.argv[1], corrected), sampled(sys.argv[2], corrected)
    by_wall = by_perf = 0.0
    print(f"share of self time, per cent ({sum(samples.values())} samples by perf)")
    print(f"  {'function':16} {'thag':>7} {'wall':>7} {'apart':>7} {'perf':>7} {'apart':>7}   uncorrected")
    for name in sorted(corrected, key=corrected.get, reverse=True):
        ours, clock = share(corrected, name), share(wall, name)
        seen = share(samples, name) if samples else ours
        if max(ours, clock, seen) < TOP_SHARE:
            continue
        by_wall, by_perf = max(by_wall, abs(ours - clock)), max(by_perf, abs(ours - seen))
        print(f"  {name:16} {ours:7.2f} {clock:7.2f} {ours - clock:+7.2f} {seen:7.2f} "
              f"{ours - seen:+7.2f} {share(raw, name):13.2f}")
    print(f"top functions at most {by_wall:.2f} points from the wall clock (goal: 2)")
    if samples:
        print(f"and at most {by_perf:.2f} points from perf, which samples processor time")


if __name__ == "__main__":
    main()
