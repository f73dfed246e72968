/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A command that runs beside the screen: in a child, so that it can take as long as it likes, be
 * cancelled, run out of memory and print what it prints.
 *
 * Thread: main.
 */
#ifndef THAG_ANALYZE_JOB_H
#define THAG_ANALYZE_JOB_H

#include <stdbool.h>

#include "screen.h"
#include "thag_buffer.h"
#include "twin.h"

struct thag_job {
	/** Runs in the child. Returns an exit status; `argv` is the twin's words. */
	int (*run)(int argc, char **argv);
	const struct thag_twin *twin;
	const char *doing; /* "reading" */
};

/** What came of it. */
struct thag_job_done {
	struct thag_buffer out; /* its stdout */
	char *complaint;	/* the first line of its stderr, with how many more there are; "" */
	int status;		/* what it exited with; 128 and a signal that ended it */
	bool is_cancelled;
};

/**
 * Runs it to its end, or until Esc or q. After a second a line says how long it has been at it.
 * 0, or a negative errno when it can't be run.
 */
int thag_job_run(struct thag_screen *screen, const struct thag_job *job,
		 struct thag_job_done *done);
void thag_job_done_fini(struct thag_job_done *done);

/** Says on the line of messages what went wrong, if anything did. Whether nothing did. */
bool thag_job_judge(struct thag_screen *screen, const struct thag_job_done *done);

#endif
