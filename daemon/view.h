/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frames for browsers, made on the thread pool: one job takes one session, and makes one profile
 * for all who look at the same threads, one copy of the heap for all who look at the same part of
 * the run, and one set of frames for all who look the same way.
 *
 * Thread: main loop.
 */
#ifndef THAG_VIEW_H
#define THAG_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "blob.h"
#include "session.h"
#include "watch.h"

struct thag_daemon;
struct thag_view_job;

/** What a session has come to, as far as frames of it are concerned. */
struct thag_view_mark {
	uint64_t events;
	enum thag_session_state state;
	uint32_t names; /* version of its names */
};

/** A way to look, and what is seen; the blobs are NULL when there was no memory. */
struct thag_view_wish {
	struct thag_watch watch;
	struct thag_session *base; /* a reference; NULL: there is none, or none any more */
	uint64_t base_duration_ns;
	struct thag_view_mark base_mark; /* when it was added */
	struct thag_blob *flame;	 /* or the two that follow */
	struct thag_blob *callers;
	struct thag_blob *callees;
	struct thag_blob *table;
	struct thag_blob *durations; /* where they were asked for */
	struct thag_blob *memory;    /* with a metric of memory only */
	bool made;		     /* as far as there was memory */
};

typedef void thag_view_done_fn(struct thag_view_job *view);

struct thag_view_job {
	uv_work_t work;
	struct thag_daemon *daemon;
	struct thag_session *session; /* a reference */
	void *context;		      /* the caller's */
	thag_view_done_fn *done;
	struct thag_session_counts counts; /* what the frames tell */
	enum thag_session_state state;
	uint32_t names; /* version of the session's names when it was begun */
	uint64_t duration_ns;
	uint64_t took_ns;
	uint32_t query_count;
	struct thag_view_wish queries[THAG_VIEW_QUERIES_MAX];
};

struct thag_view_mark thag_view_mark(const struct thag_session *session);

/** A job for `session` without queries yet. NULL without memory. */
struct thag_view_job *thag_view_create(struct thag_daemon *daemon, struct thag_session *session);

/**
 * Adds a way to look, unless it is there already; `base`: the session that it is compared with, or
 * NULL. False when there is no room.
 */
bool thag_view_add(struct thag_view_job *view, const struct thag_watch *watch,
		   struct thag_session *base);

/** Whether there was memory for all that belongs to it. */
bool thag_view_is_whole(const struct thag_view_wish *query);

/** Starts; `done` is called once, later, and then destroys the job. */
void thag_view_start(struct thag_view_job *view, thag_view_done_fn *done, void *context);

/** The answer to `watch`, or NULL. */
const struct thag_view_wish *thag_view_find(const struct thag_view_job *view,
					    const struct thag_watch *watch);

void thag_view_destroy(struct thag_view_job *view);

#endif
