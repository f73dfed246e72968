#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What tests/timeline/run.sh asks: check.py PORT WHAT SESSION [ARGUMENT]..."""

import json
import os
import struct
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from page import CHART, HEADER, MERGED, Chart, Page  # pylint: disable=wrong-import-position

FLAME, TABLE = 1, 2
RANGE, ESTIMATED = 32, 64
# the rate of ticks is measured: of a run of some 100 ms it is off by far less than this
TOLERANCE_NS = 50000


def fail(text):
    sys.exit(text)


def chart(page, session, **fields):
    page.send(json.dumps({"op": "chart", "session": session, "columns": 8192, **fields}))
    return Chart(page.frame(CHART))


def read_calls(path):
    """By thread and row: (name, [t0, t1, t2, t3]) in order."""
    calls = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            tid, row, name, *times = line.split()
            calls.setdefault((int(tid), int(row)), []).append((name, [int(t) for t in times]))
    return calls


def lanes_by_tid(got):
    return {lane[2]: lane for lane in got.lanes if lane[1] == 0}


def slices(page, session, _, path):
    """Each call is there, when it was, as long as it was."""
    got = chart(page, session)
    low, high = -1 << 63, 1 << 63
    lanes = lanes_by_tid(got)
    for (tid, row), calls in read_calls(path).items():
        rows = got.rows[lanes[tid][0], 0, row]
        if [s[2] for s in rows] != [name for name, _ in calls]:
            fail(f"{tid} row {row}: {[s[2] for s in rows]}")
        for (start, end, _, count, flags), (_, times) in zip(rows, calls):
            if count != 1 or flags:
                fail(f"{tid} row {row}: count {count}, flags {flags}")
            low = max(low, times[0] - start, times[2] - end)
            high = min(high, times[1] - start, times[3] - end)
    # one offset of the clocks must fit them all
    if low > high + TOLERANCE_NS:
        fail(f"no offset fits: {low} > {high}")
    if got.flags:
        fail(f"flags {got.flags}")


def names(page, session, _, path):
    """Threads are called what the program calls them; sites have files and lines."""
    got = chart(page, session)
    lanes = lanes_by_tid(got)
    tids = {tid for tid, _ in read_calls(path)}
    called = sorted(got.string(lanes[tid][7], lanes[tid][8]) for tid in tids)
    if called != ["worker 0", "worker 1"]:
        fail(called)
    for name, _, file, line in got.sites.values():
        if name in ("outer", "inner", "tiny") and not (file.endswith("program.c") and line > 0):
            fail((name, file, line))


def notes(page, session, _, path):
    got = chart(page, session)
    calls = read_calls(path)
    want = sum(name == "outer" for row in calls.values() for name, _ in row)
    counts = {}
    for note in got.notes:
        name = got.sites[note[6]][0]
        counts[name, note[7]] = counts.get((name, note[7]), 0) + note[8]
        if note[7] and not 1 <= note[4] <= note[5] <= 2 * want:
            fail(note)
    if counts != {("turn", 0): want, ("depth", 1): want}:
        fail(counts)


def windows(page, session, _, path):
    """A part of a chart is what the whole has of that time, and only of what was asked for."""
    whole = chart(page, session)
    lane = next(iter(lanes_by_tid(whole).values()))
    ring = next(ring for ring, _, _ in whole.rows if ring != lane[0])
    first = whole.rows[ring, 0, 0][2]
    part = chart(page, session, **{"from": int(first[0]) - 1000, "to": int(first[1]) + 1000,
                                   "lanes": [[ring, 0, 0, 1]]})
    if list(part.rows) != [(ring, 0, 0)] or len(part.rows[ring, 0, 0]) != 1:
        fail(part.rows)
    found = part.rows[ring, 0, 0][0]
    if abs(found[0] - first[0]) > 1 or abs(found[1] - first[1]) > 1 or found[2] != first[2]:
        fail((found, first))
    if len(part.lanes) != len(whole.lanes) or len(part.asked) != 1:
        fail("lanes")
    last = chart(page, session, last=1000000)
    if not 0.99e6 < last.to_ns - last.from_ns < 1.01e6 or last.to_ns < whole.last_ns:
        fail((last.from_ns, last.to_ns))
    order = [[lane[0], 0, 0, 8] for lane in reversed(whole.lanes)]
    if chart(page, session, lanes=order).rows != whole.rows:
        fail("the order of lanes matters")
    if chart(page, session, lanes=[]).rows:
        fail("rows that nobody asked for")


