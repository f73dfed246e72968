/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "confine.h"
#include "daemon.h"
#include "files.h"
#include "format.h"
#include "limit_list.h"
#include "log.h"
#include "options.h"
#include "thag_symbol_server.h"

#define FIRST_OWN_FD 3
#define READER_STACK_BYTES (UINT64_C(8) << 20)

static struct thag_daemon daemon_state; /* the process's state */
static int ready_fd = -1;		/* where who started us in the background waits */

/* Not stdio, which drops a line whose writing is interrupted. */
static void say(const char *line)
{
	if (thag_write_all(STDOUT_FILENO, line, strlen(line)) == 0)
		thag_write_all(STDOUT_FILENO, "\n", 1);
}

/* In the background the line goes to the waiting parent, and from now on all else to the log. */
static void on_ready(struct thag_daemon *daemon, const char *line)
{
	if (ready_fd < 0) {
		say(line);
		return;
	}
	if (thag_runtime_to_log(&daemon->runtime) != 0 || chdir("/") != 0)
		thag_log_write(THAG_LOG_WARN, "still attached to where it was started");
	/* not `line`: a token is for the terminal alone */
	thag_log_write(THAG_LOG_INFO, "thagd %s listening: http://localhost:%u (socket %s)",
		       THAG_VERSION, daemon->port, daemon->runtime.socket);
	if (thag_write_all(ready_fd, line, strlen(line)) != 0)
		thag_log_write(THAG_LOG_DEBUG, "nobody waited for the start");
	close(ready_fd);
	ready_fd = -1;
}

/* The parent prints what the child says when it is ready, else ends as the child ended. */
static int wait_ready(int fd, pid_t child)
{
	char line[8192];
	ssize_t got;
	int status;

	do
		got = read(fd, line, sizeof(line) - 1);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		line[got] = '\0';
		say(line);
		return THAG_EXIT_OK;
	}
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		return WEXITSTATUS(status);
	return THAG_EXIT_FAILURE;
}

/* Whoever started us may wait for the end of a pipe that we inherited. */
static void leave_all_but(int fd)
{
	ready_fd = dup2(fd, FIRST_OWN_FD);
	syscall(SYS_close_range, FIRST_OWN_FD + 1, ~0u, 0);
	fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	setsid();
}

/* Returns in the child with -1; in the parent with its exit status. */
static int go_to_background(void)
{
	int fds[2], ret;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0 || (child = fork()) < 0) {
		fprintf(stderr, "thagd: can't go to the background: %s\n", strerror(errno));
		return THAG_EXIT_FAILURE;
	}
	if (child == 0) {
		leave_all_but(fds[1]);
		return -1;
	}
	close(fds[1]);
	ret = wait_ready(fds[0], child);
	close(fds[0]);
	return ret;
}

static int print_limits(const struct thag_options *options)
{
	struct thag_budget budget;

	thag_budget_init(&budget, options->timeline_bytes);
	thag_budget_find(&budget);
	return thag_limits_print(&budget, options->json) == 0 ? THAG_EXIT_OK : THAG_EXIT_FAILURE;
}

/* When memory runs out the kernel takes the reader: thagd starts another one. */
static void be_killed_first(void)
{
	static const char most[] = "1000\n";
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, most, sizeof(most) - 1) < 0)
		thag_log_write(THAG_LOG_DEBUG, "can't offer itself to the kernel");
	close(fd);
}

/* Names are demangled by recursion; a thagd whose memory is limited left us little for that. */
static void raise_stack(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= READER_STACK_BYTES)
		return;
	limit.rlim_cur = limit.rlim_max < READER_STACK_BYTES ? limit.rlim_max : READER_STACK_BYTES;
	setrlimit(RLIMIT_STACK, &limit);
}

int main(int argc, char **argv)
{
	struct thag_options options;
	int ret = thag_options_parse(&options, argc, argv);

	if (ret >= 0)
		return ret;
	if (options.limits)
		return print_limits(&options);
	thag_confine_privileges();
	if (options.symbols) {
		be_killed_first();
		raise_stack();
		thag_confine_reader();
		return thag_symbol_server_run();
	}
	thag_format_begin();
	thag_log_set_level((enum thag_log_level)options.log_level);
	if (options.daemonize) {
		ret = go_to_background();
		if (ret >= 0)
			return ret;
	}
	return thag_daemon_run(&daemon_state, &options, on_ready);
}
