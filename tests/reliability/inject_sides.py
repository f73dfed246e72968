# SPDX-License-Identifier: MIT OR Apache-2.0
"""What faults are tried on: programs with libthag, thagd, and the commands of thag."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from page import Page  # noqa: E402

PATIENCE_S = 60  # whatever takes so long hangs
UNSEEN = ("EINTR", "short")


class Harm(Exception):
    """A fault did what it must not; `ended` when that was to end thagd by a signal."""

    def __init__(self, text, status=0):
        super().__init__(text)
        self.ended = status < 0 or status >= 128


class Fault:
    def __init__(self, site, call, skip, error, stack):
        self.site, self.call, self.skip, self.error, self.stack = site, call, skip, error, stack

    def __str__(self):
        return f"{self.site} {self.call} {self.error}" + (f" after {self.skip}" if self.skip else "")


def eventually(what, why):
    """Its first value that is true."""
    end = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, EOFError):
            value = what()
            if value:
                return value
        if time.monotonic() > end:
            raise Harm(why)
        time.sleep(0.01)


class Daemon:
    """A thagd of its own, with `wrapper` before its command."""

    def __init__(self, build, work, wrapper=(), environment=None, options=()):
        self.out, self.socket = work / "out", work / "thagd.sock"
        self.line, self.log = work / "line", work / "log"
        self.out.mkdir(exist_ok=True)
        self.socket.with_suffix(".lock").unlink(missing_ok=True)
        with open(self.line, "w") as line, open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [*wrapper, build / "daemon/thagd", "--socket", self.socket, "--port", "0",
                 "--output-dir", self.out, *options],
                stdout=line, stderr=log, env={**os.environ, **(environment or {})})
        self.port = 0

    def find_port(self):
        """It says so in a line, and in the file of its lock, either of which may fail."""
        for path, before in ((self.line, "localhost:"), (self.socket.with_suffix(".lock"), " ")):
            with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
                self.port = int(path.read_text().split(before)[1].split()[0])
        return self.port or self.process.poll() is not None

    def ready(self):
        """Whether it serves; False: it ended."""
        eventually(self.find_port, "thagd neither starts nor ends")
        return self.process.poll() is None

    def get(self, path, seconds=PATIENCE_S):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def sessions(self):
        if self.process.poll() is not None:
            raise Harm(f"thagd ended with {self.process.returncode}: {self.said()}",
                       self.process.returncode)
        status, body = self.get("/api/sessions", 10)
        if status != 200:
            raise OSError(f"status {status}")
        return json.loads(body)["sessions"]

    def known(self):
        """The sessions there are."""
        return eventually(lambda: {None, *(s["id"] for s in self.sessions())}, "no list of sessions")

    def saved_since(self, before):
        """The sessions that came after `before` were there, once all of them are saved."""
        def saved():
            new = [s for s in self.sessions() if s["id"] not in before]
            return (new,) if all(s["saved"] for s in new) else None
        return eventually(saved, "a session is never saved")[0]

    def complaints(self):
        """The lines of its log that aren't news of how it goes on."""
        return [line for line in self.log.read_text().splitlines() if " info: " not in line]

    def said(self):
        return " / ".join((self.complaints() or self.log.read_text().splitlines())[-3:])

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Harm("thagd doesn't end") from None

    def kill(self):
        self.process.kill()
        self.process.wait()


def count(daemon, sessions):
    """What was recorded, and what is known not to have been."""
    calls = allocations = lost = 0
    for session in sessions:
        report = daemon.out / session["files"][-1] if session["files"] else None
        facts = json.loads(report.read_text()) if report else {}
        calls += facts.get("calls", 0)
        lost += sum(facts.get("lost", {}).values()) + facts.get("orphans", 0)
        memory = session.get("memory") or {}
        allocations += memory.get("allocations", 0)
        lost += memory.get("lost", 0) + memory.get("lost_traces", 0)
        lost += session["message"] is not None and "lost" in session["message"]
    return calls, allocations, lost


