/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a program notes beside its calls: instants, rounds of loops, and values over time.
 *
 * Per name the newest instants are kept, the intervals between them on the same thread, and of
 * values a series over the whole run, at half the resolution each time it is full. A name is a
 * site; whether it is a mark or a frame is for whoever shows it to say.
 *
 * Thread: any; thag_events_note takes the lock, whoever else reads has stopped all that note.
 * Allocates, within the limits below. No I/O.
 */
#ifndef THAG_EVENTS_H
#define THAG_EVENTS_H

#include <stdint.h>

#include <pthread.h>

#include "thag_hist.h"
#include "thag_stream.h"

#define THAG_EVENT_NAMES_MAX 256    /* of marks and frames, and again of values */
#define THAG_EVENT_INSTANTS_MAX 512 /* the newest of one name */
#define THAG_EVENT_SERIES_MAX 1024  /* points of one value's series */

struct thag_instant {
	uint64_t ticks;
	uint32_t tid;
};

/** A mark or a frame. Times in ticks. */
struct thag_mark_name {
	uint32_t site;
	uint64_t count;
	struct thag_instant *instants; /* the newest to come, up to THAG_EVENT_INSTANTS_MAX */
	uint32_t next;		       /* where the next one goes */
	uint64_t last_ticks;	       /* of the latest */
	uint64_t intervals;	       /* between two on the same thread */
	uint64_t sum, min, max; /* of the intervals; min is UINT64_MAX while there are none */
	uint32_t hist;
};

struct thag_value_point {
	uint64_t ticks;
	int64_t value;
};

struct thag_value_name {
	uint32_t site;
	uint64_t count;
	int64_t last, min, max;
	uint64_t last_ticks; /* of `last`: threads are not read in the order of time */
	long double sum;
	struct thag_value_point *series; /* each `stride`th value, the first included */
	uint32_t points;
	uint64_t stride;
};

/** Make it with thag_events_init. */
struct thag_events {
	pthread_mutex_t lock;
	struct thag_mark_name *marks;
	uint32_t mark_count;
	struct thag_value_name *values;
	uint32_t value_count;
	struct thag_hist_pool hists;
	uint64_t dropped; /* notes of names that found no room */
};

int thag_events_init(struct thag_events *events);
void thag_events_fini(struct thag_events *events);

/** Keeps a note of `thread`'s. */
void thag_events_note(struct thag_events *events, struct thag_thread *thread,
		      const struct thag_note *note);

/** Puts what is kept of each mark and value in the order of time. Nobody notes meanwhile. */
void thag_events_sort(struct thag_events *events);

/** Instants kept of a mark. */
uint32_t thag_events_instants(const struct thag_mark_name *mark);

#endif
