#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""check_names.py NAMES FORMAT FILE: what a reader of that format, which isn't ours, finds in FILE:
exactly the names of which hostile-names wrote the bytes to NAMES, escaped as docs/export.md says,
and the few harmless ones beside them.

FORMAT: folded, csv, speedscope, pprof, firefox, chrome, perfetto, events, svg, stat, stat.csv,
list, or terminal, which has no other lines than it should and nothing that a terminal obeys."""

import ast
import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../support")
from protobuf_text import decode, every, one  # noqa: E402

GO = "/usr/share/gocode/src/github.com/google/pprof/proto"
OTHERS = {"main", "use_all", "run_thread", "in a task"}
MOST = 4096  # bytes of a frame's name, U+2026 beside them in pictures
SPACES = "\t\n\v\f\r \x85\u2028\u2029"


def cut(text, most):
    data = text.encode()
    return text if len(data) <= most else data[:most - 3].decode(errors="ignore") + "…"


def plain(name, most=MOST):
    """Of any bytes: as UTF-8."""
    return cut(name.decode("utf-8", "replace") or "<unnamed>", most)


def frame(name):
    """As a frame of folded stacks, see core/thag_text.h."""
    text = name.decode("utf-8", "replace")
    text = "".join(c for c in text if c in SPACES or not re.match("[\0-\x1f\x7f-\x9f\ufeff]", c))
    text = re.sub(f"[{SPACES}]+", " ", text).strip(" ").replace(";", ":")
    return cut(re.sub(r" (?=[0-9.]+$)", "_", text), MOST) or "<unnamed>"


def without_controls(name, instead):
    return re.sub("[\0-\x1f\x7f-\x9f]", instead, plain(name))


def picture(name):
    """Of one line, in one direction."""
    spaces = re.sub(f"[{SPACES}]", " ", plain(name))
    return re.sub("[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "\ufffd", spaces)


def cell(name):
    """As a cell that no spreadsheet runs."""
    return "'" + name if name[0] in "=+-@" else name


def is_harmless(text):
    """Whether a terminal prints it, and leaves the order of its characters alone."""
    return not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]",
                         text)


# --- readers: of a file's bytes, the sets of names it has ---


def read_folded(data):
    stacks = [line.rsplit(" ", 1) for line in data.decode("utf-8").split("\n")[:-1]]
    assert all(len(pair) == 2 and pair[1].isdigit() for pair in stacks)
    return {"frames": {name for stack, _ in stacks for name in stack.split(";")}}


def read_csv(data):
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    assert all(None not in row and None not in row.values() for row in rows)
    return {"functions": {row["function"] for row in rows}}


def read_speedscope(data):
    document = json.loads(data)
    threads = {each["name"].rsplit(" · ", 1)[0] for each in document["profiles"]}
    return {"frames": {each["name"] for each in document["shared"]["frames"]}, "threads": threads}


def read_pprof(data):
    profile = decode(gzip.decompress(data), f"--proto_path={GO}",
                     "--decode=perftools.profiles.Profile", "profile.proto")
    strings = every(profile, "string_table")
    labels = {strings[one(label, "str")] for sample in every(profile, "sample")
              for label in every(sample, "label")}
    return {"functions": {strings[one(f, "name")].decode() for f in every(profile, "function")},
            "threads": {label.decode().rsplit(" · ", 1)[0] for label in labels}}


def read_firefox(data):
    threads = json.loads(data)["threads"]
    return {"functions": {each["stringArray"][name] for each in threads
                          for name in each["funcTable"]["name"]},
            "threads": {each["name"].rsplit(" · ", 1)[0] for each in threads}}


def read_chrome(data):
    events = json.loads(data)["traceEvents"]
    found = {kind: {event["name"] for event in events if event["ph"] == kind} for kind in "XiC"}
    found["threads"] = {event["args"]["name"] for event in events if event["name"] == "thread_name"}
    return found


def read_perfetto(data):
    with open("trace", "wb") as file:
        file.write(data)
    text = subprocess.run([f"{HERE}/../support/perfetto_text.py", "--count", "trace"], check=True,
                          stdout=subprocess.PIPE, timeout=60).stdout
    return {"events": {name for name, _ in ast.literal_eval(text.decode())}}


def read_events(data):
    document = json.loads(data)
    return {kind: {each["name"] for each in document[kind] if each["name"]}
            for kind in ("marks", "frames", "values", "tasks", "threads")}


def read_svg(data):
    """Of XML, that is: no name may be more than text and attributes."""
    assert not re.search(rb"<(?:img|svg onload|!--)", data)
    root = xml.fromstring(data)
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds <= {"svg", "style", "script", "g", "rect", "text", "title", "desc", "tspan", "defs",
                     "a", "metadata", "pattern", "path", "line"}, kinds
    assert sum(1 for element in root.iter() if element.tag.endswith("}script")) <= 1
    assert not any(key.startswith("on") for element in root.iter() for key in element.attrib)
    titles = root.iterfind(".//{*}g[@id='frames']//{*}title")
    return {"boxes": {title.text.split("\n", 1)[0] for title in titles}}


def read_stat(data):
    return {"functions": {row["function"] for row in json.loads(data)["rows"]}}


def read_list(data):
    return {"threads": {thread["name"] for session in json.loads(data)["sessions"]
                        for thread in session["threads"] if thread["name"]}}


READERS = {"folded": (read_folded, frame), "csv": (read_csv, lambda name: cell(frame(name))),
           "speedscope": (read_speedscope, plain), "pprof": (read_pprof, plain),
           "firefox": (read_firefox, plain), "chrome": (read_chrome, plain),
           "perfetto": (read_perfetto, plain), "events": (read_events, plain),
           "svg": (read_svg, picture),
           "stat": (read_stat, plain), "list": (read_list, plain),
           "stat.csv": (read_csv, lambda name: cell(without_controls(name, " ")))}


def shown(names):
    return sorted(name[:60] + name[60:][-3:] for name in names)


def check(kind, found, names, escape):
    most = max(len(name) for name in found)  # how much is told of the long one differs
    wanted = {escape(name) for name in names}
    short = {name for name in wanted if len(name) < 63}
    assert short <= found, f"{kind} lack {shown(short - found)}"
    rest = found - short - OTHERS
    rest = {name for name in rest if not re.fullmatch("x{62,}…?", name)}
    assert most <= MOST + 1 and all(re.fullmatch("[\\w .-]*", name) for name in rest), \
        f"{kind} have {shown(rest)}"


def main(names_file, kind, path):
    with open(names_file, encoding="ascii") as file:
        names = [bytes.fromhex(line) for line in file]
    with open(path, "rb") as file:
        data = file.read()
    if kind == "terminal":
        assert is_harmless(data.decode("utf-8")), "a terminal would obey it"
        return
    read, escape = READERS[kind]
    for each, found in read(data).items():
        check(each, found, names, escape)


main(*sys.argv[1:])
