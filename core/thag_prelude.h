/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How a recording begins in the middle of a ring: with a chunk that says what is there, so that
 * the words from there on mean what they mean to who has read all of the ring.
 *
 * A prelude is a chunk of one word, a TIME, in the place of the word before the first that is
 * kept. Its openings (thag_openings.h) are the thread's own stack, the task that runs there, and
 * then those that are suspended, each with the step that comes next. A task is in one prelude only.
 * Calls that are open count from the prelude on.
 *
 * Thread: who has stopped all that read the session's rings. Allocates.
 */
#ifndef THAG_PRELUDE_H
#define THAG_PRELUDE_H

#include <stdbool.h>
#include <stdint.h>

#include "thag_chunk.h"
#include "thag_stream.h"

/**
 * When a prelude is, for a stream whose next word is `word`; `present`: it is written. What is not
 * written yet is later than `now` (ticks).
 */
uint64_t thag_prelude_ticks(const struct thag_stream *stream, uint64_t word, bool present,
			    uint64_t now);

/**
 * Makes the prelude of ring `ring` in `chunk`, which is empty: the first word kept is that at
 * `pos`, the stream took all before it, and it isn't before `ticks`. `others`: tasks that are in no
 * prelude otherwise are to be in this one, of a ring with a thread where there is one: without one
 * the frames they have open are lost. 0, -ENOMEM, -E2BIG or -ERANGE; then `chunk` is empty.
 */
int thag_prelude_make(struct thag_chunk *chunk, const struct thag_stream *stream, uint32_t ring,
		      uint64_t pos, uint64_t ticks, bool others);

/**
 * Brings a stream that has taken nothing to where a prelude says. What makes no sense is left out:
 * nothing in it is trusted but that it was decoded, and its head checked.
 */
void thag_prelude_play(struct thag_stream *stream, const struct thag_chunk_raw *prelude);

#endif
