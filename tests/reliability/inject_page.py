# SPDX-License-Identifier: MIT OR Apache-2.0
"""What faults are tried on while a browser and commands ask thagd for all that it has."""

import contextlib
import http.client
import json
import os
import re
import shutil
import struct
import subprocess
import time

from inject_sides import PATIENCE_S, UNSEEN, Harm, Server, eventually
from page import HEADER, Page

FLAME, TABLE, MEMORY, CALLERS, CALLEES, DURATIONS, CHART, DIFF = range(1, 9)
FORMATS = ("folded", "events", "memory", "speedscope", "chrome", "perfetto", "pprof", "firefox",
           "profile", "csv")
ROW, ROWS = struct.Struct("<72xII16xQ"), HEADER.size + 16
GONE = ("EPIPE", "ECONNRESET")
# a recording that failed is ended yet, and says why to who ends it
MEANWHILE = ("just being begun or ended", "the recording ")
QUESTION_S, DESPAIR_S = 10, 1  # thagd has nothing else to do


class Refused(Exception):
    """A question was answered, but not as it should be."""


class Browser(Server):
    """Asks about a program that runs, its child that has ended, and a recording. Each question is
    answered, refused, or its connection is closed; asked once more it is answered as it should be."""

    def begin(self):
        super().begin()
        self.begun = self.work / "begun"
        self.steps = (self.files, self.exports, self.upload, self.watch, self.chart, self.details,
                      self.record, self.switch, self.commands)

    def wrapping(self, fault):
        wrapper, environment = super().wrapping(fault)
        return wrapper, {**environment, "FAIL_AFTER": str(self.begun)}

    # --- questions ---

    def request(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=self.patience_s)
        with contextlib.closing(connection):
            connection.request(method, path, body, {
                "Origin": f"http://127.0.0.1:{self.daemon.port}", **dict(headers)})
            answer = connection.getresponse()
            return answer, answer.read()

    def wanted(self, path, **more):
        answer, body = self.request("GET", path, **more)
        if answer.status != 200:
            raise Refused(f"{path}: {answer.status} {body[:80]}")
        return answer, body

    def page(self):
        page = Page(self.daemon.port)
        page.socket.settimeout(self.patience_s)
        return contextlib.closing(page.socket), page

    def texts(self, page, op):
        """The messages of that kind that come from now on."""
        while True:
            binary, message = page.take()
            if binary:
                continue
            content = json.loads(message)
            if content["op"] == "error":
                raise Refused(content["message"])
            if content["op"] == op:
                yield content

    def told(self, page, holds):
        """The first list of sessions in which that holds for the one that runs."""
        return next(session for content in self.texts(page, "sessions")
                    for session in content["sessions"] if session["id"] == self.live and holds(session))

    def files(self):
        _, body = self.wanted("/")
        for name in re.findall(r'(?:src|href)="(/?[^":#]+)"', body.decode()):
            path = "/" + name.lstrip("/")
            answer, _ = self.wanted(path)
            again, body = self.request("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
            if again.status != 304 or body:
                raise Refused(f"{path}: {again.status}")
        if self.request("HEAD", "/")[0].status != 200 or self.request("GET", "/none")[0].status != 404:
            raise Refused("no head, or something that isn't there")
        self.wanted("/api/sessions")

    def exports(self):
        for session in self.live, self.ended:
            for form in FORMATS:
                self.wanted(f"/api/sessions/{session}/export?format={form}")
            for what in ("metric=allocated&by=traces", "metric=live&by=calls", "raw=1", f"thread={self.tid}",
                         "from=1&to=2000000", "metric=peak&format=pprof"):
                self.wanted(f"/api/sessions/{session}/export?{what}")
        _, body = self.wanted(f"/api/sessions/{self.ended}/export")
        if body != self.folded:
            raise Refused(f"another profile: {body[:80]}")

    def upload(self):
        """A recording is opened, has what the session had, and is forgotten."""
        answer, body = self.request("POST", "/api/recordings?name=sent", self.recording)
        content = json.loads(body) if answer.status == 200 else {"error": body}
        if "error" in content:
            raise Refused(content["error"])
        path = f"/api/sessions/{content['id']}/export"
        closing, page = self.page()
        with closing:
            sessions = (s for c in self.texts(page, "sessions") for s in c["sessions"])
            opened = next(s for s in sessions if s["id"] == content["id"] and s["state"] != "opening")
            if opened["message"]:
                raise Refused(opened["message"])
            _, body = self.wanted(path)
            page.send(json.dumps({"op": "forget", "session": content["id"]}))
            next(c for c in self.texts(page, "sessions")
                 if not any(s["id"] == content["id"] for s in c["sessions"]))
        if sorted(body.splitlines()) != sorted(self.folded.splitlines()):
            raise Refused(f"another profile in the recording: {body[:80]}")

    def frames(self, page, request, *kinds):
        page.send(json.dumps({"session": self.live, **request}))
        return [page.frame(kind, self.patience_s) for kind in kinds]

    def watch(self):
        closing, page = self.page()
        with closing:
            _, table = self.frames(page, {"op": "watch", "width": 800}, FLAME, TABLE)
            self.function = self.find_function(table, "branch")
            function = f"{self.function:016x}"
            for more, *kinds in (
                    ({"metric": "live", "by": "traces", "order": "heavy"}, FLAME, TABLE, MEMORY),
                    ({"metric": "allocations", "by": "calls", "search": "^b"}, FLAME, TABLE),
                    ({"sandwich": function, "durations": function}, CALLERS, CALLEES, TABLE),
                    ({"durations": function, "thread": self.tid}, FLAME, DURATIONS),
                    ({"from": 1, "to": 900000000, "focus": ""}, FLAME),
                    ({"hide": [function], "collapse": True, "mine": "tests/"}, FLAME, TABLE),
                    ({"only": function, "sort": "total"}, FLAME, TABLE),
                    ({"base": self.ended, "normalise": True}, DIFF),
                    ({"session": self.ended, "base": self.live, "from": 1, "to": 900000000}, DIFF),
                    ({"session": self.ended}, FLAME, TABLE)):
                self.frames(page, {"op": "watch", **more}, *kinds)

    @staticmethod
    def find_function(table, wanted):
        header = HEADER.unpack_from(table)
        for i in range(header[4]):
            offset, size, function = ROW.unpack_from(table, ROWS + i * ROW.size)
            if table[header[5] + offset:header[5] + offset + size].decode() == wanted:
                return function
        raise Refused(f"no {wanted} in the table")

    def chart(self):
        closing, page = self.page()
        with closing:
            for more in ({}, {"last": 1000000000, "columns": 300}, {"from": 1000, "to": 90000000},
                         {"lanes": [[0, 0, 0, 8], [1, 0, 0, 8], [0, 1, 0, 4]]}, {"lanes": []},
                         {"session": self.ended, "paused": True}, {"session": self.live}):
                self.frames(page, {"op": "chart", **more}, CHART)
            page.send('{"op":"chart","session":""}')

    def details(self):
        closing, page = self.page()
        with closing:
            function = f"{self.function:016x}"
            for op, more, found in (
                    ("slowest", {"count": 7}, "calls"), ("slowest", {"from": 1, "to": 900000000}, "calls"),
                    ("source", {}, "lines"), ("source", {"metric": "live", "by": "traces"}, "lines")):
                page.send(json.dumps({"op": op, "session": self.live, "function": function, **more}))
                if not next(self.texts(page, op))[found]:
                    raise Refused(f"{op} without {found}")

    def record(self):
        """What is recorded isn't, and then is again."""
        closing, page = self.page()
        with closing:
            session = self.told(page, lambda session: True)
            if session["recording"]["on"]:
                page.send(json.dumps({"op": "unrecord", "session": self.live}))
                self.told(page, lambda session: not session["recording"]["on"])
            page.send(json.dumps({"op": "record", "session": self.live}))
            session = self.told(page, lambda session: session["recording"]["on"])
            if session["recording"]["error"]:
                raise Refused(session["recording"]["error"])

    def switch(self):
        """It waits for a line, so the wish is all that changes."""
        closing, page = self.page()
        with closing:
            self.told(page, lambda session: True)
            for op, wish in (("disable", "none"), ("enable", "both")):
                page.send(json.dumps({"op": op, "session": self.live}))
                self.told(page, lambda session, wish=wish: wish in (session["wished"], session["active"]))

    def commands(self):
        for words in (("list", "--json"), ("stat", self.live), ("memory", self.live, "--json"),
                      ("export", self.ended, "--format", "speedscope", "-o", "-"),
                      ("diff", self.live, self.ended)):
            status, _, said = self.execute([self.build / "tools/thag", *words],
                                           {"THAG_SOCKET": str(self.daemon.socket)})
            if status != 0:
                raise Refused(f"thag {words[0]}: {status}, {said}")

    # --- the run ---

    def ask(self, fault, step):
        """A fault may spoil one answer."""
        for _ in range(100):
            after = self.happened()
            try:
                step()
                return
            except TimeoutError:
                if fault and fault.error in GONE:
                    continue  # nobody is there who waits
                raise Harm(f"{step.__name__} is never answered: {self.daemon.said()}") from None
            except (Refused, OSError, http.client.HTTPException, ValueError, EOFError) as what:
                self.check_lives(self.daemon)
                if any(words in str(what) for words in MEANWHILE):
                    time.sleep(0.05)
                    continue
                if fault is None or fault.error in UNSEEN or after:
                    raise Harm(f"{step.__name__}, {'after' if after else 'during'} it: {what!r}") from what
        raise Harm(f"{step.__name__} is refused again and again")

    def endure(self, daemon):
        for step in self.steps:
            with contextlib.suppress(Refused, OSError, http.client.HTTPException, ValueError, EOFError):
                step()
        self.check_lives(daemon)

    def prepare(self):
        """What there is to ask about, without any fault yet."""
        sessions = eventually(lambda: [s for s in self.daemon.sessions() if s["saved"]] and
                              self.daemon.sessions(), "its child is never saved")
        self.live, self.ended = (next(s for s in sessions if s["saved"] == saved)["id"]
                                 for saved in (False, True))
        ended = next(s for s in sessions if s["id"] == self.ended)
        self.tid = ended["threads"][0]["tid"]
        with open(ended["recording"]["file"], "rb") as recording:
            self.recording = recording.read()
        self.folded = self.daemon.get(f"/api/sessions/{self.ended}/export")[1]

    def converse(self, process, fault):
        self.daemon.ready()
        self.prepare()
        self.patience_s = DESPAIR_S if fault and fault.error == "then" else QUESTION_S
        self.begun.touch()
        if fault and fault.error == "then":
            self.endure(self.daemon)
        else:
            for step in self.steps:
                self.ask(fault, step)
        out, said = process.communicate("\n", timeout=PATIENCE_S)
        if process.returncode != 0 or out != self.expected or said:
            raise Harm(f"the program ended with {process.returncode}, said {said}")
        status = self.daemon.end()
        if status not in (0, 1) or (status == 1 and not self.daemon.complaints()):
            raise Harm(f"in the end {status}: {self.daemon.said()}", status)

    def run(self, fault):
        for left in "thagd.sessions", "records", "out":
            shutil.rmtree(self.work / left, ignore_errors=True)
        self.begun.unlink(missing_ok=True)
        wrapper, environment = self.wrapping(fault)
        self.daemon = self.start(wrapper, environment)
        try:
            self.daemon.ready()
            words = {"THAG_SOCKET": str(self.daemon.socket), "THAG_ON_FULL": "wait",
                     "THAG_PROFILER": "both,,,true"}
            with subprocess.Popen([self.tests / self.program, "wait"], env={**os.environ, **words},
                                  text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as process:
                try:
                    self.converse(process, fault)
                finally:
                    process.kill()
        finally:
            self.daemon.kill()
        return self.happened()
