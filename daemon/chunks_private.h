/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For chunks.c and chunks_copy.c. */
#ifndef THAG_CHUNKS_PRIVATE_H
#define THAG_CHUNKS_PRIVATE_H

#include <stdatomic.h>

#include <pthread.h>

#include "chunks.h"
#include "thag_chunk_stage.h"
#include "thag_recording_journal.h"

/** The chunk of a ring that is being filled. */
struct thag_filling {
	struct thag_chunk_stage stage;
	struct thag_recording_slot *slot; /* of a journal, which has its words; NULL: the pool's */
	uint64_t begun_ns;
	uint64_t missed_from; /* `misses`: the stream's events when words began to be left out */
	uint32_t side_bytes;
	uint32_t waiting; /* chunks of the ring in the queue; under its lock */
	bool open;
	bool misses; /* words before the next chunk were left out */
};

/** A chunk that waits to be encoded; or, with `turn`, what is to be done then. */
struct thag_filled {
	struct thag_chunk_raw raw;
	struct thag_recording_slot *slot;
	struct thag_filling *from;
	struct thag_chunks_turn *turn;
};

struct thag_chunks {
	struct thag_session *session;  /* which it is part of */
	struct thag_filling *fillings; /* one for each ring */
	struct thag_chunk_maker *maker;
	atomic_bool held; /* a ring was left alone. Relaxed: who misses it comes again */
	atomic_uint_least64_t dropped_events; /* relaxed: a number that stands for itself */

	pthread_mutex_t lock;
	pthread_cond_t work;	   /* for its thread */
	pthread_cond_t turned;	   /* for who waits for a turn */
	struct thag_filled *queue; /* THAG_CHUNKS_QUEUE_MAX, and one for each ring and a turn */
	uint32_t capacity, first, count;
	uint32_t started, leaving; /* threads: the first `leaving` are to leave */
	bool serving;		   /* one of them is at it */
	bool low;		   /* that gives way to all others */

	pthread_mutex_t thread_lock; /* who begins and ends threads */
	pthread_t thread;	     /* the one that was started last */
	bool taken_over;	     /* it has left for good */

	bool drained; /* all chunks are where they belong; who ends the session only */
};

/** The words at the end of what was read from a ring that are of an event still under way. */
static inline uint64_t thag_chunks_unfinished(const struct thag_stream *stream)
{
	if (stream->blocked)
		return 1 + (uint64_t)thag_ext_payload_words(THAG_EXT_TASK);
	return stream->pending_words ? stream->payload_count + UINT64_C(1) : 0;
}

/** Begins the chunk of a ring with the word at `pos`, if it is to be kept. */
void thag_chunks_open(struct thag_chunks *chunks, struct thag_session_ring *ring, uint64_t pos,
		      uint64_t now_ns);

/** What it held is someone else's now, or gone. */
void thag_filling_close(struct thag_filling *filling);

/** Gives back the memory of a chunk. */
void thag_filled_free(struct thag_session *session, struct thag_filled *filled);

/** Puts it last. The queue has room. Under its lock. */
void thag_chunks_push(struct thag_chunks *chunks, const struct thag_filled *filled);

#endif
