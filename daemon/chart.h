/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Charts for browsers: a job on the thread pool asks the session's timeline for one of them, and
 * makes its message.
 *
 * Thread: main loop.
 */
#ifndef THAG_CHART_JOB_H
#define THAG_CHART_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "blob.h"
#include "chart_request.h"
#include "session.h"

struct thag_daemon;
struct thag_chart_job;

typedef void thag_chart_done_fn(struct thag_chart_job *job);

struct thag_chart_job {
	uv_work_t work;
	struct thag_daemon *daemon;
	struct thag_session *session; /* a reference */
	struct thag_chart_request request;
	void *context;	 /* the caller's, and … */
	uint64_t client; /* … who asked */
	thag_chart_done_fn *done;
	struct thag_session_counts counts; /* of the session when it was begun */
	enum thag_session_state state;
	uint32_t names; /* version of the session's names, likewise */
	uint64_t duration_ns;
	struct thag_blob *chart; /* outcome; NULL: see error */
	int error;
	bool fine;	  /* it may take its time */
	bool reaches_end; /* of what is known */
	bool is_cut;	  /* with more time it would be finer */
	uint64_t took_ns;
};

/**
 * Starts a job that answers `request` of `session`; `done` is called once, later, and then destroys
 * it. `fine`: it may decode more words than what is to be seen at once. 0 or -ENOMEM.
 */
int thag_chart_job_start(struct thag_daemon *daemon, struct thag_session *session,
			 const struct thag_chart_request *request, bool fine, uint64_t client,
			 thag_chart_done_fn *done, void *context);

void thag_chart_job_destroy(struct thag_chart_job *job);

/** Makes job->chart of a session with a timeline, on the pool. 0, -EINVAL or -ENOMEM. */
int thag_chart_make(struct thag_chart_job *job);

#endif
