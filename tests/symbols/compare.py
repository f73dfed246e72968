#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""compare.py THAG FILE COUNT: frames of random addresses by `thag symbols` and by llvm-symbolizer.

Each address that llvm-symbolizer finds a function for must have the same frames here: names,
files and lines, inlined calls included."""
import random
import re
import subprocess
import sys

thag, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])


def output(command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).stdout


def code_section():
    for line in output(["readelf", "-SW", path]).splitlines():
        match = re.match(r"\s*\[\s*\d+\]\s+\.text\s+\S+\s+(\w+)\s+\w+\s+(\w+)", line)
        if match:
            return int(match[1], 16), int(match[2], 16)
    sys.exit(f"{path} has no .text")


def place(text):
    """FILE:LINE, as far as both sides know it; symbols alone give a file but no line."""
    name, _, line = text.rpartition(":")
    line = line.split()[0]
    return (name.split("/")[-1], line) if line not in ("0", "?") else ("??", "0")


def without_suffix(name):
    return re.sub(r"\.(cold|isra|part|constprop)[.\d]*$", "", name)


def by_thag(text):
    found = {}
    for line in text.splitlines():
        if line.startswith("0x"):
            address, line = line.split(" ", 1)
            frames = found.setdefault(int(address, 16), [])
        line = line.removeprefix("  (inlined by) ")
        name, _, where = line.rpartition(" at ")
        frames.append((without_suffix(name or line), place(where) if name else ("??", "0")))
    return found


def by_llvm(text):
    found, lines = {}, [line for line in text.splitlines() if line]
    while lines:
        if lines[0].startswith("0x"):
            frames = found.setdefault(int(lines.pop(0), 16), [])
        frames.append((without_suffix(lines.pop(0)), place(lines.pop(0))))
    return found


start, size = code_section()
random.seed(start + size)
addresses = sorted({random.randrange(start, start + size) for _ in range(count)})
asked = "".join(f"0x{address:x}\n" for address in addresses)
ours = by_thag(output([thag, "symbols", "--no-demangle", path, "-"], asked))
theirs = by_llvm(output(["llvm-symbolizer", "--output-style=GNU", "--no-demangle", "-a", "-i",
                         "-f", "-e", path], asked))
named = [address for address in addresses if theirs[address][0][0] != "??"]
inlined = sum(len(theirs[address]) > 1 for address in named)
differ = [address for address in named if ours.get(address) != theirs[address]]
for address in differ[:3]:
    print(hex(address), "ours", ours.get(address), "theirs", theirs[address])
print(f"{len(named)} addresses, {inlined} with inlined calls, {len(differ)} differ")
sys.exit(bool(differ) or len(named) < len(addresses) / 2 or not inlined)
