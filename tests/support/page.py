#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A browser's side of thagd's WebSocket, and what a CHART message says (proto/thag/frames.h).

page.py PORT SECONDS REQUEST...   sends each text and prints what comes: texts as they are, of a
                                  frame its type; ends after SECONDS
"""

import base64
import os
import socket
import struct
import sys
import time

CHART = 7
HEADER = struct.Struct("<IHHIIIIIIQIIQQQQQII")
FACTS = struct.Struct("<QQQQQQdQIIIIIIIIII")
LANE = struct.Struct("<IIIIQQQII")
SITE = struct.Struct("<IIIIIIIIQ")
NOTE = struct.Struct("<QQqqqqIIII")
MOMENT = struct.Struct("<QQQ")
MERGED, BEFORE, AFTER, SECTION, TRUNCATED, UNWOUND = 1, 2, 4, 8, 16, 32


class Page:
    """A connection; `take` gives one message after the other."""

    def __init__(self, port, receive_bytes=None):
        self.socket = socket.socket()
        self.socket.settimeout(30)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: thag-1\r\n\r\n".encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.fill()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        if b" 101 " not in head:
            raise OSError(head.decode())

    def fill(self):
        more = self.socket.recv(1 << 16)
        if not more:
            raise EOFError("thagd closed the connection")
        self.data += more

    def cut(self, count):
        while len(self.data) < count:
            self.fill()
        piece, self.data = self.data[:count], self.data[count:]
        return piece

    def send(self, text):
        data = text.encode()
        if len(data) < 126:
            head = struct.pack("!BB", 0x81, 0x80 | len(data))
        elif len(data) < 1 << 16:
            head = struct.pack("!BBH", 0x81, 0xFE, len(data))
        else:
            head = struct.pack("!BBQ", 0x81, 0xFF, len(data))
        self.socket.sendall(head + b"\0\0\0\0" + data)

    def take(self):
        """(is it a frame, its bytes)"""
        message = b""
        while True:
            first, length = self.cut(2)
            if length == 126:
                (length,) = struct.unpack("!H", self.cut(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self.cut(8))
            piece = self.cut(length)
            if first & 15 == 8:
                raise EOFError("thagd closed the connection")
            if first & 15 in (0, 1, 2):
                kind = first & 15 or kind
                message += piece
                if first & 0x80:
                    return kind == 2, message

    def frame(self, kind, seconds=30):
        """The next frame of that type; an error's text is raised."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            binary, message = self.take()
            if not binary and b'"op":"error"' in message:
                raise ValueError(message.decode())
            if binary and HEADER.unpack_from(message)[2] == kind:
                return message
        raise TimeoutError("no such frame")

    def error(self):
        """The next error's text."""
        while True:
            binary, message = self.take()
            if not binary and b'"op":"error"' in message:
                return message.decode()


class Cursor:
    def __init__(self, data, at):
        self.data, self.at = data, at

    def number(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]


class Chart:
    """A CHART message, taken apart: rows[(ring, kind, row)] is a list of slices, each (start ns,
    end ns, name, count, flags)."""

    def __init__(self, data):
        self.data = data
        self.header = HEADER.unpack_from(data)
        if self.header[3] != len(data):
            raise ValueError("its length is wrong")
        (self.from_ns, self.to_ns, self.first_ns, self.last_ns, self.whole_ns, self.start,
         self.rate, self.dropped, lanes, sites, notes, self.columns, view, view_bytes, self.flags,
         asked, moments, _) = FACTS.unpack_from(data, HEADER.size)
        at = HEADER.size + FACTS.size
        self.lanes = [LANE.unpack_from(data, at + i * LANE.size) for i in range(lanes)]
        at += lanes * LANE.size
        self.asked = [struct.unpack_from("<IIII", data, at + i * 16) for i in range(asked)]
        at += asked * 16
        self.sites = {}
        for i in range(sites):
            site = SITE.unpack_from(data, at + i * SITE.size)
            self.sites[site[0]] = (self.string(site[2], site[3]), site[1],
                                   self.string(site[4], site[5]), site[6])
        at += sites * SITE.size
        self.notes = [NOTE.unpack_from(data, at + i * NOTE.size) for i in range(notes)]
        at += notes * NOTE.size
        self.moments = [MOMENT.unpack_from(data, at + i * MOMENT.size) for i in range(moments)]
        at += moments * MOMENT.size
        self.activity = [data[at + i * self.columns:at + (i + 1) * self.columns]
                         for i in range(lanes)]
        self.rows = {}
        self.read_view(Cursor(data, view), view + view_bytes)

    def string(self, offset, count):
        at = self.header[5] + offset
        return self.data[at:at + count].decode()

    def ns(self, ticks):
        return (ticks - self.start) * self.rate

    def read_view(self, cursor, end):
        start, _, self.shift, flags, rows, _ = struct.unpack_from("<QQIIII", self.data, cursor.at)
        if flags & ~self.flags:
            raise ValueError("flags of the view are missing")
        cursor.at += 32
        for _ in range(rows):
            lane, row, shift, count, size = struct.unpack_from("<IIIII", self.data, cursor.at)
            cursor.at += 20
            stop = cursor.at + size
            ring, kind, first, limit = self.asked[lane]
            if not first <= row < first + limit:
                raise ValueError("a row that wasn't asked for")
            self.rows[ring, kind, row] = list(self.read_row(cursor, start, shift, count))
            if cursor.at != stop:
                raise ValueError("a row's length is wrong")
        if cursor.at != end:
            raise ValueError("the view's length is wrong")

    def read_row(self, cursor, place, shift, count):
        site = 0
        for _ in range(count):
            head = cursor.number()
            flags = cursor.number() if head & 4 else 0
            if head & 2:
                site = cursor.number()
            distance = head >> 3
            distance = -(distance + 1 >> 1) if distance & 1 else distance >> 1
            name = self.sites[site][0]
            if head & 1:
                start = (place >> shift) + distance << shift
                place = start + (cursor.number() << shift)
                calls = cursor.number()
                cursor.byte()
                yield self.ns(start), self.ns(place), name, calls, flags | MERGED
                place -= 1 << shift
            else:
                start = place + distance
                place = start + cursor.number()
                yield self.ns(start), self.ns(place), name, 1, flags


def main():
    page = Page(int(sys.argv[1]))
    page.socket.settimeout(float(sys.argv[2]))
    for request in sys.argv[3:]:
        page.send(request)
    try:
        while True:
            binary, message = page.take()
            print(HEADER.unpack_from(message)[2] if binary else message.decode(), flush=True)
    except (TimeoutError, EOFError) as end:
        print(type(end).__name__)


if __name__ == "__main__":
    main()
