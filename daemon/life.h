/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How a session begins and ends. Its program is watched through a pidfd, never through the
 * socket; when it is gone the rings are read to their end, the kernel is asked how it ended, and
 * the files are written.
 *
 * Thread: main loop.
 */
#ifndef THAG_LIFE_H
#define THAG_LIFE_H

#include "session.h"

struct thag_daemon;

/**
 * Adds a session and begins to read its rings and to watch its program. Takes over `pidfd` and
 * the caller's reference on success only. 0 or a negative errno.
 */
int thag_life_begin(struct thag_daemon *daemon, struct thag_session *session, int pidfd);

/**
 * The user ends the session, whose program goes on without being profiled: it is told so, and once
 * it has heeded that, or after THAG_END_WAIT_NS, what it recorded is read and saved. 0, also when
 * it is at it, or -ESRCH with `why` in words.
 */
int thag_life_end(struct thag_session *session, const char **why);

/** Ends the session when its program doesn't have its memory any more: it called exec. */
void thag_life_check_exec(struct thag_daemon *daemon, struct thag_session *session);

/** Names that some session waited for are there. */
void thag_life_named(struct thag_daemon *daemon);

/** Whoever started the program tells how it ended (a wait status). */
void thag_life_report_exit(struct thag_daemon *daemon, pid_t pid, int status);

/** Saves a session whose program goes on without us; blocks. */
void thag_life_leave(struct thag_daemon *daemon, struct thag_session *session);

/** Says what makes a session's profile less than whole, if nothing else was said yet. */
void thag_life_explain(struct thag_session *session);

#endif
