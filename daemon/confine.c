/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "confine.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sys/prctl.h>

#include "log.h"

/* Sanitizers look into their own process by ptrace, and use calls of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

void thag_confine_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		thag_log_write(THAG_LOG_WARN, "no_new_privs can't be set: %s", strerror(errno));
}

#if defined(THAG_HAVE_SECCOMP) && !defined(SANITIZED)

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define OTHERS 0 /* prlimit64 of the own process */
#define NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)
#define WRITES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

/*
 * What both need: memory, time, signals, and reading files. Some are on no list of calls made here
 * and now, but what other C libraries and kernels use for the same thing.
 */
static const int shared_calls[] = {
	SCMP_SYS(access),
	SCMP_SYS(arch_prctl),
	SCMP_SYS(brk),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(close_range),
	SCMP_SYS(dup),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(futex),
	SCMP_SYS(futex_waitv),
	SCMP_SYS(get_robust_list),
	SCMP_SYS(getcpu),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid),
	SCMP_SYS(lseek),
	SCMP_SYS(lstat),
	SCMP_SYS(madvise),
	SCMP_SYS(membarrier),
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(newfstatat),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(prctl),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(read),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(readv),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(stat),
	SCMP_SYS(statfs),
	SCMP_SYS(statx),
	SCMP_SYS(sysinfo),
	SCMP_SYS(tgkill),
	SCMP_SYS(time),
	SCMP_SYS(times),
	SCMP_SYS(uname),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

/* Beside those: threads, sockets, files of its own, and starting the reader of symbols. */
static const int daemon_calls[] = {
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(bind), /* libwebsockets and netlink */
	SCMP_SYS(chdir),
	SCMP_SYS(connect),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(execve),
	SCMP_SYS(fallocate),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fdatasync),
	SCMP_SYS(flock),
	SCMP_SYS(fsync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(getpeername),
	SCMP_SYS(getpgrp),
	SCMP_SYS(getpriority),
	SCMP_SYS(getsid),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(ioctl),
	SCMP_SYS(linkat),
	SCMP_SYS(listen),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pipe2),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(sched_get_priority_max),
	SCMP_SYS(sched_get_priority_min),
	SCMP_SYS(sched_getparam),
	SCMP_SYS(sched_getscheduler),
	SCMP_SYS(sched_setscheduler),
	SCMP_SYS(seccomp), /* the reader's, on top of this */
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(sendfile),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(setpriority),
	SCMP_SYS(setsid),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(socketpair),
	SCMP_SYS(sync_file_range),
	SCMP_SYS(umask),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(utimensat),
	SCMP_SYS(vfork),
	SCMP_SYS(wait4),
	SCMP_SYS(waitid),
};

/* What nobody asks for who wasn't taken over. */
static const int hostile_calls[] = {
	SCMP_SYS(acct),
	SCMP_SYS(add_key),
	SCMP_SYS(bpf),
	SCMP_SYS(chroot),
	SCMP_SYS(delete_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fsopen),
	SCMP_SYS(init_module),
	SCMP_SYS(ioperm),
	SCMP_SYS(iopl),
	SCMP_SYS(kcmp),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl),
	SCMP_SYS(mount),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(move_mount),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(open_tree),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pivot_root),
	SCMP_SYS(process_madvise),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace),
	SCMP_SYS(quotactl),
	SCMP_SYS(reboot),
	SCMP_SYS(request_key),
	SCMP_SYS(setns),
	SCMP_SYS(swapoff),
	SCMP_SYS(swapon),
	SCMP_SYS(umount2),
	SCMP_SYS(unshare),
	SCMP_SYS(userfaultfd),
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Calls that are not there on this machine are no error. */
static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	int ret = 0;

	for (size_t i = 0; i < count && ret == 0; i++)
		ret = seccomp_rule_add(filter, action, calls[i], 0);
	return ret;
}

static int allow_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp if_so)
{
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &if_so);
}

static int add_daemon(scmp_filter_ctx filter)
{
	int ret = add_all(filter, SCMP_ACT_ALLOW, daemon_calls, COUNT(daemon_calls));

	if (ret == 0)
		ret = allow_if(filter, SCMP_SYS(prlimit64), SCMP_A0_32(SCMP_CMP_EQ, OTHERS, 0));
	if (ret == 0)
		ret = allow_if(filter, SCMP_SYS(socket), SCMP_A0_32(SCMP_CMP_EQ, AF_UNIX, 0));
	if (ret == 0)
		ret = allow_if(filter, SCMP_SYS(socket), SCMP_A0_32(SCMP_CMP_EQ, AF_NETLINK, 0));
	/* threads, and a process for the reader; clone3 hides its flags, so it isn't there */
	if (ret == 0)
		ret = allow_if(filter, SCMP_SYS(clone),
			       SCMP_A0_64(SCMP_CMP_MASKED_EQ, NAMESPACES, 0));
	if (ret == 0)
		ret = allow_if(filter, SCMP_SYS(kill), SCMP_A1_32(SCMP_CMP_EQ, SIGKILL, 0));
	/* whether a process is there */
	return ret ? ret
		   : allow_if(filter, SCMP_SYS(pidfd_send_signal), SCMP_A1_32(SCMP_CMP_EQ, 0, 0));
}

static int add_reader(scmp_filter_ctx filter)
{
	int ret = allow_if(filter, SCMP_SYS(openat), SCMP_A2_32(SCMP_CMP_MASKED_EQ, WRITES, 0));

	if (ret == 0)
		ret = allow_if(filter, SCMP_SYS(open), SCMP_A1_32(SCMP_CMP_MASKED_EQ, WRITES, 0));
	return ret ? ret
		   : allow_if(filter, SCMP_SYS(prlimit64), SCMP_A0_32(SCMP_CMP_EQ, OTHERS, 0));
}

static int confine(int (*add_own)(scmp_filter_ctx filter))
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int ret;

	if (!filter)
		return -ENOMEM;
	ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* all threads there are */
	if (ret == 0)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (ret == 0)
		ret = add_all(filter, SCMP_ACT_KILL_PROCESS, hostile_calls, COUNT(hostile_calls));
	if (ret == 0)
		ret = add_all(filter, SCMP_ACT_ALLOW, shared_calls, COUNT(shared_calls));
	if (ret == 0)
		ret = add_own(filter);
	if (ret == 0)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	return ret;
}

void thag_confine_daemon(void)
{
	int ret = confine(add_daemon);

	if (ret == 0)
		thag_log_write(THAG_LOG_DEBUG, "confined to the system calls it needs");
	else
		thag_log_write(THAG_LOG_WARN, "goes on without a filter of system calls: %s",
			       strerror(-ret));
}

void thag_confine_reader(void)
{
	confine(add_reader); /* in vain where thagd's own was */
}

#else

void thag_confine_daemon(void)
{
	thag_log_write(THAG_LOG_DEBUG, "this build has no filter of system calls");
}

void thag_confine_reader(void)
{
}

#endif
