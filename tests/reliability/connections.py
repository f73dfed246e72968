#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""connections.py SOCKET PORT PID: holds 10,000 connections to the thagd PID that ask nothing, first to
its control socket, then to its page. It may have no more of them than its limits say, and when they
are closed it is as before."""

import json
import os
import resource
import socket
import subprocess
import sys
import time

COUNT = 10000
BATCH = 50
path, port, pid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def limits():
    text = subprocess.run([f"/proc/{pid}/exe", "--limits", "--json"], check=True,
                          capture_output=True).stdout
    return {limit["name"]: limit["value"] for limit in json.loads(text)["limits"]}


def fds():
    return len(os.listdir(f"/proc/{pid}/fd"))


def rss_kb():
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def eventually(what, condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    sys.exit(f"{what}: {fds()} descriptors, {rss_kb()} KB")


def hold(make, most):
    """COUNT connections, in batches that thagd has the time to accept; the most descriptors seen."""
    held, peak, refused = [], 0, 0
    while len(held) < COUNT:
        for _ in range(BATCH):
            one, status = make()
            refused += status not in (0, 115)  # EINPROGRESS
            held.append(one)
        peak = max(peak, fds())
    print(f"{len(held)} connections, {refused} not even begun, {peak} descriptors of {before} and {most}")
    if peak > before + most:
        sys.exit("too many")
    return held


def to_socket():
    one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.setblocking(False)
    return one, one.connect_ex(path)


def to_page():
    one = socket.socket()
    one.setblocking(False)
    return one, one.connect_ex(("127.0.0.1", port))


def page_answers():
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
            one.sendall(f"GET /api/sessions HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            return one.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


def socket_answers():
    return subprocess.run([sys.argv[4], "list"], capture_output=True, timeout=60,
                          check=False).returncode == 0


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
COUNT = min(COUNT, hard - 100)
known = limits()
for name, make, most, answers in (
        ("the control socket", to_socket, known["CONTROL_CONNECTIONS_MAX"], socket_answers),
        ("the page", to_page, known["HTTP_CONNECTIONS_MAX"], page_answers)):
    eventually(f"{name} answers", answers)
    before, memory = fds(), rss_kb()
    # a few are thagd's own at times: it looks up who connects
    held = hold(make, most + 8)
    eventually(f"{name} answers while they are held", answers)
    for one in held:
        one.close()
    eventually(f"descriptors of {name}", lambda: fds() <= before)
    eventually(f"memory of {name}", lambda: rss_kb() < memory + 16384)
    eventually(f"{name} answers after that", answers)
