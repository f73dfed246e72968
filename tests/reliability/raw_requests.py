#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""raw_requests.py WHAT PORT [ID DIRECTORY]: requests byte by byte, to a thagd that has a session.

smuggling  whatever is hidden in a request, it gets one answer, and the connection ends
paths      nothing but the page and what it asks for is there
pages      each answer has the same headers of security, whoever gives it; pages have no script or
           style of their own
unchanged  whatever is got, the sessions and the files in DIRECTORY stay as they are"""

import html.parser
import http.client
import json
import os
import re
import socket
import sys

GET = b"GET /api/sessions HTTP/1.1\r\n"
POST = b"POST /api/recordings?name=x HTTP/1.1\r\n"
PATIENCE_S = 30


def exchange(port, data):
    """All that is answered, until the connection ends; of half a request no more comes."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        got = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                got += piece
        except OSError:
            pass  # it had heard enough
        return got


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def fail(why):
    sys.exit(why)


def fields(port, *more):
    return b"".join([b"Host: localhost:%d\r\n" % port, *(line + b"\r\n" for line in more)])


# --- what is hidden ---


def smuggling(port):
    host, origin = fields(port), b"Origin: http://localhost:%d" % port
    second = b"POST /api/recordings?name=hidden HTTP/1.1\r\n" + fields(port, origin) + \
        b"Content-Length: 6\r\n\r\nhidden" + GET + host + b"\r\n"

    def post(*lines, body=b"hello"):
        return POST + fields(port, origin, *lines) + b"\r\n" + body + second

    chunked = b"Transfer-Encoding: chunked"
    refused, told = (400, 403, 413), (200, 400, 403, 413)
    requests = {
        "pipelined": (GET + host + b"\r\n" + second, (200,)),
        "a body with GET": (GET + host + b"Content-Length: 5\r\n\r\nhello" + second, told),
        "a chunked GET": (GET + host + chunked + b"\r\n\r\n0\r\n\r\n" + second, refused),
        "more than announced": (post(b"Content-Length: 5"), told),
        "length and chunks": (post(b"Content-Length: 5", chunked, body=b"0\r\n\r\n"), refused),
        "chunks and length": (post(chunked, b"Content-Length: 5", body=b"0\r\n\r\n"), refused),
        "chunks": (post(chunked, body=b"5\r\nhello\r\n0\r\n\r\n"), refused),
        "chunks by another name": (post(b"Content-Length: 5", b"Transfer-Encoding: xchunked"), refused),
        "chunks behind a tab": (post(b"Content-Length: 5", b"Transfer-Encoding:\tchunked"), refused),
        "chunks of no coding": (post(b"Content-Length: 5", b"Transfer-Encoding: identity"), refused),
        "two lengths": (post(b"Content-Length: 5", b"Content-Length: 50"), refused),
        "two equal lengths": (post(b"Content-Length: 5", b"Content-Length: 5"), refused),
        "a list of lengths": (post(b"Content-Length: 5, 5"), refused),
        "a length with a sign": (post(b"Content-Length: +5"), refused),
        "a negative length": (post(b"Content-Length: -5"), refused),
        "a hexadecimal length": (post(b"Content-Length: 0x5"), refused),
        "a huge length": (post(b"Content-Length: 99999999999999999999999"), refused),
        "a length of 64 bits": (post(b"Content-Length: 18446744073709551621"), refused),
        "a folded length": (post(b"Content-Length:\r\n 5"), refused),
        "a space before the colon": (post(b"Content-Length : 5"), refused),
        "no length": (post(), refused),
        "two Hosts": (GET + host + b"Host: evil.example\r\n\r\n" + second, refused),
        "two equal Hosts": (GET + host + host + b"\r\n" + second, refused),
        "a Host folded": (GET + host[:-2] + b"\r\n evil.example\r\n\r\n" + second, told),
        "a space behind Host": (GET + host.replace(b":", b" :", 1) + b"\r\n" + second, refused),
        "an address with a host": (b"GET http://evil.example/ HTTP/1.1\r\n" + host + b"\r\n", refused),
        "lines that end in LF": ((GET + host + b"\r\n").replace(b"\r", b"") + second, told),
        "lines that end in CR": ((GET + host + b"\r\n").replace(b"\n", b"") + second, told),
        "NUL in a header": (GET + host + b"X: a\0b\r\n\r\n" + second, told),
        "HTTP/0.9": (b"GET /api/sessions\r\n\r\n" + second, refused),
        "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + second, refused),
        "an upgrade to HTTP/2": (GET + fields(port, b"Connection: Upgrade, HTTP2-Settings",
                                              b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk") +
                                 b"\r\n" + second, refused),
        "60,000 bytes of header": (GET + host + b"X: " + b"a" * 60000 + b"\r\n\r\n" + second, refused),
        "20,000 headers": (GET + host + b"X: a\r\n" * 20000 + b"\r\n" + second, refused),
        "an address of 60,000 bytes": (b"GET /" + b"a" * 60000 + b" HTTP/1.1\r\n" + host + b"\r\n",
                                       refused),
        "TLS": (bytes.fromhex("16030100a5010000a10303") + bytes(160), refused),
    }
    for name, (data, wanted) in requests.items():
        before = sessions(port)
        answer = exchange(port, data)
        got = statuses(answer)
        if len(got) > 1 or not set(got) <= set(wanted) or b"hidden" in answer:
            fail(f"{name}: {got}, {answer[-200:]}")
        if sessions(port) != before:
            fail(f"{name}: there is another session")


# --- what is there ---


def paths(port):
    for path in ("/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd",
                 "/.%00./etc/passwd", "//etc/passwd", "/app.js/../../etc/passwd",
                 "/\\..\\..\\etc\\passwd", "/api/sessions/..%2f..%2fetc/export",
                 "/%c0%ae%c0%ae/etc/passwd", "/api/sessions/1/../../../etc/passwd",
                 "/api/sessions/1/export/../../../../etc/passwd", "/%252e%252e/etc/passwd",
                 "/....//....//etc/passwd", "/etc/passwd%00.js", "/%", "/%zz", "/nope",
                 "/api/sessions/", "/api/sessions/99/export", "/index.html/", "/src/main.ts"):
        answer = exchange(port, b"GET " + path.encode() + b" HTTP/1.1\r\n" + fields(port) + b"\r\n")
        if statuses(answer) not in ([404], [403], []) or b"root:" in answer:
            fail(f"{path}: {answer[:200]}")


# --- what answers have ---


def policy(port):
    sources = " ".join(f"ws://{host}:{port}" for host in ("localhost", "127.0.0.1"))
    return {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
                                   f"connect-src 'self' {sources}; img-src 'self' data:; "
                                   "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
    }


class Page(html.parser.HTMLParser):
    """What runs, or paints, without being asked for by its address."""

    def __init__(self):
        super().__init__()
        self.own, self.parts, self.inside = [], [], ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.inside = tag
        self.own += [name for name in given if name.startswith("on") or name == "style"]
        self.own += [value for value in given.values() if value and re.match(r"\s*javascript:", value, re.I)]
        self.own += [tag for _ in [0] if tag in ("style", "iframe", "object", "embed", "base")]
        self.parts += [given[name] for name in ("src", "href") if given.get(name, "").startswith("/")]

    def handle_data(self, data):
        if self.inside == "script" and data.strip():
            self.own.append(data)

    def handle_endtag(self, tag):
        self.inside = ""


def get(port, path, method="GET", headers=None):
    connection = http.client.HTTPConnection("localhost", port, timeout=PATIENCE_S)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def check_headers(port, what, headers):
    for name, value in policy(port).items():
        if headers.get_all(name) != [value]:
            fail(f"{what}: {name} is {headers.get_all(name)}")


def pages(port, session):
    _, body = get(port, "/")
    page = Page()
    page.feed(body.decode())
    if page.own or len(page.parts) < 3:
        fail(f"the page has {page.own or page.parts}")
    known = {"If-None-Match": get(port, "/app.js")[0].getheader("etag")}
    asked = [(path, "GET", {}, 200) for path in ("/", *page.parts, "/api/sessions",
                                                 f"/api/sessions/{session}/export")]
    asked += [("/app.js", "GET", known, 304), ("/", "HEAD", {}, 200), ("/nope", "GET", {}, 404),
              ("/", "POST", {}, 405), ("/", "GET", {"Origin": "null"}, 403),
              (f"/api/sessions/{session}/export?format=x", "GET", {}, 400),
              ("/api/recordings", "POST", {"Origin": f"http://localhost:{port}"}, 413),
              ("/", "TRACE", {}, 403), ("/%zz", "GET", {}, 403)]
    for path, method, headers, status in asked:
        response, body = get(port, path, method, headers)
        if response.status != status:
            fail(f"{method} {path}: {response.status}")
        check_headers(port, f"{method} {path}", response.headers)
        if response.getheader("content-type", "").startswith("text/html"):
            other = Page()
            other.feed(body.decode())
            if other.own:
                fail(f"{method} {path} has {other.own}")


# --- what is changed ---


def sessions(port):
    return json.loads(get(port, "/api/sessions")[1])


def state(port, directory):
    files = {name: (os.stat(path).st_mtime_ns, os.stat(path).st_size)
             for name in os.listdir(directory) for path in [os.path.join(directory, name)]}
    return sessions(port), files


def unchanged(port, session, directory):
    _, body = get(port, "/")
    page = Page()
    page.feed(body.decode())
    export = f"/api/sessions/{session}/export"
    asked = ["/", *page.parts, "/api/sessions", "/api/recordings", "/api/recordings?name=x", "/ws"]
    for form in ("folded", "speedscope", "pprof", "firefox", "csv", "chrome", "perfetto", "events"):
        asked.append(f"{export}?format={form}&raw=1&from=1&to=90000000000")
    for verb in ("stop", "forget", "end", "enable", "disable", "record", "unrecord", "open", "reset"):
        asked += [f"/api/{verb}", f"/api/sessions/{session}/{verb}", f"/?op={verb}&session={session}",
                  f"{export}?op={verb}", f"/ws?op={verb}&session={session}"]
    before = state(port, directory)
    for path in asked:
        for method in ("GET", "HEAD"):
            get(port, path, method)
        exchange(port, f"GET {path} HTTP/1.1\r\n".encode() + fields(port) +
                 b'Content-Length: 30\r\n\r\n{"op":"end","session":"latest"}')
        if state(port, directory) != before:
            fail(f"{path} changed {state(port, directory)} from {before}")


def main(what, port, *more):
    {"smuggling": smuggling, "paths": paths, "pages": pages, "unchanged": unchanged}[what](
        int(port), *more)


main(*sys.argv[1:])
