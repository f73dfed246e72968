/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a session's program records, and switching that while it runs.
 *
 * The program says in its shared memory what it records; the user's wish goes into thagd's, which
 * the program looks at now and then (see THAG_WISH in proto/thag/shm.h). Wishes are numbered in
 * that memory, so a thagd that takes a session over goes on counting.
 *
 * Thread: main loop, or another that has the session to itself.
 */
#ifndef THAG_MODES_H
#define THAG_MODES_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "session.h"

/** Bits of enum thag_mode_bits each. */
struct thag_modes {
	uint32_t asked;	 /* when it started */
	uint32_t active; /* now; when it has ended: at last */
	uint32_t wished; /* by the user, last */
	bool waiting;	 /* the program hasn't heeded that yet */
};

/** Reads shared memory, if the program's is still there. */
void thag_modes_get(struct thag_session *session, struct thag_modes *modes);

/**
 * Notes what the user wants recorded. `op`: "enable" or "disable"; `kinds`, for enable: "time",
 * "memory" or "both", NULL: what the program was started with. 0; -EINVAL, or -ESRCH when there
 * is no program any more, with `why` in words.
 */
int thag_modes_switch(struct thag_session *session, const char *op, const char *kinds,
		      const char **why);

/**
 * Notes that the user wants the session to end: its program will record nothing any more, whatever
 * it says. 0, also when that was noted before, or -ESRCH with `why` in words.
 */
int thag_modes_end(struct thag_session *session, const char **why);

/** Whether that was noted, by us or by an earlier thagd. Reads shared memory. */
bool thag_modes_is_ending(struct thag_session *session);

/** Whether the program has heeded the last wish, or records nothing in any case. Likewise. */
bool thag_modes_is_silent(struct thag_session *session);

/** "time", "memory", "both" or "none". */
const char *thag_modes_name(uint32_t kinds);

/** Sets "modes", "active" and "wished" (null when nothing is waited for) in `object`. */
void thag_modes_report(struct thag_session *session, json_t *object);

#endif
