#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""compare.py callgrind FILE DIRECTORY OBJECT... : the calls of every function of the named objects
(base names), as callgrind counted them in the same program, and as thagd says of the run whose port
and session DIRECTORY names. Each side must know exactly the functions of the other.

compare.py counts DIRECTORY [FUNCTION=CALLS]... : these functions were called so often in that run,
and no others but those of the C++ library.

Names are compared without template arguments, parameters and return types, which callgrind and
thagd write in different ways. Prints what differs, and exits 1 when anything does."""
import collections
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../accuracy"))
from profile_table import fetch  # noqa: E402
from compare_calls import Names, plain  # noqa: E402

NAMES_S = 20  # how long names may take
# what the compiler's start files add to each object; they are not compiled here
NOT_OURS = re.compile(r"^(_start|_init|_fini|frame_dummy|__do_global_dtors_aux|(de)?register_tm_clones"
                      r"|call_gmon_start|0x[0-9a-f]+|\(below main\)|_dl_relocate_static_pie)$")
LIBRARY = re.compile(r"^(std::|__gnu_cxx::|operator |_GLOBAL__|__static_initialization)")
UNNAMED = re.compile(r"\+0x[0-9a-f]+$|^0x[0-9a-f]+$|^<")


def short(name):
    """The name alone: a::b for "int a<int>::b<char>(int) const"."""
    name = name.replace("(anonymous namespace)", "{anonymous}").replace("operator()", "{call}")
    name = re.sub(r"operator(<=>|<<=?|>>=?|->\*?|<=?|>=?)", lambda m: "{%d}" % hash(m.group()), name)
    while re.search(r"<[^<>]*>", name):
        name = re.sub(r"<[^<>]*>", "", name)
    while re.search(r"\([^()]*\)", name):
        name = re.sub(r"\([^()]*\)", "", name)
    name = re.sub(r"\[abi:\w+\]|( const| volatile| &+)+$", "", name)
    words = re.split(r" (?![^{]*\})", name.strip())
    return words[-1] if not name.startswith("operator ") else name


def session_calls(directory):
    """Calls by function, once all of them have names."""
    deadline = time.monotonic() + NAMES_S
    while True:
        rows = [row for row in fetch(directory) if not row["section"]]
        if time.monotonic() > deadline or not any(UNNAMED.search(row["name"]) for row in rows):
            break
        time.sleep(0.2)
    calls = collections.Counter()
    for row in rows:
        calls[short(row["name"])] += row["calls"]
    return calls


def callgrind_calls(path, objects):
    """Calls by function of these objects. A cob= line is for the next calls= line only."""
    names, files = Names(), Names()
    calls, here, callee, there = collections.Counter(), None, None, None
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, _, value = line.rstrip("\n").partition("=")
            if key == "ob":
                here = os.path.basename(files.resolve(value))
            elif key == "cob":
                there = os.path.basename(files.resolve(value))
            elif key == "fn":
                names.resolve(value)
            elif key == "cfn":
                callee = plain(names.resolve(value))
            elif key == "calls":
                if (there or here) in objects and not NOT_OURS.match(callee):
                    calls[short(callee)] += int(value.split()[0])
                there = None
    return calls


def report(want, got, who):
    """Prints the differences; whether there are none."""
    wrong = [name for name in sorted(set(want) | set(got)) if want[name] != got[name]]
    for name in wrong:
        print(f"  {name}: {who} {want[name]}, thag {got[name]}")
    if not wrong:
        print(f"  {len(want)} functions, {sum(want.values())} calls: equal")
    return not wrong


def main():
    if sys.argv[1] == "callgrind":
        want, who = callgrind_calls(sys.argv[2], sys.argv[4:]), "callgrind"
        got = session_calls(sys.argv[3])
    else:
        want, who = collections.Counter(), "expected"
        for word in sys.argv[3:]:
            name, _, calls = word.rpartition("=")
            want[name] = int(calls)
        got = session_calls(sys.argv[2])
        got = collections.Counter({n: c for n, c in got.items() if not LIBRARY.match(n)})
    sys.exit(0 if report(want, got, who) and want else 1)


if __name__ == "__main__":
    main()
