/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a confined process may do and what not, tried in children; where there is a filter. */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "log.h"

#define WORKS 0
#define NO_FILTER 77

static bool is_filtered(void)
{
	char line[128];
	bool filtered = false;
	FILE *file = fopen("/proc/self/status", "re");

	while (file && fgets(line, sizeof(line), file))
		filtered |= strcmp(line, "Seccomp:\t2\n") == 0;
	if (file)
		fclose(file);
	return filtered;
}

/* Runs `act` in a confined child. Its exit status, or minus the signal that killed it. */
static int try(void (*confine)(void), int (*act)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		thag_log_set_level(THAG_LOG_ERROR);
		thag_confine_privileges();
		confine();
		_exit(is_filtered() ? act() : NO_FILTER);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define EXPECT(confine, act, wanted) \
	do { \
		int got = try(confine, act); \
		if (got == NO_FILTER) \
			cr_skip_test("no filter of system calls here"); \
		cr_assert_eq(got, wanted, "%s after %s: %d", #act, #confine, got); \
	} while (0)

static void *nothing(void *arg)
{
	return arg;
}

static int start_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) ? 1 : pthread_join(thread, NULL);
}

static int start_program(void)
{
	static char name[] = "true";
	char *const argv[] = { name, NULL };
	int status;
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, NULL) != 0)
		return 1;
	return waitpid(pid, &status, 0) == pid && status == 0 ? WORKS : 2;
}

static int read_file(void)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char byte;

	return fd >= 0 && read(fd, &byte, 1) == 1 ? WORKS : 1;
}

static int write_file(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? WORKS : errno;
}

static int connect_elsewhere(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? WORKS : errno;
}

static int make_local_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? WORKS : errno;
}

static int signal_parent(void)
{
	return kill(getppid(), SIGCONT) == 0 ? WORKS : errno;
}

static int trace_self(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? WORKS : errno;
}

static int leave_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0 ? WORKS : errno;
}

Test(confine, the_daemon_does_what_it_needs)
{
	EXPECT(thag_confine_daemon, start_thread, WORKS);
	EXPECT(thag_confine_daemon, start_program, WORKS);
	EXPECT(thag_confine_daemon, read_file, WORKS);
	EXPECT(thag_confine_daemon, write_file, WORKS);
	EXPECT(thag_confine_daemon, make_local_socket, WORKS);
}

Test(confine, the_daemon_reaches_nobody_else)
{
	EXPECT(thag_confine_daemon, connect_elsewhere, ENOSYS);
	EXPECT(thag_confine_daemon, signal_parent, ENOSYS);
}

Test(confine, an_attackers_calls_kill)
{
	EXPECT(thag_confine_daemon, trace_self, -SIGSYS);
	EXPECT(thag_confine_daemon, leave_namespace, -SIGSYS);
	EXPECT(thag_confine_reader, trace_self, -SIGSYS);
}

Test(confine, the_reader_only_reads)
{
	EXPECT(thag_confine_reader, read_file, WORKS);
	EXPECT(thag_confine_reader, write_file, ENOSYS);
	EXPECT(thag_confine_reader, make_local_socket, ENOSYS);
	EXPECT(thag_confine_reader, start_program, 1);
	EXPECT(thag_confine_reader, start_thread, 1);
}
