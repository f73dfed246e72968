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
	struct thag_recorder *previous; /* of the session, ended */
	bool drained;			/* no more chunks will come */

	/* relaxed: whoever misses it does what is in vain; but see thag_recorder_leave */
	atomic_int error;
	atomic_bool stopped; /* by its user */

	pthread_mutex_t lock;
	bool ended; /* the file is */
	struct thag_recording_table names;
	struct thag_recording_table frames;

	/* the file's writer */
	struct thag_chunk *preludes; /* of one that joined, until they are written */
	uint32_t prelude_count;
	struct thag_recording_pack pack;
	struct thag_told sites, modules, traces;
	uint64_t facts_ns;   /* when they were written */
	uint64_t facts_hash; /* of what the program counts, then */
	uint64_t facts_wait_ns;
};

/** Makes a recorder of a file that is open, which it takes over on success. 0 or a negative errno.
 */
int thag_recorder_create(struct thag_recorder **out, struct thag_session *session,
			 struct thag_clock_rate *clock, const struct thag_recorder_file *file);

/** Frees it, but not its files. */
void thag_recorder_free(struct thag_recorder *recorder);

/** Writes a chunk; `offset`: where it lies. 0 or an error. */
int thag_recorder_write_chunk(struct thag_recorder *recorder, const struct thag_chunk *chunk,
			      uint64_t *offset);

/** It is to end with that error, if it isn't yet. */
void thag_recorder_fail(struct thag_recorder *recorder, int error);

/** What the session's program counts by itself, as facts. Under the session's lock. */
json_t *thag_recorder_counts(const struct thag_session *session);

/**
 * Takes the names that were found before it began, and writes them where they are many. Nobody else
 * knows it yet. 0 or an error. Under names_lock.
 */
int thag_recorder_take_names(struct thag_recorder *recorder);

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
