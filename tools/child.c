/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL_SIGNAL_BASE 128

/** Signals that are passed on when they were meant for us. */
static const int passed_on[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM };

static void block_signals(struct thag_child *child)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &set, &child->mask_before);
	/* ignored by who started us, it would make children vanish unseen */
	sigaction(SIGCHLD, &usual, &child->sigchld_before);
}

static void restore_signals(const struct thag_child *child)
{
	sigaction(SIGCHLD, &child->sigchld_before, NULL);
	sigprocmask(SIG_SETMASK, &child->mask_before, NULL);
}

/** In the child: becomes the program, or tells through `report` why it can't. */
static _Noreturn void become(const struct thag_child *child, char *const argv[], int report)
{
	int error;

	restore_signals(child);
	if (setenv("THAG_RUN", "1", 1) == 0)
		execvp(argv[0], argv);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		error = errno;
	_exit(error ? EXIT_FAILURE : EXIT_SUCCESS);
}

/** What the child says before it is the program: nothing, or an errno. */
static int read_report(int report)
{
	int error = 0;
	ssize_t got;

	do
		got = read(report, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(error) ? -error : 0;
}

int thag_child_start(struct thag_child *child, char *const argv[])
{
	int report[2], ret;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	block_signals(child);
	child->pid = fork();
	if (child->pid == 0)
		become(child, argv, report[1]);
	ret = child->pid < 0 ? -errno : 0;
	close(report[1]);
	if (!ret)
		ret = read_report(report[0]);
	close(report[0]);
	if (ret && child->pid > 0)
		waitpid(child->pid, NULL, 0);
	if (ret)
		restore_signals(child);
	return ret;
}

/** Whether somebody sent it to us alone: the kernel's own go to the group the program is in. */
static bool was_meant_for_us(const siginfo_t *info)
{
	return info->si_code <= 0;
}

/** The wait status waitpid(2) would give. */
static int status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return W_EXITCODE(info->si_status, 0);
	return info->si_status | (info->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

/** Whether the program has ended, and how; it stays a zombie, so that its pid stays its own. */
static bool has_ended(pid_t pid, int *status)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid != pid)
		return false;
	*status = status_of(&info);
	return true;
}

int thag_child_wait(struct thag_child *child)
{
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&set, passed_on[i]);
	while (!has_ended(child->pid, &status)) {
		siginfo_t info;
		int signal = sigwaitinfo(&set, &info);

		if (signal > 0 && signal != SIGCHLD && was_meant_for_us(&info))
			kill(child->pid, signal);
	}
	restore_signals(child);
	return status;
}

void thag_child_reap(const struct thag_child *child)
{
	waitpid(child->pid, NULL, 0);
}

/** Dies of `signal`, leaving no second core beside the program's. */
static void die_of(int signal)
{
	struct rlimit none = { 0, 0 };
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	sigaction(signal, &usual, NULL);
	sigemptyset(&set);
	sigaddset(&set, signal);
	raise(signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

_Noreturn void thag_child_exit_as(int status)
{
	if (!WIFSIGNALED(status))
		exit(WEXITSTATUS(status));
	die_of(WTERMSIG(status));
	/* init of a pid namespace doesn't die of its own signals */
	exit(SHELL_SIGNAL_BASE + WTERMSIG(status));
}
