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

/** A chunk that waits to be encoded. */
struct thag_filled {
	struct thag_chunk_raw raw;
	struct thag_recording_slot *slot;
	struct thag_filling *from;
};

struct thag_chunks {
	struct thag_session *session;  /* which it is part of */
	struct thag_filling *fillings; /* one for each ring */
	struct thag_chunk_maker *maker;
	pthread_t thread;
	atomic_bool held; /* a ring was left alone. Relaxed: who misses it comes again */
	atomic_uint_least64_t dropped_events; /* relaxed: a number that stands for itself */

	pthread_mutex_t lock;
	pthread_cond_t work; /* for its thread */
	struct thag_filled queue[THAG_CHUNKS_QUEUE_MAX];
	uint32_t first, count;
	bool ending; /* its thread is to leave */

	/* who ends the session only */
	bool taken_over; /* its thread has left */
	bool drained;	 /* all chunks are where they belong */
};

#endif
