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
 * Waits for the program's end and passes signals on. `ended` is called with its wait status
 * while its pid is still its own. Returns that status.
 */
int thag_child_wait(struct thag_child *child, void (*ended)(pid_t pid, int status));

/** Ends this process as `status` says: the same exit status, or the same signal without a core. */
_Noreturn void thag_child_exit_as(int status);

#endif
