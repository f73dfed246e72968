#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""compare_calls.py FUNCTION... CALLGRIND-OUT DIRECTORY

Compares how often each function was called: as callgrind counted, and as
thagd says of the run whose port and session DIRECTORY names.
Every FUNCTION must be in both; other functions of the session are compared, too, and must be
known to callgrind. Prints a line for each function, and exits 1 when any differs."""
import collections
import re
import sys

from profile_table import fetch

NAME = re.compile(r"^(?:\((\d+)\))? ?(.*)$")


class Names:
    """callgrind's name compression: "(7) name" defines, "(7)" refers."""

    def __init__(self):
        self.known = {}

    def resolve(self, text):
        number, name = NAME.match(text).groups()
        if name and number:
            self.known[number] = name
        return name or self.known[number]


def plain(name):
    """Without callgrind's recursion level (fib'2) and the compiler's clone suffixes."""
    return re.sub(r"('\d+|\.(constprop|isra|part|cold)\.?\d*)+$", "", name)


def callgrind_calls(path):
    """Calls by function; the lines before each calls= say whom."""
    names, calls, callee = Names(), collections.Counter(), None
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, _, value = line.rstrip("\n").partition("=")
            if key in ("fn", "cfn"):
                name = names.resolve(value)
                callee = name if key == "cfn" else callee
            elif key == "calls":
                calls[plain(callee)] += int(value.split()[0])
    return calls


def session_calls(directory):
    """Calls by function; sections are no functions."""
    return {row["name"]: row["calls"] for row in fetch(directory) if not row["section"]}


def main():
    expected, counted = callgrind_calls(sys.argv[-2]), session_calls(sys.argv[-1])
    failed = False
    for name in sorted(set(sys.argv[1:-2]) | set(counted)):
        want, got = expected.get(name), counted.get(name)
        verdict = "equal" if want == got else "DIFFERS"
        failed = failed or want != got
        print(f"  {name:20} callgrind {want!s:>10}  thag {got!s:>10}  {verdict}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
