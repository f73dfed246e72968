#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Has each system call and each allocation of thag's fail once, wherever it is made, and looks at what
that does.

inject.py SIDE KIND    a SIDE of inject_sides.py; KIND is calls, or allocations

A first run without a fault notes where calls are made (inject.c, fail_alloc.c); every other run has one
of these places fail, in one way. THAG_BUILD names the build. INJECT_ALL=1: all places, in all ways;
otherwise as many runs as INJECT_RUNS (40) says, picked by INJECT_SEED (1). INJECT_ONLY is an expression
for those that are wanted, "SITE CALL ERROR after SKIP". Exits with 0 when faults took place and did no harm.
"""

import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

from inject_page import Browser
from inject_sides import SIDES, Fault, Harm

HERE = pathlib.Path(__file__).resolve().parent

# What a call may return on a machine that is short of something. EINTR and a short count must make
# no difference at all.
ERRORS = {
    "read": "EINTR EIO short", "pread64": "EINTR EIO short", "readv": "EINTR EIO",
    "write": "EINTR ENOSPC short", "pwrite64": "EINTR ENOSPC EIO short", "writev": "EINTR EAGAIN",
    "recvfrom": "EINTR ECONNRESET short", "recvmsg": "EINTR ENOMEM", "sendto": "EINTR EPIPE short",
    "sendmsg": "EINTR EPIPE ENOBUFS", "open": "EMFILE EACCES EINTR",
    "openat": "EMFILE EACCES EINTR", "close": "EINTR", "fstat": "ENOMEM", "stat": "EACCES",
    "lstat": "EACCES", "newfstatat": "EACCES", "statx": "EACCES", "access": "EACCES",
    "faccessat2": "EACCES", "readlink": "EACCES", "readlinkat": "EACCES", "getcwd": "ENOENT",
    "mkdir": "ENOSPC EROFS", "unlink": "EIO", "rename": "ENOSPC", "linkat": "ENOSPC EMLINK",
    "unlinkat": "EIO", "renameat": "ENOSPC", "renameat2": "ENOSPC", "mkdirat": "ENOSPC",
    "chmod": "EPERM",
    "fchmod": "EPERM", "fsync": "EIO EINTR", "fdatasync": "EIO EINTR",
    "flock": "EINTR ENOLCK EWOULDBLOCK", "ftruncate": "ENOSPC EIO EINTR",
    "fallocate": "ENOSPC EINTR EOPNOTSUPP", "getdents64": "EIO", "fcntl": "EMFILE EPERM",
    "ioctl": "EIO", "memfd_create": "EMFILE ENOMEM ENOSPC ENOSYS", "mmap": "ENOMEM",
    "munmap": "ENOMEM", "mprotect": "ENOMEM", "mremap": "ENOMEM", "madvise": "ENOMEM EINVAL",
    "socket": "EMFILE ENOMEM EACCES", "socketpair": "EMFILE",
    "connect": "EINTR EAGAIN ECONNREFUSED EACCES", "bind": "EADDRINUSE EACCES",
    "listen": "EADDRINUSE", "accept": "EMFILE ECONNABORTED EINTR",
    "accept4": "EMFILE ECONNABORTED EINTR", "setsockopt": "ENOMEM", "getsockopt": "ENOBUFS",
    "getsockname": "ENOBUFS", "getpeername": "ENOTCONN", "shutdown": "ENOTCONN",
    "pipe2": "EMFILE", "eventfd2": "EMFILE", "dup": "EMFILE", "dup2": "EINTR", "dup3": "EINTR",
    "epoll_create1": "EMFILE", "epoll_ctl": "ENOMEM", "epoll_wait": "EINTR",
    "epoll_pwait": "EINTR", "poll": "EINTR ENOMEM", "ppoll": "EINTR ENOMEM", "clone": "EAGAIN",
    "clone3": "EAGAIN", "fork": "EAGAIN", "vfork": "EAGAIN", "execve": "ENOMEM",
    "wait4": "EINTR", "kill": "EPERM", "prctl": "EPERM", "prlimit64": "EPERM",
    "sched_getaffinity": "EPERM", "getrandom": "EINTR EAGAIN ENOSYS", "sysinfo": "EPERM",
    "uname": "EPERM", "nanosleep": "EINTR", "clock_nanosleep": "EINTR", "pidfd_open": "EMFILE ENOSYS",
    "process_vm_readv": "EPERM", "inotify_init1": "EMFILE", "inotify_add_watch": "ENOSPC",
    "timerfd_create": "EMFILE", "signalfd4": "EMFILE", "chdir": "EACCES", "alloc": "once then",
}


# Where libraries end the process, or crash, when the system refuses them something other than memory: a call
# and the function of ours, or any, that they were called by. What thagd has saved by then stays, and
# programs run on; the next thagd goes on with them.
THEIRS = {
    ("epoll_ctl", "*"), ("ioctl", "*"), ("pipe2", "start_loop"), ("mmap", "start_loop"), ("mprotect", "start_loop"),
    ("clone3", "start_loop"), ("openat", "open_context"),
    ("fcntl", "open_context"), ("eventfd2", "open_context"),
    ("fcntl", "on_accepted"),  # libwebsockets keeps the connection, and forgets it
}


C_LIBRARY = ("libc.", "ld-", "libgcc", "libfail_alloc")
LIBRARIES = ("libuv", "libwebsockets", "libseccomp")


def is_theirs(build, fault, notes, harm):
    """Whether that is a fault in one of these, or a library's end for want of memory."""
    frames = [frame for frame in fault.stack.split() if not frame.startswith(C_LIBRARY)]
    if fault.call == "munmap" and fault.stack.split()[2].startswith("libc."):
        return harm.ended  # glibc aborts when it can't unmap the stack of a thread that ended
    if fault.call == "alloc":
        crashed = [frame for line in notes.splitlines() if line.startswith("crash")
                   for frame in line.split()[1:] if not frame.startswith(C_LIBRARY)]
        if frames and frames[0].startswith("libseccomp"):
            return True  # it may also go round for ever
        return harm.ended and any(ends and ends[0].startswith(LIBRARIES) for ends in (frames, crashed))
    if not frames or not frames[0].startswith(LIBRARIES):
        return False
    ours = [name_frame(build, frame).split()[0] for frame in frames if frame.startswith("thagd+")]
    return (fault.call, "*") in THEIRS or (fault.call, ours[0]) in THEIRS


