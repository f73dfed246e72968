#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the commands of a document and compares what they print with what stands there.

usage: walkthrough.py [--write] DOCUMENT

In blocks fenced as ```console, a line that begins with "$ " is a command, and what follows up to the
next one is its output, stdout and stderr together. All commands run in one bash, in the current
directory. Outputs are compared without regard to numbers, dates, white space and the order of lines,
which is that of times. With --write the document gets the real outputs instead.
"""

import re
import subprocess
import sys

MARK = "=walkthrough="
# a number as thag writes it, with its unit, its sign, or none at all; or a bar
NUMBER = re.compile(r"^([<+x-]?[\d.,]*(ns|us|ms|s|B|K|M|G|%)?[,;]?|#+)$")
# what a machine that has much else to do may say
TOLERATED = "some calls are not kept any more"


class Shell:
    """A bash that runs commands one by one."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["bash", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, bufsize=0)

    def run(self, command):
        self.process.stdin.write(f"{command}\nprintf '\\n{MARK}\\n'\n".encode())
        lines = []
        while (line := self.process.stdout.readline()) != f"{MARK}\n".encode():
            if not line:
                raise SystemExit(f"the shell ended at: {command}")
            lines.append(line.decode(errors="replace").rstrip("\n"))
        # the line end before the mark is ours, or ends a last line that had none
        if lines and lines[-1] == "":
            lines.pop()
        return lines


def parse(lines):
    """Yields (first, last, command): an output is lines[first:last]."""
    inside, at = False, 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            first = at
            while not lines[at].startswith(("$ ", "```")):
                at += 1
            yield first, at, line[2:]


def plain(lines):
    """Lines without what differs from run to run."""
    return sorted(plain_line(line) for line in lines if TOLERATED not in line)


def plain_line(line):
    words = ["#" if NUMBER.match(word) else re.sub(r"\d+", "#", word) for word in line.split()]
    return " ".join(re.sub(r"#[-#:.T]*#", "#", word) for word in words)


def main():
    write = sys.argv[1] == "--write"
    document = sys.argv[-1]
    with open(document, encoding="utf-8") as file:
        lines = file.read().split("\n")
    shell, result, copied, passed, failed = Shell(), [], 0, 0, 0
    for first, last, command in list(parse(lines)):
        found = shell.run(command)
        result += lines[copied:first] + found
        copied = last
        if plain(found) == plain(lines[first:last]):
            passed += 1
        else:
            failed += 1
            print(f"not ok line {first}: {command}")
            print("\n".join("  expected: " + line for line in lines[first:last]))
            print("\n".join("  found:    " + line for line in found))
    if write:
        with open(document, "w", encoding="utf-8") as file:
            file.write("\n".join(result + lines[copied:]))
    print(f"{passed} passed, {failed} failed")
    return 0 if write or not failed else 1


sys.exit(main())
