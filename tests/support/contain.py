#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a suite and fails it when it leaves something behind: processes, files in its folder for
temporary files (one of its own, TMPDIR), shared memory, or a folder of thagd's at its usual place,
where no test may have one. Also ends it, with all that it started, after SECONDS.

    contain.py SECONDS COMMAND [ARGUMENT]...

Exit status: the command's; 1 when that is 0 and something was left; 124 after SECONDS."""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
# what was told to end may take its time on a busy machine
SETTLE_S = float(os.environ.get("SETTLE_S", "30"))
# TSan's runtime makes it as a program begins, and unlinks it at once: unless a test killed it there
NOT_OURS = ("tsan.rodata.",)


def descendants():
    """Of this process, by pid; orphans among them were given to us."""
    found, parents = [], {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                parents[int(pid)] = int(stat.read().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    for pid in parents:
        parent = pid
        while parent in parents:
            parent = parents[parent]
            if parent == os.getpid():
                found.append(pid)
                break
    return found


def reap():
    """Whether there are no children any more."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        return True
    return False


def eventually(holds):
    end = time.monotonic() + SETTLE_S
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def words_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip() or "?"
    except OSError:
        return "?"


def end_all():
    while not reap():
        for pid in descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def left_processes():
    if eventually(reap):
        return []
    left = [f"the process {pid}: {words_of(pid)[:200]}" for pid in descendants()]
    end_all()
    return left


def left_files(folder):
    left = []
    for path, names, files in os.walk(folder):
        files = [name for name in files if not name.startswith(NOT_OURS)]
        left += [f"the file {os.path.join(path, name)}" for name in files]
        if path != folder and not names and not files:
            left.append(f"the folder {path}")
    return left


def shared_places():
    """What no test may make."""
    folder = os.environ.get("SHARED_MEMORY", "/dev/shm")
    names = [f"{folder}/{name}" for name in os.listdir(folder) if "thag" in name]
    usual = f"/tmp/thag-{os.getuid()}"
    return set(names + [usual] if os.path.exists(usual) else names)


class TooLong(Exception):
    pass


def too_long(*_):
    raise TooLong


def run(command, seconds, folder):
    """Exit status of the suite. Orphans are reaped meanwhile, as init does it."""
    suite = subprocess.Popen(command, env={**os.environ, "TMPDIR": folder}, start_new_session=True)
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        pid = 0
        while pid != suite.pid:
            pid, status = os.waitpid(-1, 0)
    except TooLong:
        print(f"ended after {seconds} s", flush=True)
        return 124
    finally:
        signal.alarm(0)
    status = suite.returncode = os.waitstatus_to_exitcode(status)
    return status if status >= 0 else 128 - status


def main():
    seconds, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # a shell's background jobs, as suites side by side are, and nohup's begin with these ignored
    for ignored in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_DFL)
    folder = tempfile.mkdtemp(prefix="s.")  # short: sockets lie there
    os.chmod(folder, 0o755)  # tests play other users, too
    before = shared_places()
    try:
        status = run(command, seconds, folder)
        left = left_processes() if status != 124 else []
        left += left_files(folder)
        left += [f"{path}, which others see, too" for path in shared_places() - before]
    finally:
        end_all()
        subprocess.run(["chmod", "-R", "u+rwX", folder], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    for what in left[:20]:
        print(f"not ok leaves {what}")
    return status or (1 if left else 0)


if __name__ == "__main__":
    sys.exit(main())
