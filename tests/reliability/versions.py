#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""One side of the handshake, of another version than the other.

versions.py thagd SOCKET             a program of another version: prints what thagd answers
versions.py program HOW COMMAND...   a thagd that answers COMMAND in that way: refuses; welcome, of
                                     another control version; memory, whose version is another.
                                     Ends as COMMAND does
"""
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile

MAGIC = 0x47414854
HELLO, WELCOME, REFUSED = 1, 2, 3
VERSION = 1
CONSUMER_MAGIC = 0x1A0A0D6E6F636774


def message(version, kind, body=b"", status=0):
    return struct.pack("<IHHIi", MAGIC, version, kind, len(body), status) + body


def seqpacket():
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def be_program(path):
    with seqpacket() as link:
        link.settimeout(30)
        link.connect(path)
        link.send(message(VERSION + 1, HELLO))
        answer = link.recv(65536)
    magic, _, kind, _, status = struct.unpack_from("<IHHIi", answer)
    print(magic == MAGIC, kind == REFUSED, status, answer[16:].decode())


def memory_of_another_version():
    """As thagd's for its consumer indices, sealed, but of version 9999."""
    fd = os.memfd_create("thag-consumer", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 16 << 20)
    os.pwrite(fd, struct.pack("<QII", CONSUMER_MAGIC, 9999, 1024), 0)
    fcntl.fcntl(fd, 1033, 0x2 | 0x4)  # F_ADD_SEALS: SHRINK, GROW
    return fd


def answer(link, how):
    welcome = struct.pack("<QII", 1, 0, 0)
    if how == "refuses":
        link.send(message(VERSION + 1, REFUSED, b"come back with another version", -93))
    elif how == "welcome":
        socket.send_fds(link, [message(VERSION + 1, WELCOME, welcome)], [os.open("/dev/null", 0)])
    else:
        socket.send_fds(link, [message(VERSION, WELCOME, welcome)], [memory_of_another_version()])


def be_thagd(path, how, command):
    with seqpacket() as listener:
        listener.bind(path)
        listener.listen(4)
        listener.settimeout(30)
        program = subprocess.Popen(command, env={**os.environ, "THAG_SOCKET": path})
        link, _ = listener.accept()
        link.recv(65536)
        answer(link, how)
        link.close()
        return program.wait(30)


def main():
    if sys.argv[1] == "thagd":
        be_program(sys.argv[2])
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return be_thagd(os.path.join(folder, "s"), sys.argv[2], sys.argv[3:])


sys.exit(main())
