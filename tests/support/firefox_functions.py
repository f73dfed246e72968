#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""firefox_functions.py FILE: what the Firefox Profiler's own command line (from npm, of which the
profiler's loader is a part) reads in a profile: `NAME SELF TOTAL` a function, of all threads, time
in nanoseconds, sorted. With --folded FILE: the same of folded stacks."""

import collections
import contextlib
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CLI = os.path.join(HERE, "../../web/node_modules/@firefox-devtools/profiler-cli/dist/profiler-cli.js")


def cli(*arguments):
    return subprocess.run(["node", CLI, *arguments], stdout=subprocess.PIPE, check=True,
                          timeout=60).stdout


def load(path):
    """Its daemon gives itself 500 ms to start, which a busy machine may not have: then it is late."""
    with contextlib.suppress(subprocess.CalledProcessError):
        cli("load", path)
    for tries in range(60):
        try:
            return cli("status")
        except subprocess.CalledProcessError:
            if tries == 59:
                raise
            time.sleep(1)


def of_profile(path):
    sums = collections.defaultdict(lambda: [0, 0])
    try:
        load(path)
        for thread in json.loads(cli("thread", "list", "--limit", "0", "--json"))["threads"]:
            answer = json.loads(cli("thread", "functions", "--thread", thread["threadHandle"],
                                    "--limit", "0", "--json"))
            # milliseconds; bytes and counts are themselves
            factor = 1e6 if answer["weightType"] == "tracing-ms" else 1
            for function in answer["functions"]:
                sums[function["name"]][0] += round(function["selfSamples"] * factor)
                sums[function["name"]][1] += round(function["totalSamples"] * factor)
    finally:
        cli("stop", "--all")
    return sums


def of_folded(path):
    sums = collections.defaultdict(lambda: [0, 0])
    with open(path, encoding="utf-8") as file:
        for line in file:
            stack, value = line.rsplit(" ", 1)
            frames = stack.split(";")
            sums[frames[-1]][0] += int(value)
            for name in set(frames):
                sums[name][1] += int(value)
    return sums


read = of_folded if sys.argv[1] == "--folded" else of_profile
for name, (own, total) in sorted(read(sys.argv[-1]).items()):
    if total:
        print(name, own, total)
