/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile in a file format, made on the thread pool.
 *
 * Thread: main loop.
 */
#ifndef THAG_EXPORT_H
#define THAG_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "session.h"
#include "thag_profile.h"

struct thag_daemon;
struct thag_export;

typedef void thag_export_done_fn(struct thag_export *job);

struct thag_export {
	uv_work_t work;
	struct thag_daemon *daemon;
	struct thag_session *session; /* a reference */
	uint32_t tid;		      /* 0: all threads */
	bool raw;
	thag_export_done_fn *done;
	int error;		/* 0 or a negative errno */
	struct thag_buffer out; /* folded stacks */
};

/** Starts; `done` is called once, later. `job` must stay until then. */
void thag_export_start(struct thag_export *job, struct thag_daemon *daemon,
		       struct thag_session *session, uint32_t tid, bool raw,
		       thag_export_done_fn *done);

/** Frees what a finished job holds. */
void thag_export_fini(struct thag_export *job);

#endif
