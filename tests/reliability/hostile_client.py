#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Requests and WebSocket frames that no browser sends, by the thousand, to a thagd that runs.

    hostile_client.py PORT PID SESSION COUNT [SEED [FIRST]]

Each is made from a valid one by chance: SEED and its number decide what it is, so that FIRST and
COUNT 1 send one of them again. All the while an honest browser is served, and SESSION is in its
list; afterwards the process PID has no more descriptors than before, and little more memory
(MOST_MB; 0: that isn't looked at)."""

import json
import os
import random
import select
import socket
import struct
import sys
import time

HELD = 24  # connections open at once
PATIENCE_S = 30
LOOKS = ("watch", "chart", "slowest", "source", "dance")
CHANGES = ("enable", "disable", "forget", "end", "record", "unrecord")  # of no session there is
FIELDS = ("session", "thread", "focus", "width", "search", "sort", "raw", "paused", "sandwich",
          "durations", "order", "metric", "by", "from", "to", "last", "columns", "lanes", "base",
          "base_from", "hide", "only", "collapse", "function", "count", "place", "first", "kinds")


def headers(port, *more):
    return [f"Host: localhost:{port}".encode(), *more]


def request(line, fields, body=b""):
    return b"\r\n".join([line, *fields, b"", body])


def handshake(port):
    return request(b"GET /ws HTTP/1.1", headers(
        port, f"Origin: http://localhost:{port}".encode(), b"Connection: Upgrade",
        b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", b"Sec-WebSocket-Protocol: thag-1"))


def frame(payload, opcode=1, final=True, reserved=0, masked=True, length=None):
    """A frame of a browser; `length`: what it claims to be, whatever it is."""
    length = len(payload) if length is None else length
    head = bytes([(128 if final else 0) | reserved << 4 | opcode])
    mark = 128 if masked else 0
    if length < 126:
        head += bytes([mark | length])
    elif length < 65536:
        head += struct.pack(">BH", mark | 126, length)
    else:
        head += struct.pack(">BQ", mark | 127, length)
    return head + (b"\0\0\0\0" if masked else b"") + payload


# --- what is sent ---


def value(chance, depth=0):
    """Any JSON, of the wrong type more often than not."""
    kind = chance.randrange(10)
    if kind < 2 and depth < 4:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 2 and depth < 4:
        return {chance.choice(FIELDS): value(chance, depth + 1) for _ in range(chance.randrange(4))}
    return chance.choice((
        None, True, False, 0, -1, 1, 1280, 2 ** 31, 2 ** 53, -2 ** 63, 2 ** 63 - 1, 0.5, 1e308, "",
        "99999999999999999999", "0000000000000001", "ffffffffffffffff", "time",
        "live", "calls", "/etc/passwd", "(" * 200, "a{9999}" * 20, "[", "\0", "x" * 5000,
        "\ud800", "<script>", "%n%s"))


def operation(chance):
    text = {chance.choice(FIELDS): value(chance) for _ in range(chance.randrange(6))}
    text["op"] = chance.choice(LOOKS)
    if chance.random() < 0.8:
        text["session"] = chance.choice(("latest", value(chance)))
    if chance.random() < 0.2:
        text["op"], text["session"] = chance.choice(CHANGES), value(chance)
    return json.dumps(text).encode("utf-8", "surrogatepass")


def document(chance):
    """One message: an operation, or what isn't one."""
    kind = chance.randrange(10)
    if kind < 6:
        return operation(chance)
    return chance.choice((
        lambda: b"[" * chance.choice((100, 5000, 60000)),
        lambda: b'{"op":' * 3000,
        lambda: b'{"op":"watch","session":"1","width":' + b"9" * chance.choice((30, 400)) + b"}",
        lambda: b'{"op":"watch","session":"1","width":1e999}',
        lambda: b'{"op":"watch","op":"end","session":"99"}',
        lambda: b'{"op":"' + bytes(chance.choices(range(128, 256), k=20)) + b'"}',
        lambda: bytes(chance.choices(range(256), k=chance.randrange(300))),
        lambda: b"x" * chance.choice((131071, 131073, 200000)),
        lambda: b""))()


def frames(chance):
    """What follows a handshake."""
    text = document(chance)
    cut = chance.randrange(len(text) + 1)
    return chance.choice((
        lambda: frame(text),
        lambda: frame(text[:cut], final=False) + frame(text[cut:], opcode=0),
        lambda: b"".join(frame(text[i:i + 1], 0 if i else 1, False) for i in range(min(cut, 500))),
        lambda: frame(text[:cut], final=False) + frame(b"p", 9) + frame(text[cut:], opcode=0),
        lambda: frame(text[:cut], final=False) + frame(text),
        lambda: frame(text, opcode=0),
        lambda: frame(text, opcode=2),
        lambda: frame(text, opcode=chance.randrange(3, 16)),
        lambda: frame(text, reserved=chance.randrange(1, 8)),
        lambda: frame(text, masked=False),
        lambda: frame(text, length=chance.choice((2 ** 31, 2 ** 62, 2 ** 64 - 1, 65536))),
        lambda: frame(b"p" * chance.choice((125, 126, 4000)), opcode=chance.choice((8, 9, 10))),
        lambda: frame(b"p", opcode=9, final=False),
        lambda: frame(b"p" * 125, opcode=9) * 300,
        lambda: frame(chance.choice((b"", b"\1", b"\3\xe8", b"\0\0bad", b"\xff\xff\xff")), opcode=8),
        lambda: frame(b"\xff\xfe" + text),
        lambda: frame(text) * chance.randrange(2, 40),
        lambda: mutate(chance, frame(text))))()


def mutate(chance, data):
    data = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[at:at + chance.randrange(1, 20)]
        elif kind == 2:
            data[at:at] = bytes(chance.choices(range(256), k=chance.randrange(1, 20)))
        elif kind == 3:
            data[at:at] = data[max(0, at - 30):at] * chance.randrange(1, 10)
        elif kind == 4:
            data[at:at] = chance.choice((b"\r\n", b"\n", b"\r", b"\0", b"\t", b": ", b"%00", b"/../",
                                         b"\r\n\r\n", b"\r\n folded", b"A" * 5000))
        else:
            del data[at:]
    return bytes(data)


def http(chance, port):
    origin = f"Origin: http://localhost:{port}".encode()
    session = chance.choice((b"1", b"latest", b"9", b"x" * 300, b"..%2f..", b"%00"))
    form = chance.choice((b"folded", b"pprof", b"csv", b"perfetto", b"events", b"x" * 999, b"%"))
    line = chance.choice((
        b"GET / HTTP/1.1", b"HEAD /app.js HTTP/1.1", b"GET /api/sessions HTTP/1.1",
        b"GET /api/sessions/" + session + b"/export?format=" + form + b" HTTP/1.1",
        b"GET /ws HTTP/1.1", b"GET /../../etc/passwd HTTP/1.1", b"DELETE /api/sessions HTTP/1.1",
        b"GET http://localhost/ HTTP/1.1", b"GET /" + b"a" * 9000 + b" HTTP/1.1",
        b"GET / HTTP/" + bytes(chance.choices(b"0123456789.", k=5)), b"GET /", b"PRI * HTTP/2.0"))
    fields = headers(port, *chance.choices((
        origin, b"Origin: null", b"Host: evil.example", b"Connection: Upgrade",
        b"Upgrade: websocket", b"Upgrade: h2c", b"Content-Length: 5", b"Content-Length: -1",
        b"Content-Length: 99999999999999999999", b"Transfer-Encoding: chunked",
        b"If-None-Match: " + b'"' * 200, b"Range: bytes=0-,0-,0-", b"Expect: 100-continue",
        b"X: " + b"y" * 5000, b"Cookie: " + b"c=d; " * 300, b"Accept-Encoding: gzip, \xff"),
        k=chance.randrange(8)))
    return mutate(chance, request(line, fields, b"hello")) if chance.random() < 0.6 \
        else request(line, fields, b"hello") * chance.randrange(1, 4)


def upload(chance, port):
    body = bytes(chance.choices(range(256), k=chance.randrange(2000)))
    length = chance.choice((len(body), len(body) + 9, max(0, len(body) - 9), 2 ** 40, 2 ** 63))
    data = request(b"POST /api/recordings?name=" + bytes(chance.choices(range(33, 127), k=9)) +
                   b" HTTP/1.1", headers(port, f"Origin: http://localhost:{port}".encode(),
                                         f"Content-Length: {length}".encode()), body)
    return mutate(chance, data) if chance.random() < 0.3 else data


def make(chance, port):
    """What one connection sends."""
    kind = chance.randrange(10)
    if kind < 4:
        return http(chance, port)
    if kind < 5:
        return upload(chance, port)
    hello = handshake(port)
    if kind < 6:
        hello = mutate(chance, hello)
    return hello + b"".join(frames(chance) for _ in range(chance.randrange(1, 4)))


# --- how it is sent ---


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def pieces(chance, data):
    how = chance.randrange(10)
    if how == 0:
        return [data[i:i + 1] for i in range(min(len(data), 400))] + [data[400:]]
    if how < 4:
        cut = chance.randrange(len(data) + 1)
        return [data[:cut], data[cut:]]
    return [data]


def send(connection, chance, data):
    """As much of it as is taken: who is being refused needn't read on."""
    try:
        for piece in pieces(chance, data):
            while piece:
                if not select.select([], [connection], [], 0.2)[1]:
                    return
                piece = piece[connection.send(piece[:65536], socket.MSG_DONTWAIT):]
    except (BrokenPipeError, ConnectionResetError):
        pass


def leave(connection, chance):
    """Goes away in one of the ways there are; what was answered must be HTTP."""
    how = chance.randrange(5)
    answer = b""
    try:
        if how == 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == 1:
            connection.shutdown(socket.SHUT_WR)
        if how > 1 and select.select([connection], [], [], 0.002)[0]:
            answer = connection.recv(65536)
    except OSError:
        pass
    connection.close()
    if answer and not answer.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")):
        sys.exit(f"that is no answer: {answer[:80]}")


# --- who is served meanwhile ---


def get(port, path):
    """What an honest browser gets; there may be no place for it at once."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with connect(port) as connection:
                connection.sendall(request(f"GET {path} HTTP/1.1".encode(), headers(port)))
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            if answer.startswith(b"HTTP/1.1 200 "):
                return answer.split(b"\r\n\r\n", 1)[1]
        except OSError as error:
            answer = str(error).encode()
        if time.monotonic() > end:
            sys.exit(f"an honest browser isn't served any more: {answer[:80]}")


def check_page(port, session):
    with connect(port) as connection:
        connection.sendall(handshake(port) + frame(b'{"op":"watch","session":"%s"}' % session))
        got = b""
        end = time.monotonic() + PATIENCE_S
        while b"THGF" not in got:
            piece = connection.recv(65536)
            if not piece or time.monotonic() > end:
                sys.exit(f"an honest page gets no flamegraph, but {got[-200:]}")
            got += piece


def check_served(port, session):
    sessions = json.loads(get(port, "/api/sessions"))["sessions"]
    if not any(each["id"] == session.decode() for each in sessions):
        sys.exit(f"session {session.decode()} is gone")


def count_fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


def main(port, pid, session, count, seed=1, first=0):
    get(port, "/")
    check_page(port, session)  # what is made once, the threads of a pool among it, is there now
    fds, memory, held = count_fds(pid), memory_mb(pid), []
    for number in range(first, first + count):
        chance = random.Random(f"{seed} {number}")
        connection = connect(port)
        send(connection, chance, make(chance, port))
        held.append((connection, chance))
        if len(held) == HELD:
            leave(*held.pop(chance.randrange(HELD)))
        if number % 100 == 99:
            check_served(port, session)
            print(f"{number + 1} requests: {memory_mb(pid)} MB, {count_fds(pid)} descriptors",
                  flush=True)
    for each in held:
        leave(*each)
    check_served(port, session)
    check_page(port, session)
    end = time.monotonic() + PATIENCE_S
    while count_fds(pid) > fds:
        if time.monotonic() > end:
            sys.exit(f"{count_fds(pid)} descriptors, {fds} before")
        time.sleep(0.1)
    most = int(os.environ.get("MOST_MB", "150"))
    if most and memory_mb(pid) > memory + most:
        sys.exit(f"{memory_mb(pid)} MB, {memory} before")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode(), *map(int, sys.argv[4:]))
