#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""compare_shares.py PERF-SCRIPT DIRECTORY...

How each profiled function's share of self time compares with perf's samples of the program built
without marks. A sample counts for the innermost function on its stack that thag knows, which is
what self time means here: it includes what the function calls that isn't profiled. PERF-SCRIPT is
the output of perf script -F ip,sym; a DIRECTORY is a profiled run's, see lib.sh."""
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


def main():
    corrected, raw = session(sys.argv[2:], False), session(sys.argv[2:], True)
    samples = sampled(sys.argv[1], corrected)
    worst = 0.0
    print(f"share of self time, per cent ({sum(samples.values())} samples by perf)")
    print(f"  {'function':20} {'perf':>7} {'thag':>7} {'apart':>7}   uncorrected")
    for name in sorted(corrected, key=corrected.get, reverse=True):
        ours, theirs = share(corrected, name), share(samples, name)
        if max(ours, theirs) < TOP_SHARE:
            continue
        worst = max(worst, abs(ours - theirs))
        print(f"  {name:20} {theirs:7.2f} {ours:7.2f} {ours - theirs:+7.2f} {share(raw, name):13.2f}")
    print(f"top functions at most {worst:.2f} points apart (goal: 2)")


if __name__ == "__main__":
    main()
