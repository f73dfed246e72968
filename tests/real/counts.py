#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""How often each function was called, as several tools say. COUNTS is what count_hooks.c wrote.

counts.py callgrind COUNTS PROGRAM CALLGRIND-OUT  calls of the hook, place by place
counts.py thag COUNTS PROGRAM DIRECTORY  the session that DIRECTORY names (tests/accuracy/lib.sh)
counts.py uftrace COUNTS PROGRAM REPORT  what `uftrace report` printed
counts.py stacks COUNTS PROGRAM FOLDED   callers and callees; PROGRAM was built without inlining

Every function is compared. Prints one line, and up to 20 more for what differs; exits 1 when
anything does."""
import collections
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "accuracy"))
from compare_calls import Names  # noqa: E402
from profile_table import fetch  # noqa: E402

SHOWN = 20
WIDTH = 160
HOOK = "__cyg_profile_func_enter"
CALL_BYTES_MAX = 7

# What is called is a function; each is a pair of a module's path and an address in its file.
Line = collections.namedtuple("Line", "calls function place caller")


def read_address(text):
    """MODULE+0x…"""
    module, _, offset = text.rpartition("+")
    return module, int(offset, 16)


def read_counts(path):
    """Lines of count_hooks.c, which ends with the calls it had no room for."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        *lines, last = [text.split() for text in file]
    if last != ["0", "overflowed"]:
        raise SystemExit(f"{path}: more places than the counter has room for")
    return [Line(int(calls), *map(read_address, places)) for calls, *places in lines]


def by_key(lines, key):
    """Calls, added up."""
    sums = collections.Counter()
    for line in lines:
        sums[key(line)] += line.calls
    return sums


def same_file(path, program):
    """Tools write the same path in different ways."""
    return os.path.basename(path) == os.path.basename(program)


def of_program(counts, program):
    """What the program itself calls: a profiler measures its hooks by functions of its own."""
    return [line for line in read_counts(counts) if same_file(line.place[0], program)]


# --- callgrind ---


class Positions:
    """callgrind's positions: "0x12" is one, "+3", "-3" and "*" count from the one before."""

    def __init__(self):
        self.at = 0

    def read(self, text):
        """The address a line of costs begins with."""
        if text[0] in "+-":
            self.at += int(text, 0)
        elif text[0] != "*":
            self.at = int(text, 0)
        return self.at


def callgrind_places(path, program):
    """Calls of the enter hook that the program makes, by the address of the call instruction."""
    names, objects, positions = Names(), Names(), Positions()
    places = collections.Counter()
    caller, callee, calls = "", "", 0
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, equals, value = line.rstrip("\n").partition("=")
            if not equals and re.match(r"0x|[-+*]", line):
                at = positions.read(line.split()[0])
                if calls and callee == HOOK and same_file(caller, program):
                    places[at] += calls
                calls = 0
            elif key in ("ob", "cob"):
                module = objects.resolve(value)
                caller = module if key == "ob" else caller
            elif key in ("fn", "cfn"):
                name = names.resolve(value)
                callee = name if key == "cfn" else callee
            elif key == "calls":
                calls = int(value.split()[0])
    return places


def compare_callgrind(counts, program, path):
    """Both of one run. The hooks know where they return to, callgrind the call before that."""
    expected = callgrind_places(path, program)
    counted = by_key(of_program(counts, program), lambda line: line.place[1])
    total, differ = sum(counted.values()), []
    for place, calls in sorted(counted.items()):
        found = [at for at in range(place - CALL_BYTES_MAX, place) if at in expected]
        want = expected.pop(found[-1]) if found else 0
        if want != calls:
            differ.append(f"{place:#x}: callgrind {want}, hook {calls}")
    differ += [f"{at:#x}: callgrind {calls}, hook none" for at, calls in expected.items()]
    return report(f"callgrind: {len(counted)} places, {total} calls", differ)


# --- names ---


def plain(name):
    """A name as every tool writes it."""
    return re.sub(r"\[abi:\w+\]|\[clone [^]]*\]|\s+", "", name)


def spellings(name):
    """The demangler says what a function template returns, others don't: what follows each space
    that is in no brackets, the longest first."""
    found, depth = [plain(name)], 0
    for at, char in enumerate(re.sub(r"operator(<<|>>|->|<|>|\(\))", "operator__", name)):
        depth += (char in "<([{") - (char in ">)]}")
        if char == " " and depth == 0:
            found.append(plain(name[at:]))
    return found


