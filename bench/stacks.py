# SPDX-License-Identifier: MIT OR Apache-2.0
"""stacks.py KIND BYTES: folded stacks on stdout, about so many bytes, the same each time.

many: each line another stack, of 3 to 6 frames; deep: likewise, of 20 to 40 frames, which are mostly
their own; few: 500 stacks, again and again.
"""
import random
import sys

WORDS = ["Parser", "Tree", "Visitor", "Cache", "Stream", "Map", "Session", "Index"]
VERBS = ["run", "visit", "next", "insert", "flush", "apply", "lookup", "merge"]
SPACES = ["app", "net::detail", "std::__1", "render::pipeline", "db::index", "json", "core::memory"]
NAMES = [
    f"{SPACES[i % 7]}::{word}<int, {SPACES[i * 3 % 7]}::T>::{verb}(int)"
    for i, (word, verb) in enumerate((word, verb) for word in WORDS for verb in VERBS)
]


def many(numbers):
    """Stacks by number: its digits are their frames."""
    for number in range(10**9):
        rest = number * 2654435761 % 2**24
        depth = 3 + number % 3
        yield ["main"] + [NAMES[rest >> 6 * at & 63] for at in range(depth)] + [f"f{number % 977}"]


def deep(numbers):
    """Stacks that part ever further from the root."""
    path = []
    while True:
        del path[numbers.randrange(len(path) + 1) :]
        path += [numbers.choice(NAMES) for _ in range(numbers.randint(20, 40) - len(path))]
        yield ["main"] + path


def few(numbers):
    """Some stacks over and over."""
    stacks = [["main"] + [numbers.choice(NAMES) for _ in range(numbers.randint(1, 24))] for _ in range(500)]
    while True:
        yield numbers.choice(stacks)


def main():
    kind, most = sys.argv[1], int(sys.argv[2])
    numbers = random.Random(1)
    written = 0
    for stack in {"many": many, "deep": deep, "few": few}[kind](numbers):
        written += sys.stdout.write(f"{';'.join(stack)} {numbers.randint(1, 9999)}\n")
        if written >= most:
            break


main()
