/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A chunk that is being filled, beside the stream that reads the ring (thag_stream.h).
 *
 *   begin, where nothing of an event is under way
 *   until it is to be cut:
 *     read at most `room` words, feed them to the stream, put those that the stream took
 *     where the stream was told of a gap, put a hole
 *     the stream's `task` callback says which frames tasks have open: thag_chunk_stage_task
 *   hand stage->raw on: it can be read, encoded and summarised as it is; then begin again
 *
 * Thread: the ring's reader. Allocates for the frames that are open, else only in init.
 */
#ifndef THAG_CHUNK_STAGE_H
#define THAG_CHUNK_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_chunk.h"
#include "thag_pairs.h"
#include "thag_stream.h"

/** Make it with thag_chunk_stage_init. */
struct thag_chunk_stage {
	struct thag_chunk_raw raw; /* head.words grows; its times are set by thag_chunk_encode */
	struct thag_pairs steps;   /* of tasks in these words, by id: one more than the step */
	uint64_t events;	   /* of the stream, where it begins */
	bool owns_words;
	bool incomplete; /* open frames were left out for want of memory */
};

/**
 * A stage of ring `ring`. `words`: memory for THAG_CHUNK_WORDS, which must outlive it; NULL: it has
 * its own. 0 or -ENOMEM.
 */
int thag_chunk_stage_init(struct thag_chunk_stage *stage, uint32_t ring, uint64_t *words);
void thag_chunk_stage_fini(struct thag_chunk_stage *stage);

/** Whether a chunk may begin or end here: neither in an event nor at a step that waits. */
static inline bool thag_chunk_stage_may_cut(const struct thag_stream *stream)
{
	return stream->pending_words == 0 && !stream->blocked;
}

/**
 * Begins anew, at `pos`, the position of the next word that the stream will take. `flags`: of
 * enum thag_chunk_flags RESUMED and GAP, where they apply. 0 or -ENOMEM: then the frames that are
 * open are left out.
 */
int thag_chunk_stage_begin(struct thag_chunk_stage *stage, const struct thag_stream *stream,
			   uint64_t pos, uint32_t flags);

/**
 * Words that may be fed next, a hole being one of them, so that it can be cut behind them. 0: it
 * must be cut now.
 */
size_t thag_chunk_stage_room(const struct thag_chunk_stage *stage,
			     const struct thag_stream *stream);

/** Adds words that `stream` has just taken, at most as many as there was room for. */
void thag_chunk_stage_put(struct thag_chunk_stage *stage, const struct thag_stream *stream,
			  const uint64_t *words, size_t count);

/** Adds a word that was never written: see thag_stream_gap. */
void thag_chunk_stage_hole(struct thag_chunk_stage *stage);

/** To be called from the stream's `task` callback, with what that was given. */
void thag_chunk_stage_task(struct thag_chunk_stage *stage, const struct thag_task_event *event,
			   const struct thag_task_state *task);

#endif
