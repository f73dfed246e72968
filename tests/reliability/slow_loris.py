#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""slow_loris.py PORT [USER]: 300 connections that never finish their request, some of which go on
with it byte by byte. In the end, which is 30 s at most, all of them have been closed and a browser
is served. Connections of another USER don't even keep one out for a moment."""

import os
import socket
import sys
import time

PATIENCE_S = 30
STARTS = (b"", b"G", b"GET / HT", b"GET / HTTP/1.1\r\nHost: local",
          b"POST /api/recordings HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nX: ")


def hold(port):
    """Refused is as good as closed."""
    connection = socket.socket()
    connection.connect(("127.0.0.1", port))
    try:
        connection.sendall(STARTS[connection.fileno() % len(STARTS)])
    except OSError:
        pass
    connection.setblocking(False)
    return connection


def is_open(connection):
    """Sends one more byte of its request."""
    try:
        if connection.fileno() % 2:
            connection.send(b"a")
        return connection.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def is_served(port):
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % port)
            return connection.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


def main(port, user=None):
    own = os.geteuid()
    if user is not None:
        os.seteuid(user)
    held = [hold(port) for _ in range(300)]
    os.seteuid(own)
    if user is not None and not is_served(port):
        sys.exit("another user keeps everybody out")
    end = time.monotonic() + PATIENCE_S
    while held or not is_served(port):
        if time.monotonic() > end:
            sys.exit(f"{len(held)} connections are open still")
        time.sleep(0.5)
        held = [connection for connection in held if is_open(connection)]


main(*map(int, sys.argv[1:]))
