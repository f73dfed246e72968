#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""mutate.py SEED SOURCE: the source, written in another way but meaning the same, on stdout.

Line ends, a byte order mark, tabs, comments between any tokens, functions on one line, digraphs,
line splices, bytes that are no UTF-8, no line end at the end: some of them, by the seed."""
import random
import re
import sys

# Comments, literals (raw ones first), directives and numbers with quotes stay whole.
TOKENS = re.compile(
    rb"""(?P<whole>//(?:\\\n|[^\n])*|/\*.*?\*/|(?:u8|[LuU])?R"(?P<d>[^()\\\s]{0,16})\(.*?\)(?P=d)"|
    (?:u8|[LuU])?"(?:\\.|[^"\\\n])*"|[0-9][0-9a-zA-Z']*|(?:u8|[LuU])?'(?:\\.|[^'\\\n])*'|
    ^[ \t]*\#(?:\\\n|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|[^\n])*)|(?P<word>\w+)|
    (?P<blank>[ \t]+)|(?P<line>\n)|(?P<other>.)""", re.DOTALL | re.MULTILINE | re.VERBOSE)
COMMENTS = (b"/* { */", b"/* THAG_PROFILED(); */", b"/* caf\xe9 \xff */", b"/* \" ' */",
            b"/*\n{\n*/", b"/**/")


def split(source):
    return [(match.lastgroup if match.lastgroup != "d" else "whole", match.group())
            for match in TOKENS.finditer(source)]


def add_comments(tokens, dice):
    for kind, text in tokens:
        if kind == "blank" and dice.random() < 0.15:
            yield "whole", b" " + dice.choice(COMMENTS) + b" "
        elif kind == "line" and dice.random() < 0.05:
            yield "whole", b" // } \xe9 THAG_PROFILED(); {"
            yield kind, text
        else:
            yield kind, text


def join_lines(tokens, dice):
    """Bodies on one line, where no comment or directive ends with it."""
    tokens = list(tokens)
    for i, (kind, text) in enumerate(tokens):
        before = tokens[i - 1][1] if i else b"#"
        after = next((t for _, t in tokens[i + 1:i + 3] if t.strip()), b"#")
        free = not before.lstrip().startswith((b"#", b"//")) and not after.lstrip().startswith(b"#")
        if kind == "line" and free and before != b"\n" and dice.random() < 0.6:
            yield "blank", b" "
        else:
            yield kind, text


def add_splices(tokens, dice):
    for kind, text in tokens:
        yield kind, text
        if kind == "blank" and dice.random() < 0.05:
            yield "whole", b"\\\n"


def use_digraphs(tokens, dice):
    digraphs = {b"{": b"<% ", b"}": b"%> "}
    for kind, text in tokens:
        use = kind == "other" and text in digraphs and dice.random() < 0.5
        yield kind, digraphs[text] if use else text


def change_blanks(tokens, dice):
    blank = dice.choice((b"    ", b"  ", b" \t", b"\t\t"))
    for kind, text in tokens:
        yield kind, text.replace(b"\t", blank) if kind == "blank" else text


def change_bytes(source, dice):
    if dice.random() < 0.4:
        source = source.replace(b"\n", b"\r\n")
    elif dice.random() < 0.2:
        source = b"".join(line + dice.choice((b"\n", b"\r\n")) for line in source.split(b"\n"))
    if dice.random() < 0.3:
        source = b"\xef\xbb\xbf" + source
    if dice.random() < 0.3:
        source = source.rstrip()
    return source


def main():
    dice = random.Random(int(sys.argv[1]))
    with open(sys.argv[2], "rb") as file:
        source = file.read().replace(b"\r\n", b"\n")
    tokens = split(source)
    assert b"".join(text for _, text in tokens) == source
    for change in (add_comments, join_lines, add_splices, use_digraphs, change_blanks):
        if dice.random() < 0.5:
            tokens = change(tokens, dice)
    sys.stdout.buffer.write(change_bytes(b"".join(text for _, text in tokens), dice))


main()
