/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * That something goes on of which nobody knows how far it is: for how long, on stderr where that is
 * a terminal, after the first second and until it ends. It is told by a thread of its own.
 *
 * Thread: owner; one at a time, since there is one line to write on.
 */
#ifndef THAG_WAITING_H
#define THAG_WAITING_H

#include <pthread.h>
#include <stdbool.h>

struct thag_waiting {
	const char *doing;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ends;
	bool is_over;
	bool is_told; /* there is a thread */
};

/** `doing`, such as "importing", must stay. thag_waiting_end must follow. */
void thag_waiting_begin(struct thag_waiting *waiting, const char *doing);

/** Wipes the line away, before anything else is written. */
void thag_waiting_end(struct thag_waiting *waiting);

#endif