def tiny(page, session, _, pairs):
    """As many calls as were made, whatever a window's width; or fewer, and that is told."""
    for columns in (1, 100, 1280, 8192):
        got = chart(page, session, columns=columns)
        count = sum(s[3] for row in got.rows.values() for s in row if s[2] == "tiny")
        missing = int(pairs) - count
        if missing and not 0 < missing <= got.dropped:
            fail(f"{columns} columns: {count} of {pairs}, {got.dropped} events dropped")


def budget(page, session, port, pairs):
    """Older time is coarser, and nothing of it missing."""
    tiny(page, session, port, pairs)
    got = chart(page, session)
    if not got.first_ns < got.whole_ns <= got.last_ns:
        fail((got.first_ns, got.whole_ns, got.last_ns))


def same(page, session, _, other):
    """Both sessions are of the same program."""
    one, two = chart(page, session), chart(page, other)
    if one.rows != two.rows or one.lanes != two.lanes or not one.rows:
        fail("they differ")
    if [n[2:] for n in one.notes] != [n[2:] for n in two.notes]:
        fail("their notes differ")


def flame(page, session, **fields):
    page.send(json.dumps({"op": "watch", "session": session, "width": 800, "raw": True, **fields}))
    data = page.frame(FLAME)
    header = HEADER.unpack_from(data)
    nodes = {}
    for i in range(header[4]):
        at = HEADER.size + 40 + i * 104
        total, _, calls = struct.unpack_from("<QQQ", data, at + 16)
        offset, size = struct.unpack_from("<II", data, at + 80)
        name = data[header[5] + offset:header[5] + offset + size].decode()
        nodes[name] = (total, calls, struct.unpack_from("<Q", data, at + 96)[0])
    return header[8], nodes


def ranges(page, session, *_):
    """The flame of a range has the calls that ended in it, and their time."""
    whole = chart(page, session)
    flags, nodes = flame(page, session)
    if flags & RANGE:
        fail("a range without one")
    ring = next(ring for ring, kind, row in whole.rows
                if any(s[2] == "outer" for s in whole.rows[ring, kind, row]))
    for begin, end in ((1, 4), (0, 7), (3, 3)):
        rows = whole.rows[ring, 0, 0]
        start, stop = int(rows[begin][0]) - 100, int(rows[end][1]) + 100
        flags, nodes = flame(page, session, thread=whole_tid(whole, ring),
                             **{"from": start, "to": stop})
        total = sum(s[1] - s[0] for s in rows[begin:end + 1])
        if flags & (RANGE | ESTIMATED) != RANGE:
            fail(f"flags {flags}")
        if nodes["outer"][1] != end + 1 - begin or abs(nodes["outer"][0] - total) > 1000:
            fail((nodes, end + 1 - begin, total))


def whole_tid(got, ring):
    return next(lane[2] for lane in got.lanes if lane[0] == ring)


def slowest(page, session, *_):
    """The longest calls are where the chart has them."""
    whole = chart(page, session)
    function = flame(page, session)[1]["inner"][2]
    calls = [(s[1] - s[0], s[0]) for row in whole.rows.values() for s in row if s[2] == "inner"]
    page.send(json.dumps({"op": "slowest", "session": session, "function": f"{function:016x}",
                          "count": 5}))
    while True:
        binary, message = page.take()
        if not binary and b'"slowest"' in message:
            break
    found = json.loads(message)["calls"]
    if len(found) != 5:
        fail(found)
    # of two that took as long either may be first, so each is looked for
    for call, (duration, _) in zip(found, sorted(calls, reverse=True)):
        if abs(call["duration"] - duration) > 2:
            fail((call, duration))
        same = [c for c in calls if abs(call["duration"] - c[0]) <= 2 and
                abs(call["start"] - c[1]) <= 2]
        if not same:
            fail((call, calls))
        calls.remove(same[0])


