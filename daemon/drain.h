/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The threads that read the rings of all sessions.
 *
 * Each ring belongs to one of them. While there are words they don't rest; then they nap, from
 * 0.1 ms up to 2 ms, which is less than it takes a thread to fill its ring; without a session
 * they sleep.
 */
#ifndef THAG_DRAIN_H
#define THAG_DRAIN_H

#include "session.h"

struct thag_drain;

/** Starts `threads` threads, at most THAG_DRAIN_THREADS_MAX; 0: one a processor. */
int thag_drain_create(struct thag_drain **out, unsigned threads);

/** Ends and joins the threads; sessions still added are let go. */
void thag_drain_destroy(struct thag_drain *drain);

/** From now on the session's rings are read. Main loop. 0 or -ENOSPC. */
int thag_drain_add(struct thag_drain *drain, struct thag_session *session);

/** The opposite: when it returns no drain thread touches the rings any more. Main loop. */
void thag_drain_remove(struct thag_drain *drain, struct thag_session *session);

#endif
