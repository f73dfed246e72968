/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reading the rings of a session.
 *
 * Where a task goes from thread to thread, its next step lies in another ring than the one
 * before, and a ring must not be read on before that one was; and what happens to memory is to be
 * put in the order of time over all rings. While no such thing was seen, several drain threads
 * share a session's rings; from then on one reads them all in turn, so that none waits for another.
 *
 * Thread: a drain thread under the session's shared lock, or any under the exclusive one.
 */
#ifndef THAG_RINGS_H
#define THAG_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"

/** What a look at some rings found. */
enum thag_found {
	THAG_FOUND_NOTHING,
	THAG_FOUND_WORDS, /* and read all of them */
	THAG_FOUND_MORE,  /* than may be read at once */
};

/** Whether one thread is to read all rings of the session: from once on, for ever. */
bool thag_rings_together(const struct thag_session *session);

/**
 * Reads and decodes what is in the ring, at most THAG_DRAIN_BATCHES batches. `words` has room for
 * THAG_RING_BATCH. `writer_dead`: no hole will be filled any more.
 */
enum thag_found thag_rings_read(struct thag_session_ring *ring, uint64_t *words, uint64_t now_ns,
				bool writer_dead);

/** Whether any ring waits for another. */
bool thag_rings_blocked(const struct thag_session *session);

/**
 * Where rings wait for words that will not come, lets the one that stopped earliest go on: when
 * all others were read beyond that time, or it waited for THAG_TASK_WAIT_NS, or with `force`.
 * Returns whether it did. Only for who reads all rings of the session.
 */
bool thag_rings_unblock(struct thag_session *session, uint64_t now_ns, bool force);

/** Reads what is left in all rings of a detached session. Any thread, without the lock. */
void thag_rings_finish(struct thag_session *session, bool writer_dead);

#endif