def read_sites(path):
    """The sites that a run without a fault noted: (site, call, times, what is open, stack)."""
    sites = []
    for line in path.read_text().splitlines() if path.exists() else ():
        site, call, times, opened, stack = line.split(" ", 4)
        sites.append((site, call, int(times), opened[1:], stack))
    return sites


def errors_of(call, opened):
    """An event or a signal's pipe is neither full nor broken nor short; a count of events is read
    where there is one, and doesn't wait."""
    if call == "read" and opened.startswith("anon_inode:[eventfd"):
        return []
    if call in ("read", "write") and opened.startswith(("anon_inode", "pipe", "socket")):
        return ["EINTR"]
    return ERRORS[call].split()


def all_faults(sites, each):
    """Each site in each way; in one once half of its times are over, if it has many, and in one each
    time, if asked for."""
    for site, call, times, opened, stack in sites:
        errors = errors_of(call, opened)
        if not errors:
            continue
        for error in errors:
            yield Fault(site, call, 0, error, stack)
        if times > 3:
            yield Fault(site, call, times // 2, errors[0], stack)
        lasting = [error for error in errors if error != "EINTR"]
        if each and lasting and call != "alloc":
            yield Fault(site, call, "each", lasting[0], stack)


def pick(faults):
    only = os.environ.get("INJECT_ONLY")
    if only:
        return [fault for fault in faults if re.search(only, str(fault))]
    if os.environ.get("INJECT_ALL"):
        return faults
    count = min(len(faults), int(os.environ.get("INJECT_RUNS", "40")))
    return random.Random(int(os.environ.get("INJECT_SEED", "1"))).sample(faults, count)


def name_frame(build, frame):
    """A frame of the build's own, by its function and line."""
    name, _, offset = frame.rpartition("+")
    for path in build.glob(f"*/{name}"):
        text = subprocess.run(["addr2line", "-fsie", path, hex(int(offset, 16) - 1)], text=True,
                              capture_output=True, check=False).stdout.split()
        if len(text) >= 2 and text[0] != "??":
            return f"{text[0]} {text[1]}"
    return frame


def main():
    build = pathlib.Path(os.environ.get("THAG_BUILD", HERE / "../../build")).resolve()
    make, kind = {**SIDES, "page": Browser}[sys.argv[1]], sys.argv[2]
    work = pathlib.Path(tempfile.mkdtemp(prefix="thag-inject-"))
    harmed = theirs = done = 0
    side = make(build, work, kind)
    try:
        side.begin()
        side.run(None)
        sites = read_sites(side.notes)
        faults = pick(list(all_faults(sites, side.each)))
        for fault in faults:
            try:
                done += side.run(fault)
            except Harm as harm:
                notes = side.notes.read_text() if side.notes.exists() else ""
                if is_theirs(build, fault, notes, harm):
                    theirs += 1
                    continue
                harmed += 1
                print(f"{fault}: {harm}")
                print(*[line for line in notes.splitlines() if line.startswith("crash")])
                for frame in fault.stack.split():
                    print(f"    {name_frame(build, frame)}", flush=True)
    finally:
        side.end()
        shutil.rmtree(work)
    print(f"{sys.argv[1]}, {kind}: {len(sites)} places, {len(faults)} runs, {done} of them with a fault: "
          f"{harmed} did harm, {theirs} ended thagd inside of a library")
    return harmed != 0 or (bool(sites) and done == 0)


if __name__ == "__main__":
    sys.exit(main())