def symbols(path):
    """Names by address, aliases included, as nm gives them."""
    names = collections.defaultdict(set)
    for table in ([], ["-D"]):
        listed = subprocess.run(["nm", "-C", "--defined-only", *table, path], check=True,
                                capture_output=True, text=True).stdout
        for line in listed.splitlines():
            address, kind, name = line.split(" ", 2)
            if kind in "tTwWiuV":
                names[int(address, 16)].add(re.sub("@@?[A-Z].*", "", name))
    return names


def one_name(aliases, known):
    """Of a function's names one that the other tool uses, too, if there is any."""
    written = [spelling for alias in sorted(aliases) for spelling in spellings(alias)]
    return next((name for name in written if name in known), written[0])


def name_functions(lines, known):
    """Sorted calls by name."""
    tables, named = {}, collections.defaultdict(list)
    for (module, address), calls in by_key(lines, lambda line: line.function).items():
        if module not in tables:
            tables[module] = symbols(module)
        aliases = tables[module].get(address) or {f"{module}+{address:#x}"}
        named[one_name(aliases, known)].append(calls)
    return {name: sorted(calls) for name, calls in named.items()}


def compare_names(expected, counted, tool):
    """Functions that share a name are compared one by one, or summed where the tool sums them."""
    differ = []
    for name in sorted(set(expected) | set(counted)):
        want, got = expected.get(name, []), sorted(counted.get(name, []))
        if len(got) == 1 or len(want) == 1:
            want, got = [sum(want)], [sum(got)]
        if want != got:
            differ.append(f"{name}: called {want}, {tool} says {got}")
    total = sum(sum(calls) for calls in expected.values())
    return report(f"{tool}: {len(expected)} functions, {total} calls", differ)


def report(what, differ):
    """0 when nothing differs."""
    print(f"  {what}: " + (f"{len(differ)} DIFFER" if differ else "equal"))
    for line in differ[:SHOWN]:
        print(f"    {line[:WIDTH]}")
    return 1 if differ else 0


def compare_thag(counts, program, directory):
    """Against what a user sees in the page's table of functions."""
    counted = collections.defaultdict(list)
    for row in fetch(directory):
        if row["calls"] and not row["section"]:
            counted[plain(row["name"])].append(row["calls"])
    expected = name_functions(of_program(counts, program), set(counted))
    return compare_names(expected, counted, "thag")


def compare_uftrace(counts, program, path):
    """Lines of `uftrace report -f call`: calls, function."""
    counted = collections.defaultdict(list)
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if match := re.match(r"\s*(\d+)\s+(\S.*)$", line):
                counted[plain(match[2])].append(int(match[1]))
    expected = name_functions(of_program(counts, program), set(counted))
    return compare_names(expected, counted, "uftrace")


# --- stacks ---


def function_at(starts, address):
    """The start of the function that holds the address; starts are sorted."""
    low, high = 0, len(starts)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if starts[middle] <= address else (low, middle)
    return starts[low - 1] if low else 0


def compare_stacks(counts, program, folded):
    """Each caller and callee in the stacks is a pair that the hooks saw. Functions that other
    modules call may have any caller, but main has none."""
    names = {at: {plain(name) for name in found} for at, found in symbols(program).items()}
    starts, seen, free = sorted(names), set(), set()
    for line in of_program(counts, program):
        callees = names[line.function[1]]
        if line.caller[0] == line.function[0]:
            callers = names[function_at(starts, line.caller[1] - 1)]
            seen |= {(a, b) for a in callers for b in callees}
        else:
            free |= callees - {"main"}
    shown = set()
    with open(folded, encoding="utf-8") as stacks:
        for stack in stacks:
            frames = [plain(name) for name in stack.rpartition(" ")[0].split(";")]
            shown |= set(zip(frames, frames[1:]))
    wrong = sorted(" calls ".join(pair) for pair in shown - seen if pair[1] not in free)
    return report(f"thag: {len(shown)} callers and callees", wrong)


def main():
    commands = {"callgrind": compare_callgrind, "thag": compare_thag, "uftrace": compare_uftrace,
                "stacks": compare_stacks}
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))


if __name__ == "__main__":
    main()
