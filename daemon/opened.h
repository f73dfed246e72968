/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Opening a recording as a session that looks like one that ended: `thag open`. It is in the list
 * as soon as its timeline is known, as THAG_SESSION_OPENING while its calls are added up. What
 * can't be read of a damaged one is told in the session's message.
 *
 * Thread: main loop; the work is done by the pool.
 */
#ifndef THAG_OPENED_H
#define THAG_OPENED_H

#include "session.h"

struct thag_daemon;
struct thag_opened;

typedef void thag_opened_done_fn(struct thag_opened *wish);

/** That a file be opened. */
struct thag_opened {
	thag_opened_done_fn *done;
	bool early; /* `done` once it is in the list, not when all of it was read */
	struct thag_session *session; /* outcome, borrowed from the registry */
	int error;		      /* outcome: 0 or a negative errno, and `why` in words */
	char why[THAG_MESSAGE_BYTES];
	struct thag_opened *next; /* who waits for the same file */
};

/**
 * Opens `path`, and calls `done` in any case, at once or later. A file that is open already, and
 * hasn't changed since, is that session. The caller sets `done` and `early`, and frees `wish` from
 * `done` on.
 */
void thag_opened_start(struct thag_opened *wish, struct thag_daemon *daemon, const char *path);

/** The same with a file that has no name, is called `name`, and is taken over. */
void thag_opened_start_fd(struct thag_opened *wish, struct thag_daemon *daemon, const char *name,
			  int fd);

/** Nothing more of the files is read that are being opened. */
void thag_opened_stop(struct thag_daemon *daemon);

#endif
