/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The threads of a session: found by their rings, kept after they ended, merged into one when
 * there are too many, so that a program of a hundred thousand short threads takes no more memory
 * than one of a few hundred.
 */
#ifndef THAG_MEMBERS_H
#define THAG_MEMBERS_H

#include "session.h"

/** Sets the callbacks of a ring's stream. */
void thag_members_listen(struct thag_session_ring *ring);

/**
 * A thread that was running before we listened gets its place; its ring's stream goes on with
 * it. NULL without room. The session must be new: no lock is taken.
 */
struct thag_thread *thag_members_resume(struct thag_session_ring *ring, uint32_t tid);

/** Ends all that live. Under the session's lock, exclusive. */
void thag_members_end(struct thag_session *session);

/** Keeps members from being merged or freed, until the matching unpin. Any thread. */
void thag_members_pin(struct thag_session *session);
void thag_members_unpin(struct thag_session *session);

void thag_members_fini(struct thag_session *session);

#endif
