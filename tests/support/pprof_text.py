#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""pprof_text.py [VALUE] FILE: what pprof's schema says of a file, by protoc and the schema that
comes with pprof itself: folded stacks of the values of that type (time), sorted, equal ones summed.
Fails where the file isn't what the schema asks for."""

import collections
import gzip
import re
import subprocess
import sys

GO = "/usr/share/gocode/src/github.com/google/pprof/proto"


def decode(data):
    """The message as nested lists: [(field, value)...], a value a list, an int or bytes."""
    text = subprocess.run(
        ["protoc", f"--proto_path={GO}", "--decode=perftools.profiles.Profile", "profile.proto"],
        input=data, stdout=subprocess.PIPE, check=True).stdout.decode("utf-8")
    stack = [[]]
    for line in text.splitlines():
        line = line.strip()
        if line == "}":
            stack.pop()
        elif line.endswith(" {"):
            stack[-1].append((line[:-2], []))
            stack.append(stack[-1][-1][1])
        else:
            field, value = line.split(": ", 1)
            # a number instead of a name: the schema has no such field
            assert not field.isdigit(), f"no field {field} in {line}"
            stack[-1].append((field, unquote(value)))
    return stack[0]


def unquote(value):
    if not value.startswith('"'):
        return int(value) if re.fullmatch(r"-?\d+", value) else value == "true"
    return re.sub(rb"\\([0-7]{3}|.)", unescape, value[1:-1].encode())


def unescape(match):
    escaped = match[1]
    if len(escaped) == 3:
        return bytes([int(escaped, 8)])
    return {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(escaped, escaped)


def every(message, field):
    return [value for name, value in message if name == field]


def one(message, field, default=0):
    values = every(message, field)
    assert len(values) <= 1, f"{field} twice"
    return values[0] if values else default


def folded(profile, wanted):
    strings = every(profile, "string_table")
    assert strings[0] == b"" and len(set(strings)) == len(strings)
    types = [strings[one(kind, "type")] for kind in every(profile, "sample_type")]
    functions = {one(f, "id"): strings[one(f, "name")] for f in every(profile, "function")}
    mappings = {one(m, "id") for m in every(profile, "mapping")}
    locations = {}
    for location in every(profile, "location"):
        assert one(location, "mapping_id") in mappings
        lines = every(location, "line")
        # the innermost of inlined ones first
        locations[one(location, "id")] = [functions[one(line, "function_id")] for line in lines]
    assert 0 not in locations and 0 not in functions and 0 not in mappings
    sums = collections.Counter()
    for sample in every(profile, "sample"):
        values = every(sample, "value")
        assert len(values) == len(types) and min(values) >= 0
        for label in every(sample, "label"):
            assert strings[one(label, "key")] == b"thread" and strings[one(label, "str")]
        frames = [name for at in every(sample, "location_id") for name in locations[at]]
        assert frames
        sums[b";".join(reversed(frames))] += values[types.index(wanted)]
    return sorted(b"%s %d\n" % item for item in sums.items() if item[1])


wanted = sys.argv[1].encode() if len(sys.argv) > 2 else b"time"
with gzip.open(sys.argv[-1]) as file:
    sys.stdout.buffer.writelines(folded(decode(file.read()), wanted))
