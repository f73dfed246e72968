/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For recorder.c, recorder_tables.c and recorder_facts.c. */
#ifndef THAG_RECORDER_PRIVATE_H
#define THAG_RECORDER_PRIVATE_H

#include <stdatomic.h>

#include <pthread.h>

#include "recorder.h"
#include "thag_chunk_stage.h"
#include "thag_recording_journal.h"
#include "thag_recording_tables.h"

/** The chunk of a ring that is being filled. */
struct thag_filling {
	struct thag_chunk_stage stage;
	struct thag_recording_slot *slot; /* NULL: none is */
	uint64_t begun_ns;
	uint32_t side_bytes;
};

/** A chunk that waits to be written. */
struct thag_filled {
	struct thag_chunk_raw raw;
	struct thag_recording_slot *slot;
};

/** Which entries of a table of the program's were written. */
struct thag_told {
	uint64_t *bits;	   /* one for each entry */
	uint32_t first;	   /* all before it were; a multiple of 64 */
	uint32_t capacity; /* entries, a multiple of 64 */
};

struct thag_recorder {
	struct thag_session *session; /* which it is part of */
	struct thag_clock_rate *clock;
	struct thag_recorder_file file;
	struct thag_recording_journal *journal;
	struct thag_filling *fillings; /* one for each ring */
	pthread_t thread;

	/* relaxed: whoever misses it does what is in vain */
	atomic_int error;
	atomic_bool held; /* a ring was left alone */

	pthread_mutex_t lock;
	pthread_cond_t work; /* for its thread */
	pthread_cond_t room; /* for those who wait */
	struct thag_filled queue[THAG_RECORDER_QUEUE_MAX];
	uint32_t first, count;
	bool ending;  /* no more chunks will come */
	bool drained; /* its thread is gone */
	bool ended;   /* the file is */
	struct thag_recording_table names;
	struct thag_recording_table frames;

	/* the file's writer */
	struct thag_recording_pack pack;
	struct thag_told sites, modules, traces;
	uint64_t facts_ns;   /* when they were written */
	uint64_t facts_hash; /* of what the program counts, then */
	uint64_t facts_wait_ns;
};

/** Writes a block that was packed. `packed`: how that went. 0 or the error that ends it. */
int thag_recorder_write(struct thag_recorder *recorder, int packed);

/** Writes what sites, modules, traces and names came since the last time. 0 or an error. */
int thag_recorder_write_tables(struct thag_recorder *recorder);

/** Likewise names alone: the program's memory may be gone. */
int thag_recorder_write_names(struct thag_recorder *recorder);

/** Frees the bits of tables, and names not written. */
void thag_recorder_tables_fini(struct thag_recorder *recorder);

/** Writes what is known of the session: when it is due, or `now`. 0 or an error. */
int thag_recorder_write_facts(struct thag_recorder *recorder, bool now);

#endif
