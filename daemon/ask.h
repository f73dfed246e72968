/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a browser asks once about a function: its slowest calls, or its source. A job on the thread
 * pool answers, as JSON.
 *
 * Thread: main loop.
 */
#ifndef THAG_ASK_H
#define THAG_ASK_H

#include <stdint.h>

#include <jansson.h>
#include <uv.h>

#include "metric.h"
#include "session.h"

struct thag_daemon;
struct thag_ask_job;

enum thag_ask_kind {
	THAG_ASK_SLOWEST, /* "slowest": see slowest.h */
	THAG_ASK_SOURCE,  /* "source": see source.h */
	THAG_ASK_KINDS
};

/** A question, checked. All zero asks nothing. */
struct thag_ask {
	uint64_t session;
	uint64_t function;
	struct thag_metric_query metric;
	uint32_t count; /* calls, or lines from `first` on, that are wanted */
	uint32_t place; /* of the source: which of the function's files */
	uint32_t first; /* of the source: line, from 1; 0: where the function is */
};

/** The kind that a request's "op" names; THAG_ASK_KINDS: none. */
enum thag_ask_kind thag_ask_find_kind(const char *op);

/** 0, or -EINVAL with `*why` set to a constant line. `latest`: the session meant by "latest". */
int thag_ask_parse(struct thag_ask *ask, enum thag_ask_kind kind, json_t *json, uint64_t latest,
		   const char **why);

typedef void thag_ask_done_fn(struct thag_ask_job *job);

struct thag_ask_job {
	uv_work_t work;
	struct thag_daemon *daemon;
	struct thag_session *session; /* a reference */
	enum thag_ask_kind kind;
	struct thag_ask ask;
	void *context;	 /* the caller's, and … */
	uint64_t client; /* … who asked */
	thag_ask_done_fn *done;
	json_t *answer; /* outcome, as proto/thag/frames.h has it; NULL: see error */
	int error;
};

/** Starts it; `done` is called once, later, and then destroys the job. 0 or -ENOMEM. */
int thag_ask_start(struct thag_daemon *daemon, struct thag_session *session,
		   enum thag_ask_kind kind, const struct thag_ask *ask, uint64_t client,
		   thag_ask_done_fn *done, void *context);

void thag_ask_destroy(struct thag_ask_job *job);

#endif
