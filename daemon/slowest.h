/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The slowest calls of a function, for a browser: a job on the thread pool asks the session's
 * timeline.
 *
 * Thread: main loop.
 */
#ifndef THAG_SLOWEST_H
#define THAG_SLOWEST_H

#include <stdint.h>

#include <jansson.h>
#include <uv.h>

#include "metric.h"
#include "session.h"

struct thag_daemon;
struct thag_slowest_job;

/** A "slowest" request, checked. */
struct thag_slowest_request {
	uint64_t session;
	uint64_t function;
	struct thag_metric_query range;
	uint32_t count;
};

/** 0, or -EINVAL with `*why` set to a constant line. `latest`: the session meant by "latest". */
int thag_slowest_parse(struct thag_slowest_request *request, json_t *json, uint64_t latest,
		       const char **why);

typedef void thag_slowest_done_fn(struct thag_slowest_job *job);

struct thag_slowest_job {
	uv_work_t work;
	struct thag_daemon *daemon;
	struct thag_session *session; /* a reference */
	struct thag_slowest_request request;
	void *context;	 /* the caller's, and … */
	uint64_t client; /* … who asked */
	thag_slowest_done_fn *done;
	json_t *answer; /* outcome; NULL: see error. Taken by who wants it */
	int error;
};

/** Starts it; `done` is called once, later, and then destroys the job. 0 or -ENOMEM. */
int thag_slowest_start(struct thag_daemon *daemon, struct thag_session *session,
		       const struct thag_slowest_request *request, uint64_t client,
		       thag_slowest_done_fn *done, void *context);

void thag_slowest_destroy(struct thag_slowest_job *job);

#endif
