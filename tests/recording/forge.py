#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""forge.py FILE COUNT: FILE with preludes that make no sense but have the right checksums, as
forged0.thag and on. Exits with 77 where there is no libxxhash."""
import ctypes
import ctypes.util
import random
import struct
import sys

CHUNK, INDEX = 7, 9
CHUNK_HEAD, OPENINGS = 16, 17
PRELUDE = 8
FRONT, PART = 32, 24


def load_hash():
    name = ctypes.util.find_library("xxhash")
    if not name:
        sys.exit(77)
    found = ctypes.CDLL(name).XXH3_64bits_withSeed
    found.restype = ctypes.c_uint64
    found.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    return lambda data, seed=0: found(bytes(data), len(data), seed)


def blocks(data):
    """Of a recording: where each begins, up to the first INDEX."""
    at = 64
    while at + FRONT <= len(data):
        kind, size = struct.unpack_from("<H", data, at + 4)[0], struct.unpack_from("<I", data, at + 16)[0]
        if kind == INDEX or size == 0:
            return at
        yield at
        at += size
    return at


def end_of_blocks(data):
    at = 64
    for at in blocks(data):
        pass
    return at + struct.unpack_from("<I", data, at + 16)[0]


def forge(data, at, checksum, seed):
    """Senseless bytes into what a prelude says, here and there."""
    info_bytes, parts = struct.unpack_from("<HH", data, at + 20)
    place = at + FRONT + info_bytes + parts * PART
    for i in range(parts):
        part = at + FRONT + info_bytes + i * PART
        kind, codec, size = struct.unpack_from("<HHI", data, part)
        if codec == 0 and kind in (CHUNK_HEAD, OPENINGS):
            for _ in range(random.randrange(4)):
                # of the head what says which chunk it is stays
                first = 8 if kind == CHUNK_HEAD else 0
                where = place + random.randrange(first, size)
                data[where] = random.choice((0, 1, 2, 7, 0x7F, 0x80, 0xFF, random.randrange(256)))
        padded = (size + 7) // 8 * 8
        struct.pack_into("<Q", data, part + 16, checksum(data[place : place + padded]))
        place += padded
    if random.randrange(4) == 0:
        position = random.choice((0, 1, 1 << 20, (1 << 62) - 1, 1 << 63, (1 << 64) - 1))
        struct.pack_into("<Q", data, at + FRONT, position)
    end = at + FRONT + info_bytes + parts * PART
    struct.pack_into("<Q", data, at + 24, 0)
    struct.pack_into("<Q", data, at + 24, checksum(data[at:end], seed))


def main(path, count):
    checksum = load_hash()
    with open(path, "rb") as file:
        whole = file.read()
    low, high = struct.unpack_from("<QQ", whole, 16)
    whole = whole[: end_of_blocks(whole)]
    preludes = [at for at in blocks(whole) if struct.unpack_from("<H", whole, at + 4)[0] == CHUNK
                and struct.unpack_from("<I", whole, at + FRONT + 48)[0] & PRELUDE]
    if not preludes:
        sys.exit("there are no preludes")
    random.seed(6)
    for i in range(count):
        data = bytearray(whole)
        for at in preludes:
            if i:  # the first is as it was: checksums are understood
                forge(data, at, checksum, low ^ high)
        with open(f"forged{i}.thag", "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
