/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Running a program as if we weren't there: it has our terminal, our process group and the
 * signal dispositions we were started with.
 *
 * Signals. What the terminal sends goes to the whole process group: the program gets it, we only
 * wait. What somebody sends to us alone is passed on. Stopping (Ctrl-Z) stops both.
 *
 * Thread: main.
 */
#ifndef THAG_CHILD_H
#define THAG_CHILD_H

#include <signal.h>
#include <sys/types.h>

struct thag_child {
	pid_t pid;
	sigset_t mask_before;
	struct sigaction sigchld_before;
};

/**
 * Runs `argv` with THAG_RUN=1. 0, or a negative errno as execvp(3) when it can't be run. After
 * success thag_child_wait must follow.
 */
int thag_child_start(struct thag_child *child, char *const argv[]);

/**
 * Waits for the program's end and passes signals on; from then on they are ours again. Returns its
 * wait status. Its pid stays its own until thag_child_reap.
 */
int thag_child_wait(struct thag_child *child);

/** Lets go of a program that has ended. */
void thag_child_reap(const struct thag_child *child);

/** Ends this process as `status` says: the same exit status, or the same signal without a core. */
_Noreturn void thag_child_exit_as(int status);

#endif
