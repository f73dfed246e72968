/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Copies of the chunks that a session's rings are filling, for one look at its timeline.
 *
 * Thread: any; the session's history is locked from take on, so that none of them gets into the
 * timeline meanwhile.
 */
#ifndef THAG_OPEN_CHUNKS_H
#define THAG_OPEN_CHUNKS_H

#include "session.h"
#include "thag_timeline.h"

/** All zero is empty. */
struct thag_open_chunks {
	struct thag_chunk_raw *list;
	const struct thag_chunk_raw **wanted; /* of the last select */
	uint32_t count;
	bool cut; /* some found no room: see THAG_OPEN_WORDS_MAX */
};

/** Copies them. Without memory there are none. */
void thag_open_chunks_take(struct thag_open_chunks *open, struct thag_session *session);

void thag_open_chunks_fini(struct thag_open_chunks *open);

/**
 * Those that are worth a look in a window of so many columns: not those that are narrower than one,
 * unless there are few words to be looked at, or the ring has no others. Valid until the next
 * select, or fini.
 */
struct thag_timeline_open thag_open_chunks_select(struct thag_open_chunks *open,
						  const struct thag_timeline *timeline,
						  uint64_t ticks, uint32_t columns);

/** All of them. */
struct thag_timeline_open thag_open_chunks_all(struct thag_open_chunks *open);

#endif
