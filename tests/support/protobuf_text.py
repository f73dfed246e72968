# SPDX-License-Identifier: MIT OR Apache-2.0
"""What protoc decodes, as nested lists: [(field, value)...], a value a list, an int, an enum's name
or bytes. A field that the schema doesn't have fails."""

import re
import subprocess


def decode(data, *arguments):
    text = subprocess.run(["protoc", *arguments], input=data, stdout=subprocess.PIPE,
                          check=True).stdout.decode("utf-8")
    stack = [[]]
    for line in text.splitlines():
        line = line.strip()
        if line == "}":
            stack.pop()
            continue
        opens = line.endswith(" {")
        field, value = (line[:-2], []) if opens else line.split(": ", 1)
        # a number instead of a name
        assert not field.isdigit(), f"no field {field} in the schema: {line}"
        stack[-1].append((field, value if opens else unquote(value)))
        if opens:
            stack.append(value)
    return stack[0]


def unquote(value):
    if value.startswith('"'):
        return re.sub(rb"\\([0-7]{3}|.)", unescape, value[1:-1].encode())
    return int(value) if re.fullmatch(r"-?\d+", value) else value


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
