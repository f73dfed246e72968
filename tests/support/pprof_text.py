#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""pprof_text.py [VALUE] FILE: what pprof's schema says of a file, by protoc and the schema that
comes with pprof itself: folded stacks of the values of that type (time), sorted, equal ones summed.
Fails where the file isn't what the schema asks for."""

import collections
import gzip
import sys

from protobuf_text import decode, every, one

GO = "/usr/share/gocode/src/github.com/google/pprof/proto"


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
    message = decode(file.read(), f"--proto_path={GO}", "--decode=perftools.profiles.Profile",
                     "profile.proto")
sys.stdout.buffer.writelines(folded(message, wanted))
