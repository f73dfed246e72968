/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * CHART messages (proto/thag/frames.h): what a timeline answered, with names and nanoseconds.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_CHART_H
#define THAG_CHART_H

#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_heap.h"
#include "thag_names.h"
#include "thag_notes.h"
#include "thag_profile.h"
#include "thag_timeline.h"

/** Once so many bytes of names are in a message, further ones are cut to THAG_CHART_SHORT. */
#define THAG_CHART_STRINGS_MAX (UINT32_C(1) << 20)
#define THAG_CHART_SHORT 64

/** A lane of the session. */
struct thag_chart_lane {
	uint32_t ring;
	uint32_t kind; /* enum thag_lane_kind */
	uint32_t tid;
	uint32_t rows;
	uint64_t first_ticks, last_ticks;
	uint64_t events;
	uint32_t name_site; /* of its thread; 0: it has none */
};

/** All that a message tells. What is pointed to is borrowed. */
struct thag_chart {
	uint64_t from_ticks, to_ticks;	  /* of the window */
	uint64_t first_ticks, last_ticks; /* of all that is known */
	uint64_t whole_ticks;		  /* see struct thag_timeline_facts */
	uint64_t start_ticks;		  /* when the session began */
	double ns_per_tick;
	uint64_t dropped_events;
	uint32_t flags; /* enum thag_view_flags, beside the view's own */
	const struct thag_chart_lane *lanes;
	uint32_t lane_count;
	uint32_t activity_columns;
	const uint8_t *activity;	    /* activity_columns for each lane */
	const struct thag_view_lane *asked; /* those that the view's rows are of */
	uint32_t asked_count;
	const struct thag_view *view;
	const struct thag_note_point *notes;
	uint32_t note_count;
	const struct thag_heap_moment *moments; /* live memory over the window */
	uint32_t moment_count;
	const struct thag_names *names;
};

/** Nanoseconds of a moment since the session began; 0 before it. */
uint64_t thag_chart_ns(const struct thag_chart *chart, uint64_t ticks);

/** Appends the message. 0, or -ENOMEM with nothing appended. */
int thag_chart_write(const struct thag_chart *chart, const struct thag_frame_facts *facts,
		     struct thag_buffer *out);

#endif
