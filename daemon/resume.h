/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Going on with a session and its recording, after its thagd was killed: what the recording holds
 * is read into the session, and reading its rings and writing go on at the word behind it.
 *
 * Thread: main loop; the work is done by the pool.
 */
#ifndef THAG_RESUME_H
#define THAG_RESUME_H

#include <uv.h>

#include "recorder.h"
#include "session.h"

struct thag_daemon;
struct thag_resume;

typedef void thag_resume_done_fn(struct thag_resume *resume);

struct thag_resume {
	uv_work_t work;
	struct thag_daemon *daemon;
	thag_resume_done_fn *done;
	struct thag_session *session;
	char path[THAG_PATH_BYTES];
	int error; /* outcome: 0 or a negative errno; then the session is of no use */
};

/**
 * `session` is new, of an adopted program, its origin `replayed`, and known to nobody else. `done`
 * is called later, in any case.
 */
void thag_resume_start(struct thag_resume *resume, struct thag_daemon *daemon,
		       struct thag_session *session, const char *path, thag_resume_done_fn *done);

#endif
