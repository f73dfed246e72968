/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A child of a test, run instruction by instruction; for test_step.c and test_heap_step.c. */
#ifndef STEPPING_H
#define STEPPING_H

#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>

/** Whether the traced child still runs after `steps` instructions. */
static inline bool step(pid_t child, int steps)
{
	int status;

	while (steps-- > 0) {
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0)
			return false;
		waitpid(child, &status, 0);
		if (!WIFSTOPPED(status))
			return false;
	}
	return true;
}

#endif
