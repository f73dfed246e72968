# SPDX-License-Identifier: MIT OR Apache-2.0
"""The table of functions of a session, as thagd sends it to a browser (proto/thag/frames.h).

A client of its own in a hundred lines, so that what is compared with callgrind and perf is what
a user sees. Port and session are read from the directory of a profiled run; see lib.sh."""
import base64
import json
import os
import socket
import struct

FRAME_MAGIC, FRAME_VERSION, FRAME_TABLE = 0x46474854, 4, 2
HEADER = struct.Struct("<IHHIIIIIIQIIQQQQQII")
ROW = struct.Struct("<9Q6IQ")
NODE_SECTION, NODE_TASK = 2, 8
TIMEOUT_S = 20


class Connection:
    """A WebSocket, as much of it as is needed."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.data = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((
            f"GET /ws HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: thag-1\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.data:
            self.fill()
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise OSError("thagd refused the WebSocket: " + repr(head))

    def fill(self):
        """Reads more."""
        more = self.socket.recv(1 << 16)
        if not more:
            raise OSError("thagd closed the WebSocket")
        self.data += more

    def take(self, count):
        """The next `count` bytes."""
        while len(self.data) < count:
            self.fill()
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def send_text(self, text):
        """One text message; a client masks, a mask of zeros is one."""
        data = text.encode()
        size = bytes([0x80 | len(data)]) if len(data) < 126 else (
            b"\xfe" + struct.pack(">H", len(data)))
        self.socket.sendall(b"\x81" + size + bytes(4) + data)

    def receive(self):
        """(opcode, bytes) of the next message, put together from its fragments."""
        kind, message = 0, b""
        while True:
            first, second = self.take(2)
            size = second & 0x7f
            if size == 126:
                size = struct.unpack(">H", self.take(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.take(8))[0]
            data = self.take(size)
            if first & 0x0f >= 8:
                continue
            kind, message = kind or first & 0x0f, message + data
            if first & 0x80:
                return kind, message


def decode(message):
    """Rows of a TABLE message: dicts."""
    header = HEADER.unpack_from(message)
    if header[1] != FRAME_VERSION:
        raise ValueError(f"frames of version {header[1]}, this reads {FRAME_VERSION}")
    count, strings = header[4], header[5]
    rows = []
    for i in range(count):
        row = ROW.unpack_from(message, HEADER.size + 16 + i * ROW.size)
        name = message[strings + row[9]:strings + row[9] + row[10]].decode()
        rows.append({"name": name, "calls": row[0], "self_ns": row[1], "total_ns": row[2],
                     "wait_ns": row[7], "section": bool(row[14] & NODE_SECTION),
                     "task": bool(row[14] & NODE_TASK)})
    return rows


def fetch(directory, raw=False):
    """The rows of the run whose `port` and `session` files lie in `directory`."""
    with open(os.path.join(directory, "port"), encoding="ascii") as file:
        connection = Connection(int(file.read()))
    with open(os.path.join(directory, "session"), encoding="ascii") as file:
        session = file.read().strip()
    connection.send_text(json.dumps({"op": "watch", "session": session, "raw": raw}))
    while True:
        kind, message = connection.receive()
        if kind == 1 and json.loads(message).get("op") == "error":
            raise OSError(message.decode())
        if kind != 2 or HEADER.unpack_from(message)[0] != FRAME_MAGIC:
            continue
        if HEADER.unpack_from(message)[2] == FRAME_TABLE:
            return decode(message)
