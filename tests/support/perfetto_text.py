#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""perfetto_text.py FILE: what Perfetto's schema says of a trace, by protoc: folded stacks of the
slices of threads, own time in ns, sorted; with --count how often each name begins instead. Fails
where the file isn't what the schema asks for.

The schema of events is the one that Chromium, which has Perfetto's trace_processor in it, carries:
descriptors as they were compiled. What is around them is perfetto/trace.proto."""

import collections
import mmap
import os
import re
import subprocess
import sys
import tempfile

from protobuf_text import decode, every, one

CHROMIUM = os.environ.get("THAG_CHROMIUM_BINARY", "/usr/lib/chromium/chromium")
HERE = os.path.dirname(os.path.abspath(__file__))
TRACK_EVENT = "protos/perfetto/trace/track_event/"
STUBS = {  # enough to compile trace.proto: Chromium's take their place
    "track_event.proto": "message TrackEvent {} message EventCategory {} message EventName {}",
    "source_location.proto": "message SourceLocation {}",
}


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def descriptor(data, at):
    """The FileDescriptorProto at `at`: up to what can't be a field of the same."""
    start = at
    while at - start < 1 << 20:
        key, behind = varint(data, at)
        if (key >> 3 == 1 and at > start) or not 1 <= key >> 3 <= 14 or key & 7 not in (0, 2):
            break
        value, behind = varint(data, behind)
        at = behind + (value if key & 7 == 2 else 0)
    return data[start:at]


def chromium_schema():
    found = {}
    with open(CHROMIUM, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for match in re.finditer(rb"\n([ -\x7f])(protos/perfetto/[a-z_/]+\.proto)", data):
            # elsewhere it is a name in a list
            if match[1][0] == len(match[2]):
                proto = descriptor(data, match.start())
                if len(proto) > len(match[2]) + 16:
                    found.setdefault(match[2], proto)
    assert TRACK_EVENT.encode() + b"track_event.proto" in found, "Chromium carries no schema"
    return b"".join(b"\n" + length(len(proto)) + proto for proto in found.values())


def length(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def make_schema(directory):
    os.makedirs(f"{directory}/{TRACK_EVENT}")
    for name, text in STUBS.items():
        with open(f"{directory}/{TRACK_EVENT}{name}", "w", encoding="ascii") as file:
            file.write(f'syntax = "proto2"; package perfetto.protos; {text}')
    schema = f"{directory}/schema"
    subprocess.run(["protoc", f"--proto_path={directory}", f"--proto_path={HERE}/perfetto",
                    f"--descriptor_set_out={schema}", "trace.proto"], check=True)
    with open(schema, "ab") as file:
        file.write(chromium_schema())
    return schema


class Trace:
    """The state of a sequence of packets."""

    def __init__(self):
        self.categories, self.names, self.locations, self.tracks = {}, {}, {}, {}
        self.events = []

    def take(self, packet):
        assert one(packet, "trusted_packet_sequence_id") > 0
        for data in every(packet, "interned_data"):
            for field, into in (("event_categories", self.categories),
                                ("event_names", self.names)):
                for entry in every(data, field):
                    assert one(entry, "iid") not in into
                    into[one(entry, "iid")] = one(entry, "name").decode("utf-8")
            for entry in every(data, "source_locations"):
                self.locations[one(entry, "iid")] = one(entry, "file_name")
        for track in every(packet, "track_descriptor"):
            assert one(track, "uuid") not in self.tracks, "a track twice"
            assert one(track, "parent_uuid", None) in (None, *self.tracks)
            self.tracks[one(track, "uuid")] = track
        for event in every(packet, "track_event"):
            assert one(packet, "sequence_flags") == 2
            assert one(event, "track_uuid") in self.tracks
            self.events.append((one(packet, "timestamp"), event))

    def name(self, event):
        if every(event, "category_iids"):
            assert one(event, "category_iids") in self.categories
            assert one(event, "source_location_iid") in self.locations
            return self.names[one(event, "name_iid")]
        return one(event, "name").decode("utf-8")

    def count(self):
        begins = [event for _, event in self.events if one(event, "type") != "TYPE_SLICE_END"]
        return sorted(collections.Counter(self.name(event) for event in begins).items())

    def folded(self):
        sums, open_slices, last = collections.Counter(), collections.defaultdict(list), {}
        # as trace_processor does: by time, and in the file's order where that is the same
        for time, event in sorted(self.events, key=lambda pair: pair[0]):
            kind, uuid = one(event, "type"), one(event, "track_uuid")
            stack = open_slices[uuid]
            if stack and every(self.tracks[uuid], "thread"):
                sums[";".join(stack)] += time - last[uuid]
            last[uuid] = time
            if kind == "TYPE_SLICE_BEGIN":
                stack.append(self.name(event))
            elif kind == "TYPE_SLICE_END":
                stack.pop()
            elif kind == "TYPE_COUNTER":
                assert every(self.tracks[uuid], "counter") and every(event, "counter_value")
            else:
                assert kind == "TYPE_INSTANT" and self.name(event)
        return sorted(f"{stack} {time}\n" for stack, time in sums.items() if time)


with tempfile.TemporaryDirectory() as directory, open(sys.argv[-1], "rb") as file:
    trace = Trace()
    message = decode(file.read(), f"--descriptor_set_in={make_schema(directory)}",
                     "--decode=perfetto.protos.Trace", "trace.proto")
for packet in every(message, "packet"):
    trace.take(packet)
if sys.argv[1] == "--count":
    print(trace.count())
else:
    sys.stdout.writelines(trace.folded())