def live(page, session, *_):
    """While the program runs, what is new comes by itself; not when it is paused."""
    got = chart(page, session, last=50000000)
    if not got.header[8] & 1:
        fail("it doesn't run")
    for _ in range(3):
        newer = Chart(page.frame(CHART))
        if newer.last_ns < got.last_ns:
            fail("time goes backwards")
        got = newer
    page.send(json.dumps({"op": "chart", "session": session, "paused": True}))
    page.frame(CHART)
    page.send(json.dumps({"op": "chart", "session": ""}))


HOSTILE = [
    '{"op":"chart"}', '{"op":"chart","session":7}', '{"op":"chart","session":"x"}',
    '{"op":"chart","session":"123456789"}', '{"op":"chart","session":"S","from":-1}',
    '{"op":"chart","session":"S","from":5,"to":5}', '{"op":"chart","session":"S","from":5}',
    '{"op":"chart","session":"S","columns":0}', '{"op":"chart","session":"S","columns":8193}',
    '{"op":"chart","session":"S","columns":1e9}', '{"op":"chart","session":"S","last":-5}',
    '{"op":"chart","session":"S","lanes":{}}', '{"op":"chart","session":"S","lanes":[1]}',
    '{"op":"chart","session":"S","lanes":[[0,0,0]]}',
    '{"op":"chart","session":"S","lanes":[[0,2,0,1]]}',
    '{"op":"chart","session":"S","lanes":[[0,0,256,1]]}',
    '{"op":"chart","session":"S","lanes":[[0,0,0,257]]}',
    '{"op":"chart","session":"S","lanes":[[-1,0,0,1]]}',
    '{"op":"chart","session":"S","lanes":[[99999,0,0,1]]}',
    '{"op":"chart","session":"S","lanes":[[0,0,0,1],[0,0,0,1]]}',
    '{"op":"chart","session":"S","lanes":[[0,0,0,"1"]]}',
    '{"op":"chart","session":"S","lanes":' + json.dumps([[i, 0, 0, 256] for i in range(17)]) + '}',
    '{"op":"slowest"}', '{"op":"slowest","session":"S","function":""}',
    '{"op":"slowest","session":"S","function":"xyz"}',
    '{"op":"slowest","session":"S","function":"00000000000000aa","count":0}',
    '{"op":"slowest","session":"S","function":"00000000000000aa","count":1001}',
    '{"op":"slowest","session":"123456789","function":"00000000000000aa"}',
    '{"op":"slowest","session":"S","function":"00000000000000aa","from":9,"to":3}',
]


