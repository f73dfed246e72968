/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Single calls in Perfetto's protobuf, which ui.perfetto.dev and its trace_processor read.
 *
 * Calls are slices of their thread's track, what a task does is on a track of its own beside the
 * thread it runs on, a section that ends while calls within it go on has a track for itself, marks
 * are instants and values counters. Times are nanoseconds since the session began. Names and places
 * are told once, with their first use. Where not all is there, a first instant called "incomplete"
 * says so.
 *
 * Slices are nested by the order of their begins and ends, so those of a track are written in
 * order; those of different tracks may not be. Names are valid UTF-8. A call that wasn't over has
 * no end.
 *
 * Source: Perfetto, protos/perfetto/trace/trace_packet.proto and track_event/.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_PERFETTO_H
#define THAG_PERFETTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_chrome.h"
#include "thag_pairs.h"

struct thag_perfetto_track;

/** A file that is being written. */
struct thag_perfetto {
	struct thag_buffer *out;
	struct thag_chrome_options options;
	size_t start;		    /* of the file in `out` */
	struct thag_pairs track_of; /* by thread, or THAG_CHROME_TASKS_TID and it: index + 1 */
	struct thag_pairs told;	    /* sites whose names were, and those that have a counter */
	struct thag_perfetto_track *tracks;
	uint32_t track_count, track_capacity;
	uint64_t open_count; /* slices that have no end so far */
	uint64_t crossings;
	uint64_t cut_ticks; /* what began from here on found no room; with `cut` */
	bool cut;
};

/** Begins a file at the end of `out`. 0 or -ENOMEM; either way thag_perfetto_end must follow. */
int thag_perfetto_begin(struct thag_perfetto *perfetto, struct thag_buffer *out,
			const struct thag_chrome_options *options);

/** Names a thread, or with THAG_CHROME_TASKS_TID its tasks: any bytes. Before calls are added. 0 or
 * -ENOMEM. */
int thag_perfetto_name(struct thag_perfetto *perfetto, uint32_t tid, const char *name,
		       size_t bytes);

/** Adds calls, which are in order, as long as there is room; once. 0 or -ENOMEM. */
int thag_perfetto_add(struct thag_perfetto *perfetto, const struct thag_calls *calls,
		      const struct thag_names *names);

/** Ends the file, or with `ret` < 0 takes back what was written of it. Returns `ret`, or -ENOMEM.
 */
int thag_perfetto_end(struct thag_perfetto *perfetto, const struct thag_calls *calls,
		      const struct thag_chrome_facts *facts, int ret);

#endif