class Side:
    """Where faults happen: `run(None)` notes the places in `notes`, `run(fault)` tries one there and
    returns whether it took place."""

    module = ""
    each = False  # whether to have a place fail each time, too

    def __init__(self, build, work, kind):
        self.build, self.work, self.kind = build, work, kind
        self.notes, self.log = work / "notes", work / "log"
        self.tests = build / "tests"

    def begin(self):
        pass

    def end(self):
        pass

    def wrapping(self, fault):
        """What goes before the command, and its environment."""
        self.notes.unlink(missing_ok=True)
        if self.kind == "allocations":
            library = self.tests / "libfail_alloc.so"
            environment = {"LD_PRELOAD": str(library), "FAIL_FILE": str(self.notes),
                           "FAIL_MODULE": self.module}
            if fault:
                environment["FAIL_SITE"] = fault.site
                if fault.error == "then":
                    environment["FAIL_THEN"] = "1"
            return [], environment
        inject = str(self.tests / "inject")
        if not fault:
            return [inject, "list", str(self.notes), self.module], {}
        return [inject, "fail", str(self.notes), self.module, fault.site, fault.call,
                str(fault.skip), fault.error], {}

    def happened(self):
        return self.notes.exists() and "done" in self.notes.read_text()

    def execute(self, command, environment, wrapper=()):
        """Runs it to its end: status, stdout, lines of stderr."""
        words = [f"{name}={value}" for name, value in environment.items()]
        with subprocess.Popen([*wrapper, "/usr/bin/env", *words, *command], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                out, err = process.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Harm(f"{command[0]} hangs") from None
        return process.returncode, out, err.splitlines()


class Program(Side):
    """A program with libthag beside a thagd that is well."""

    module = "libthag"
    each = True

    def __init__(self, build, work, kind, program, environment, preload=None):
        super().__init__(build, work, kind)
        self.program, self.environment, self.preload = program, environment, preload
        self.sampled = "THAG_SAMPLE_BYTES" in environment
        self.daemon = self.expected = None

    def begin(self):
        self.daemon = Daemon(self.build, self.work)
        self.daemon.ready()
        _, self.expected, _ = self.execute([self.tests / self.program],
                                           {"THAG_PROFILER": "none"})
        self.whole = None

    def end(self):
        if self.daemon:
            self.daemon.end()

    def environ(self, more):
        environment = {"THAG_SOCKET": str(self.daemon.socket), "THAG_ON_FULL": "wait",
                       "TMPDIR": str(self.work), **self.environment, **more}
        libraries = [more.get("LD_PRELOAD"),
                     str(self.build / "libclient" / self.preload) if self.preload else None]
        if any(libraries):
            environment["LD_PRELOAD"] = ":".join(filter(None, libraries))
        return environment

    def run(self, fault):
        before = self.daemon.known()
        wrapper, more = self.wrapping(fault)
        if fault and fault.skip == "each":
            more["THAG_ON_FULL"] = "drop"  # there may never be room
        status, out, said = self.execute([self.tests / self.program], self.environ(more), wrapper)
        if status != 0 or out != self.expected:
            raise Harm(f"the program ended with {status}, said {out[-80:]!r}, {said[-2:]}")
        # what fails at the start fails again when the program asks to be profiled
        if len(said) > (2 if fault and fault.skip == "each" else 1) or len(set(said)) > 1 or any(not line.startswith("thag: ") for line in said):
            raise Harm(f"it said: {said}")
        calls, allocations, lost = count(self.daemon, self.daemon.saved_since(before))
        if fault is None:
            if said or lost:
                raise Harm(f"without a fault: {said}, {lost} lost")
            self.whole = (calls, allocations)
        elif self.sampled or (fault.call, fault.error) == ("connect", "ECONNREFUSED"):
            pass  # estimates differ; to a forked child it is no news that thagd has ended
        elif not said and not lost and (calls, allocations) != self.whole:
            raise Harm(f"not a word, but {calls} calls, {allocations} allocations of {self.whole}")
        elif fault.error in UNSEEN and (said or lost or (calls, allocations) != self.whole):
            raise Harm(f"made a difference: {said}, {lost} lost, {calls} calls of {self.whole}")
        return self.happened()


class Server(Side):
    """A thagd: started, connected to, asked, and ended."""

    module = "thagd"
    program = "faulty"

    def __init__(self, build, work, kind):
        super().__init__(build, work, kind)
        self.whole = None

    def begin(self):
        _, self.expected, _ = self.execute([self.tests / self.program], {"THAG_PROFILER": "none"})

    def start(self, wrapper=(), environment=None):
        records = self.work / "records"
        records.mkdir(exist_ok=True)
        return Daemon(self.build, self.work, wrapper, environment,
                      ["--record", records, "--timeline", "16M"])

    def profile(self, daemon):
        """A program, which must be unaffected. What it said."""
        status, out, said = self.execute(
            [self.tests / self.program],
            {"THAG_SOCKET": str(daemon.socket), "THAG_ON_FULL": "wait", "THAG_PROFILER": "both,,,true"})
        # it says so when it starts, again when it asks to be profiled, and so may its child
        if status != 0 or out != self.expected or len(said) > 3 or \
                any(not line.startswith("thag: ") for line in said):
            raise Harm(f"a program ended with {status}, said {said}")
        return said

    def look(self, daemon, session, closely):
        """What a browser and a command ask for."""
        if daemon.get("/")[0] != 200:
            raise OSError("no page")
        for form in ("memory", "pprof", "chrome", "folded") if closely else ("folded",):
            status, body = daemon.get(f"/api/sessions/{session}/export?format={form}")
            if status != 200 or (form == "folded" and b"leaf" not in body):
                raise OSError(f"no {form}: {status}")
        page = Page(daemon.port)
        page.send(json.dumps({"op": "watch", "session": session}))
        page.frame(1, PATIENCE_S)
        page.socket.close()
        if closely:
            status, out, said = self.execute([self.build / "tools/thag", "stat", session],
                                             {"THAG_SOCKET": str(daemon.socket)})
            if status != 0 or "leaf" not in out:
                raise OSError(f"thag stat: {status}, {said}")

    def one_round(self, daemon, closely):
        """Whether all was there."""
        before = daemon.known()
        said = self.profile(daemon)
        new = daemon.saved_since(before)
        calls, allocations, lost = count(daemon, new)
        if self.whole is None:
            self.whole = (calls, allocations)
        if new:
            self.look(daemon, new[0]["id"], closely)
        right = (calls, allocations) == self.whole and not lost and not said
        if not right and not (lost or said or daemon.complaints()):
            raise Harm(f"not a word, but {calls} calls, {allocations} allocations of {self.whole}")
        if not right:
            raise Missing(f"{calls} calls, {allocations} allocations of {self.whole}, {lost} lost; "
                          f"{said} {daemon.said()}")

    def rounds(self, daemon, fault):
        """Whatever was lost because of the fault, a round that comes after it is right."""
        for turn in range(3):
            after = self.happened()
            try:
                self.one_round(daemon, turn == 0)
            except (Missing, OSError, http.client.HTTPException, ValueError, EOFError) as what:
                self.check_lives(daemon)
                if fault is None or fault.error in UNSEEN or after:
                    raise Harm(f"{'after' if after else 'during'} it: {what!r}") from what
            else:
                if turn > 0:
                    return

    def endure(self, daemon):
        """Without any more memory it can do nothing, but it neither dies nor harms a program."""
        self.profile(daemon)
        for path in ("/", "/api/sessions", "/api/sessions/latest/export"):
            with contextlib.suppress(OSError, http.client.HTTPException):
                daemon.get(path, 2)
        self.check_lives(daemon)

    def check_lives(self, daemon):
        if daemon.process.poll() is not None:
            raise Harm(f"thagd ended with {daemon.process.returncode}: {daemon.said()}",
                       daemon.process.returncode)

    def run(self, fault):
        wrapper, environment = self.wrapping(fault)
        daemon = self.start(wrapper, environment)
        try:
            if not daemon.ready():
                if daemon.process.returncode not in (1, 4, 5) or not daemon.complaints() or \
                        not fault or fault.error in UNSEEN:
                    raise Harm(f"it ended with {daemon.process.returncode}: {daemon.said()}",
                               daemon.process.returncode)
                self.profile(daemon)
                return self.happened()
            if fault and fault.error == "then":
                self.endure(daemon)
            else:
                self.rounds(daemon, fault)
            if fault and fault.error in UNSEEN and daemon.complaints():
                raise Harm(f"it said: {daemon.said()}")
            status = daemon.end()
            if status not in (0, 1) or (status == 1 and not daemon.complaints()):
                raise Harm(f"in the end {status}: {daemon.said()}", status)
        finally:
            daemon.kill()
        return self.happened()


class Successor(Server):
    """A thagd that goes on with a recorded program of one that was killed."""

    def run(self, fault):
        wrapper, environment = self.wrapping(fault)
        shutil.rmtree(self.work / "thagd.sessions", ignore_errors=True)  # of the run before
        daemon = self.start()
        daemon.ready()
        words = {"THAG_SOCKET": str(daemon.socket), "THAG_ON_FULL": "wait", "THAG_PROFILER": "both"}
        with subprocess.Popen([self.tests / self.program, "wait"], env={**os.environ, **words}, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            try:
                eventually(lambda: [s["saved"] for s in daemon.sessions()].count(True) == 1,
                           "its child is never saved")
                before = {s["id"] for s in daemon.sessions() if s["saved"]}
                daemon.kill()
                daemon = self.start(wrapper, environment)
                serves = daemon.ready()
                out, said = process.communicate("\n", timeout=PATIENCE_S)
                if process.returncode != 0 or out != self.expected or said:
                    raise Harm(f"the program ended with {process.returncode}, said {said}")
                self.judge(daemon, before, fault, serves)
            finally:
                daemon.kill()
                process.kill()
        return self.happened()

    def judge(self, daemon, before, fault, serves):
        if not serves:
            if daemon.process.returncode not in (1, 4, 5) or not daemon.complaints() or \
                    fault.error in UNSEEN:
                raise Harm(f"it ended with {daemon.process.returncode}: {daemon.said()}",
                           daemon.process.returncode)
            return
        if not daemon.complaints():
            eventually(lambda: [s for s in daemon.sessions() if s["id"] not in before] or
                       daemon.complaints(), "the session isn't gone on with")
        found = count(daemon, daemon.saved_since(before))
        if self.whole is None:
            self.whole = found
        if found != self.whole and not (found[2] or daemon.complaints()):
            raise Harm(f"not a word, but {found} of {self.whole}")
        if fault and fault.error in UNSEEN and (found != self.whole or daemon.complaints()):
            raise Harm(f"it made a difference: {found} of {self.whole}; {daemon.said()}")
        self.check_lives(daemon)
        status = daemon.end()
        if status not in (0, 1):
            raise Harm(f"in the end {status}: {daemon.said()}", status)


class Command(Side):
    """A command of thag beside a thagd that is well: what it says and writes is right, or it fails and
    says why."""

    module = "thag"

    def __init__(self, build, work, kind, words):
        super().__init__(build, work, kind)
        self.words, self.whole, self.file = words, None, work / "file"
        self.daemon = None

    def begin(self):
        self.daemon = Daemon(self.build, self.work)
        self.daemon.ready()
        self.execute([self.tests / "faulty"], self.environ({"THAG_PROFILER": "both"}))
        self.daemon.saved_since({None})

    def end(self):
        if self.daemon:
            self.daemon.end()

    def environ(self, more):
        return {"THAG_SOCKET": str(self.daemon.socket), "THAG_ON_FULL": "wait", **more}

    def run(self, fault):
        for path in self.work.glob("file*"):
            path.unlink()
        wrapper, more = self.wrapping(fault)
        words = [word.format(file=self.file, faulty=self.tests / "faulty") for word in self.words]
        status, out, said = self.execute([self.build / "tools/thag", *words], self.environ(more),
                                         wrapper)
        files = sorted(path.read_bytes() if "export" in words else re.sub(r"\d+", "", path.name)
                       for path in self.work.glob("file*"))
        found = (out, files)
        if self.whole is None:
            self.whole = found
        if status not in (0, 1, 2, 3, 4, 125, 126):
            raise Harm(f"exit status {status}, {said[-2:]}", status)
        # that thagd has ended is no news to whoever ended it
        gone = fault and (fault.call, fault.error) == ("connect", "ECONNREFUSED")
        if status == 0 and found != self.whole and not said and not gone:
            raise Harm(f"not a word, but {out[-200:]!r}")
        if status != 0 and not said:
            raise Harm(f"exit status {status} without a word")
        # stdio gives up where a write is interrupted, and thag says so
        unseen = fault and fault.error in UNSEEN and (fault.call, fault.error) != ("write", "EINTR")
        if (not fault or unseen) and (status or found != self.whole):
            raise Harm(f"it made a difference: exit status {status}, {said[-2:]}")
        if "export" in words and files not in ([], self.whole[1]):
            raise Harm("half a file")
        return self.happened()


class Missing(Exception):
    """Something is not there, and that was said."""


def program(name, preload=None, **environment):
    return lambda build, work, kind: Program(build, work, kind, name, environment, preload)


def command(*words):
    return lambda build, work, kind: Command(build, work, kind, words)


SIDES = {
    "marks": program("faulty", THAG_PROFILER="both"),
    "log": program("faulty", THAG_PROFILER="both,,quiet"),
    "functions": program("faulty-functions", "libthag-cyg.so", THAG_PROFILER="time",
                         THAG_FUNCTIONS="*,!nothing", THAG_FUNCTIONS_MIN_SIZE="1"),
    "memory": program("faulty-functions", "libthag-preload.so", THAG_PROFILER="memory,,,true",
                      THAG_MAPS="1"),
    "sampled": program("faulty-functions", "libthag-preload.so", THAG_PROFILER="memory",
                       THAG_SAMPLE_BYTES="1000"),
    "thagd": Server,
    "successor": Successor,
    "stat": command("stat", "1"),
    "export": command("export", "1", "--format", "folded", "-o", "{file}"),
    "record": command("run", "-q", "-o", "{file}", "--", "{faulty}"),
}