def hostile(page, session, *_):
    """What makes no sense is refused, and the connection goes on."""
    for request in HOSTILE:
        page.send(request.replace("S", session))
        page.error()
    got = chart(page, session, lanes=[[i % 1024, i // 1024, 0, 2] for i in range(2048)])
    if len(got.asked) != 2048 or not got.rows:
        fail("many lanes")
    far = chart(page, session, **{"from": 1 << 62, "to": (1 << 63) - 1})
    if far.to_ns - far.from_ns > 10:
        fail("beyond the end")


def export(port, session, **fields):
    query = urllib.parse.urlencode({"format": "chrome", **fields})
    url = f"http://localhost:{port}/api/sessions/{session}/export?{query}"
    with urllib.request.urlopen(url) as reply:
        return json.load(reply)


def complete(file):
    """Its calls, [start, end] in ns and name, by thread."""
    calls = {}
    for event in file["traceEvents"]:
        if event["ph"] == "X":
            start = round(event["ts"] * 1000)
            calls.setdefault(event["tid"], []).append(
                (start, start + round(event["dur"] * 1000), event["name"], event["args"]))
    return calls


def check_nesting(calls):
    """A call lies within all that are open when it begins."""
    around = []
    for start, end, name, _ in calls:
        while around and around[-1] <= start:
            around.pop()
        if around and end > around[-1]:
            fail(f"{name}, {start} to {end}, is not within {around[-1]}")
        around.append(end)


def chrome(page, session, port, path, pairs):
    """Each call is in the file once, when it was, within its caller."""
    del page
    file = export(port, session)
    other = file["otherData"]
    if not other["complete"] or "cut_ns" in other or "missing_to_ns" in other:
        fail(other)
    calls = complete(file)
    low, high = -1 << 63, 1 << 63
    by_tid = {}
    for (tid, _), made in read_calls(path).items():
        by_tid.setdefault(tid, []).extend(made)
    for tid, made in by_tid.items():
        made.sort(key=lambda call: call[1][0])
        if [c[2] for c in calls[tid]] != [name for name, _ in made]:
            fail(f"{tid}: {[c[2] for c in calls[tid]]}")
        for (start, end, _, args), (_, times) in zip(calls[tid], made):
            if not args["file"].endswith("program.c") or args["line"] <= 0:
                fail(args)
            low = max(low, times[0] - start, times[2] - end)
            high = min(high, times[1] - start, times[3] - end)
    if low > high + TOLERANCE_NS:
        fail(f"no offset fits: {low} > {high}")
    for made in calls.values():
        check_nesting(made)
    count = sum(call[2] == "tiny" for made in calls.values() for call in made)
    if count != int(pairs):
        fail(f"{count} of {pairs}")
    names_told = sorted(e["args"]["name"] for e in file["traceEvents"]
                        if e["name"] == "thread_name")
    if names_told != ["worker 0", "worker 1"]:
        fail(names_told)
    outer = sum(name == "outer" for made in by_tid.values() for name, _ in made)
    for phase, name in (("i", "turn"), ("C", "depth")):
        if sum(e["ph"] == phase and e["name"] == name for e in file["traceEvents"]) != outer:
            fail(f"{name}: not {outer}")
    chrome_part(port, session, calls, next(iter(by_tid)))


def chrome_part(port, session, calls, tid):
    """A thread and a range have what the whole has of them."""
    if complete(export(port, session, thread=tid)) != {tid: calls[tid]}:
        fail("a thread")
    whole = [call for call in calls[tid] if call[2] == "outer"]
    begin, end = whole[1][0] + 1000, whole[3][1] + 1000
    part = complete(export(port, session, **{"thread": tid, "from": begin, "to": end}))[tid]
    want = [call for call in calls[tid] if call[0] < end and call[1] > begin]
    if [call[2] for call in part] != [call[2] for call in want] or len(part) >= len(calls[tid]):
        fail((part, want))
    for got, call in zip(part, want):
        if abs(got[0] - max(call[0], begin)) > 2 or abs(got[1] - min(call[1], end)) > 2:
            fail((got, call))
    if not part[0][3].get("begins_before") or "begins_before" in part[-1][3]:
        fail(part)


def chrome_cut(page, session, port, pairs):
    """What isn't in the file is told: too many calls, and those that are not kept."""
    del page
    file = export(port, session)
    other = file["otherData"]
    if other["complete"] or not ("cut_ns" in other or "missing_to_ns" in other):
        fail(other)
    if len(file["traceEvents"]) > int(pairs):
        fail("more calls than there is room for")


def chrome_refused(page, session, port):
    del page
    try:
        export(port, session)
    except urllib.error.HTTPError as error:
        if error.code == 404 and b"keeps no timeline" in error.read():
            return
    fail("it has calls without a timeline")


def refused(page, session, _, text):
    page.send(json.dumps({"op": "chart", "session": session}))
    message = page.error()
    if text not in message:
        fail(message)


if __name__ == "__main__":
    globals()[sys.argv[2]](Page(int(sys.argv[1])), sys.argv[3], sys.argv[1], *sys.argv[4:])
