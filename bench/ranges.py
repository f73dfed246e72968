#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""ranges.py PORT: of the newest session, what a page waits for: from its question to the last byte.
Flamegraphs of ranges of any length, and viewports of the chart, in milliseconds."""

import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "support"))
from page import CHART, HEADER, Chart, Page  # pylint: disable=wrong-import-position

FLAME, RANGE = 1, 32
ASKED = 60


def ask(page, kind, **fields):
    """Its frame, and the milliseconds it took."""
    start = time.monotonic()
    page.send(json.dumps(fields))
    data = page.frame(kind)
    return data, (time.monotonic() - start) * 1000


def windows(chance, first, last):
    """Short ones as often as long ones; the first is the whole."""
    yield first, last
    for _ in range(ASKED - 1):
        length = (last - first) / 2 ** (chance.random() * 14)
        start = first + (last - first - length) * chance.random()
        yield int(start), int(start + length) + 1


def show(what, times, most_bytes):
    times.sort()
    print(f"  {what:11} p50 {times[len(times) // 2]:6.1f} ms, p99 {times[-1 - len(times) // 100]:6.1f}, "
          f"most {times[-1]:6.1f}; up to {most_bytes / 1024:.0f} KiB")


def main(port):
    page = Page(port)
    chance = random.Random(1)
    wanted = {"op": "chart", "session": "latest", "columns": 1920}
    whole = Chart(ask(page, CHART, **wanted)[0])
    spans = list(windows(chance, whole.first_ns, whole.last_ns))
    times, sizes = [], []
    for start, end in spans:
        data, ms = ask(page, FLAME, op="watch", session="latest", width=1400,
                       **{"from": max(start, 1), "to": end})
        if not HEADER.unpack_from(data)[8] & RANGE:
            raise ValueError("a range was asked for")
        times.append(ms)
        sizes.append(len(data))
    show("flamegraphs", times, max(sizes))
    times, sizes = [], []
    shown = whole.lanes[:8]
    lanes = [[lane[0], lane[1], 0, min(lane[3], 64 // len(shown))] for lane in shown]
    for start, end in spans:
        data, ms = ask(page, CHART, lanes=lanes, **{"from": start, "to": end}, **wanted)
        times.append(ms)
        sizes.append(len(data))
    show("viewports", times, max(sizes))


main(int(sys.argv[1]))
