#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a browser was sent, from a file of all that came; the status says whether it is so.

frames.py FILE metric NUMBER   one frame of each of FLAME, TABLE and MEMORY, of that metric
frames.py FILE count           how many frames, printed
frames.py FILE rate            21 flames, of which never more than 8 a second are made, by the times
                               in them, and once, in 2 s, at least 4; however slow the machine is
"""
import re
import struct
import sys

FLAME, TABLE, MEMORY = 1, 2, 3
SPAN = 8  # flames: 2 s at 4 a second


def frames(data):
    """(type, metric, CLOCK_REALTIME in ns) of each, in order; one that is cut off isn't counted."""
    for match in re.finditer(b"THGF", data):
        at = match.start()
        if at + 56 <= len(data):
            yield (*struct.unpack_from("<H", data, at + 6), *struct.unpack_from("<IQ", data, at + 44))


def has_rate(times):
    print(len(times), "flames, ms between them:", [(b - a) // 1_000_000 for a, b in zip(times, times[1:])])
    if len(times) < 21:
        return False
    mean = (times[-1] - times[0]) / (len(times) - 1)
    shortest = min(b - a for a, b in zip(times, times[SPAN:]))
    return mean > 1e9 / 8.5 and shortest <= 2e9


def main():
    with open(sys.argv[1], "rb") as file:
        found = list(frames(file.read()))
    if sys.argv[2] == "count":
        print(len(found))
        return True
    if sys.argv[2] == "metric":
        print(found)
        return {kind: metric for kind, metric, _ in found} == dict.fromkeys((FLAME, TABLE, MEMORY), int(sys.argv[3]))
    return has_rate([time for kind, _, time in found if kind == FLAME])


sys.exit(not main())
