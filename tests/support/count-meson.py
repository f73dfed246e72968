#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Counts the tests in meson's testlog.json: a Criterion program by its own summary, one with the
stand-in for Criterion (tests/standin) by its lines, any other program as one test. Prints a line
for each, what those that failed said, Criterion's summaries as they are, and the sum."""
import json
import re
import sys

SUMMARY = re.compile(
    r"\[====\] Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: \d+ \| Crashing: \d+")
REASON = re.compile(r"^(?:\[(?:----|FAIL|ERR )\] +\S|not ok ).*", re.MULTILINE)
STAND_IN = re.compile(r"^(ok|not ok) \w+::\w+$", re.MULTILINE)


def count(test):
    """(passed, failed, Criterion's line or None) of one program."""
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    said = test.get("stdout", "") + test.get("stderr", "")
    found = SUMMARY.search(said)
    lines = STAND_IN.findall(said)
    if lines and not found:
        failed = lines.count("not ok")
        return lines.count("ok"), failed or int(not good), None
    if not found:
        return (1, 0, None) if good else (0, 1, None)
    passed, failed = int(found[2]), int(found[1]) - int(found[2])
    if not good and failed == 0:
        failed = 1
    return passed, failed, found[0].strip()


def reasons(test):
    """What a program that failed said of it: Criterion's lines, or the last."""
    said = test.get("stdout", "") + test.get("stderr", "")
    return (REASON.findall(said) or said.splitlines()[-10:])[:20]


def main():
    total_passed = total_failed = 0
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        tests = [json.loads(line) for line in log if line.strip()]
    for test in tests:
        if test["result"] == "SKIP":
            print(f"skipped {test['name']}")
            continue
        passed, failed, summary = count(test)
        total_passed += passed
        total_failed += failed
        print(f"{'not ok' if failed else 'ok'} {test['name']}")
        if failed:
            print(*(f"  {line}" for line in reasons(test)), sep="\n")
        if summary:
            print(f"{summary} ({test['name']})")
    print(f"{total_passed} passed, {total_failed} failed")


if __name__ == "__main__":
    main()
