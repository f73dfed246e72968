/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A lock that is had in the order in which it was asked for: a thread that gives it up and asks
 * again at once, as work in many steps does, comes after those who wait. A mutex of pthreads mostly
 * gives it back to the thread that runs.
 *
 * A ticket lock (Reed and Kanodia, "Synchronization with eventcounts and sequencers", 1979) whose
 * waiters sleep.
 */
#ifndef THAG_TURNS_H
#define THAG_TURNS_H

#include <stdint.h>

#include <pthread.h>

struct thag_turns {
	pthread_mutex_t lock; /* of these numbers, held for a moment */
	pthread_cond_t given_up;
	uint64_t next, serving;
};

void thag_turns_init(struct thag_turns *turns);

/** While nobody has it and nobody waits. */
void thag_turns_fini(struct thag_turns *turns);

/** Blocks. Any thread but the one that has it. */
void thag_turns_take(struct thag_turns *turns);

/** The thread that has it. */
void thag_turns_give_up(struct thag_turns *turns);

#endif
