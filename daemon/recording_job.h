/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recording a program that runs, as its user wishes: from now on, until now. What a thagd after
 * this one must know is noted.
 *
 * Thread: main loop; the work is done by the pool.
 */
#ifndef THAG_RECORDING_JOB_H
#define THAG_RECORDING_JOB_H

#include <stdbool.h>

#include <jansson.h>
#include <uv.h>

#include "session.h"

struct thag_daemon;
struct thag_recording_job;

typedef void thag_recording_job_done_fn(struct thag_recording_job *job);

struct thag_recording_job {
	uv_work_t work;
	struct thag_daemon *daemon;
	thag_recording_job_done_fn *done;
	struct thag_session *session; /* a reference, until `done` has returned */
	bool begins;
	bool is_directory;
	char path[THAG_PATH_BYTES]; /* to begin in; "" for the usual directory. Outcome: its file */
	int error;		    /* outcome: 0 or a negative errno, and `why` in words */
	char why[THAG_MESSAGE_BYTES + THAG_PATH_BYTES];
};

/**
 * Does what a request asks: {"op":"record"[,"file":PATH or "directory":PATH]}, both absolute, or
 * {"op":"unrecord"}. Calls `done` in any case, at once or later; the caller frees `job` from then
 * on.
 */
void thag_recording_job_start(struct thag_recording_job *job, struct thag_daemon *daemon,
			      struct thag_session *session, const json_t *request,
			      thag_recording_job_done_fn *done);

#endif
