#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""tabs.py PORT PID BURDEN THAG: 200 browsers look at a program while it runs flat out, and a few more
ask for the largest frames and never read. Each gets states, and in the end the last one; thagd's
memory stays flat; no call of the program is lost for it."""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from page import Page  # noqa: E402

TABS, NEVER_READ, ROUNDS = 200, 8, 5
FLAME = 1
GROWTH_KB = 48 << 10
port, pid, burden, thag = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]


def rss_kb():
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def session():
    text = subprocess.run([thag, "list", "--json"], check=True, capture_output=True).stdout
    sessions = json.loads(text)["sessions"]
    return next((one for one in sessions if one["pid"] == program.pid), None)


def state(page):
    """The next FLAME, but for its number."""
    frame = page.frame(FLAME)
    return frame[:24] + frame[28:]


def take_round(pages):
    """A state for each. The least memory meanwhile: what is taken for a moment is not growth."""
    least = rss_kb()
    for page in pages:
        page.frame(FLAME)
        least = min(least, rss_kb())
    return least


def eventually(what, condition):
    for _ in range(600):
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    sys.exit(what)


def look(width, receive_bytes=None):
    page = Page(port, receive_bytes)
    page.send(json.dumps({"op": "watch", "session": watched["id"], "width": width}))
    return page


program = subprocess.Popen([burden, "2", str(1 << 40), "0", "0"], stdout=subprocess.DEVNULL,
                           env={**os.environ, "THAG_ON_FULL": "wait"})
try:
    watched = eventually("no session", session)
    sleepers = [look(16384, 4096) for _ in range(NEVER_READ)]
    tabs = [look(100) for _ in range(TABS)]
    take_round(tabs)
    first, events = take_round(tabs), session()["events"]
    floors = [take_round(tabs) for _ in range(ROUNDS)]
    print(f"{TABS} tabs, {first}, {floors} KB, {session()['events'] - events} events meanwhile")
    if min(floors) > first + GROWTH_KB or session()["events"] == events:
        sys.exit("memory grows, or its events are not read")
finally:
    program.kill()
    program.wait()

eventually("not saved", lambda: session()["saved"])
if session()["lost"] or session()["state"] != "crashed":
    sys.exit(f"lost {session()['lost']}, {session()['state']}")
for width, pages, states in ((100, tabs, 1 << 20), (16384, sleepers, 8)):
    last = state(look(width))
    most = 0
    for page in pages:
        seen = 1
        while state(page) != last:
            seen += 1
        most = max(most, seen)
    if most > states:
        sys.exit(f"{most} states were kept for who doesn't read: more than the latest")
    print(f"{len(pages)} tabs of {width} pixels have the last state, of {len(last)} bytes, by {most}")
