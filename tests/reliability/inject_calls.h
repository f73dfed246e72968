/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The system calls that are made to fail, and the errors each may return on a machine that is short
 * of something. What can only fail by a mistake of the caller's (futex, rt_sigaction, lseek…) isn't
 * among them, nor is what always succeeds.
 */
#ifndef INJECT_CALLS_H
#define INJECT_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>

struct call {
	long number;
	const char *name;
	bool by_file; /* what its first argument is open on is a part of its site */
};

#define CALL(name) \
	{ \
		SYS_##name, #name, false \
	}
#define CALL_BY_FILE(name) \
	{ \
		SYS_##name, #name, true \
	}

static const struct call calls[] = {
	CALL_BY_FILE(read),
	CALL_BY_FILE(pread64),
	CALL_BY_FILE(readv),
	CALL_BY_FILE(write),
	CALL_BY_FILE(pwrite64),
	CALL_BY_FILE(writev),
	CALL_BY_FILE(recvfrom),
	CALL_BY_FILE(recvmsg),
	CALL_BY_FILE(sendto),
	CALL_BY_FILE(sendmsg),
	CALL(open),
	CALL(openat),
	CALL_BY_FILE(close),
	CALL_BY_FILE(fstat),
	CALL(stat),
	CALL(lstat),
	CALL(newfstatat),
	CALL(statx),
	CALL(access),
	CALL(faccessat2),
	CALL(readlink),
	CALL(readlinkat),
	CALL(getcwd),
	CALL(mkdir),
	CALL(unlink),
	CALL(rename),
	CALL(linkat),
	CALL(unlinkat),
	CALL(renameat),
	CALL(renameat2),
	CALL(mkdirat),
	CALL(chmod),
	CALL_BY_FILE(fchmod),
	CALL_BY_FILE(fsync),
	CALL_BY_FILE(fdatasync),
	CALL_BY_FILE(flock),
	CALL_BY_FILE(ftruncate),
	CALL_BY_FILE(fallocate),
	CALL_BY_FILE(getdents64),
	CALL_BY_FILE(fcntl),
	CALL_BY_FILE(ioctl),
	CALL(memfd_create),
	CALL(mmap),
	CALL(munmap),
	CALL(mprotect),
	CALL(mremap),
	CALL(madvise),
	CALL(socket),
	CALL(socketpair),
	CALL_BY_FILE(connect),
	CALL_BY_FILE(bind),
	CALL_BY_FILE(listen),
	CALL_BY_FILE(accept),
	CALL_BY_FILE(accept4),
	CALL_BY_FILE(setsockopt),
	CALL_BY_FILE(getsockopt),
	CALL_BY_FILE(getsockname),
	CALL_BY_FILE(getpeername),
	CALL_BY_FILE(shutdown),
	CALL(pipe2),
	CALL(eventfd2),
	CALL(dup),
	CALL(dup2),
	CALL(dup3),
	CALL(epoll_create1),
	CALL(epoll_ctl),
	CALL(epoll_wait),
	CALL(epoll_pwait),
	CALL(poll),
	CALL(ppoll),
	CALL(clone),
	CALL(clone3),
	CALL(fork),
	CALL(vfork),
	CALL(execve),
	CALL(wait4),
	CALL(kill),
	CALL(prctl),
	CALL(prlimit64),
	CALL(sched_getaffinity),
	CALL(getrandom),
	CALL(sysinfo),
	CALL(uname),
	CALL(nanosleep),
	CALL(clock_nanosleep),
	CALL(pidfd_open),
	CALL(process_vm_readv),
	CALL(inotify_init1),
	CALL(inotify_add_watch),
	CALL(timerfd_create),
	CALL(signalfd4),
	CALL(chdir),
};

#define CALLS (sizeof(calls) / sizeof(*calls))

static inline const struct call *call_of(long number)
{
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

#endif
