/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For recorder.c, recorder_tables.c and recorder_facts.c. */
#ifndef THAG_RECORDER_PRIVATE_H
#define THAG_RECORDER_PRIVATE_H

#include <stdatomic.h>

#include <pthread.h>

#include "recorder.h"
#include "thag_recording_journal.h"
#include "thag_recording_tables.h"

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
	bool drained; /* no more chunks will come */

	/* relaxed: whoever misses it does what is in vain */
	atomic_int error;

	pthread_mutex_t lock;
	bool ended; /* the file is */
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
