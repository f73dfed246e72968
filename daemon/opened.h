/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Opening a recording as a session that looks like one that ended: `thag open`. What can't be read
 * of a damaged one is told in the session's message.
 *
 * Thread: main loop; the work is done by the pool.
 */
#ifndef THAG_OPENED_H
#define THAG_OPENED_H

#include <uv.h>

#include "session.h"

struct thag_daemon;
struct thag_opened;

typedef void thag_opened_done_fn(struct thag_opened *file);

/** One file that is being opened. */
struct thag_opened {
	uv_work_t work;
	struct thag_daemon *daemon;
	thag_opened_done_fn *done;
	char path[THAG_PATH_BYTES];
	uint64_t id;
	struct thag_session *session; /* outcome, borrowed from the registry */
	int error;		      /* outcome: 0 or a negative errno, and `why` in words */
	char why[THAG_MESSAGE_BYTES];
};

/**
 * Opens `path`, and calls `done` in any case, at once or later. A file that is open already, and
 * hasn't changed since, is that session. The caller frees `file` from `done` on.
 */
void thag_opened_start(struct thag_opened *file, struct thag_daemon *daemon, const char *path,
		       thag_opened_done_fn *done);

#endif
