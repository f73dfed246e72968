#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""mutate.py FILE DIRECTORY COUNT: copies of FILE, each broken in another way.

A third is cut short, a third has bytes changed in its headers and tables, where it hurts most,
and a third anywhere."""
import random
import struct
import sys

path, directory, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(path, "rb") as file:
    whole = file.read()
section_offset, = struct.unpack_from("<Q", whole, 40)
section_size, sections = struct.unpack_from("<HH", whole, 58)


def names():
    """Offset and size of each section's contents."""
    found = []
    for i in range(1, sections):
        _, kind, _, _, offset, size = struct.unpack_from("<IIQQQQ", whole,
                                                         section_offset + i * section_size)
        if kind != 8 and size:
            found.append((offset, size))
    return found


contents = names()
for i in range(count):
    random.seed(i)
    data = bytearray(whole)
    if i % 3 == 0:
        del data[random.randrange(len(data)):]
    for _ in range(random.choice((1, 4, 64)) if i % 3 else 0):
        if i % 3 == 1:
            at = random.choice((random.randrange(64),
                                section_offset + random.randrange(sections * section_size)))
        else:
            offset, size = random.choice(contents)
            at = offset + random.randrange(size)
        data[at] = random.choice((0, 0xff, 0x7f, 0x80, data[at] ^ 1 << random.randrange(8)))
    with open(f"{directory}/broken{i}", "wb") as file:
        file.write(data)
