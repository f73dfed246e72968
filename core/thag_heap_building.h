/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile of a heap while it is made; for thag_heap_profile.c and thag_heap_places.c only.
 */
#ifndef THAG_HEAP_BUILDING_H
#define THAG_HEAP_BUILDING_H

#include "thag_profile_private.h"

#define THAG_HEAP_NOWHERE UINT32_MAX

/** A function at a line. */
struct thag_heap_frame {
	uint32_t function;
	uint32_t file; /* in the profile's files */
	uint32_t line;
	bool task; /* it names tasks */
	bool own;  /* its line is known, and it is the program's own source, not a library's */
};

/** Of a site, in the list of frames, the outermost first. */
struct thag_heap_frames {
	uint32_t first;
	uint32_t count; /* 0: not asked yet */
};

/** The innermost frame of a path that is the program's own, else the innermost; and its node. */
struct thag_heap_spot {
	uint32_t frame; /* in the list of frames; THAG_HEAP_NOWHERE: there is none */
	uint32_t node;
};

struct thag_heap_building {
	struct thag_profile *profile;
	const struct thag_heap_copy *copy;
	const struct thag_heap_paths *paths;
	const struct thag_names *names;
	const struct thag_heap_query *query;
	bool hists;			/* lifetimes by node are wanted, and known */
	struct thag_heap_frames *sites; /* by site */
	struct thag_heap_frame *frames;
	uint32_t frame_count;
	uint32_t frame_capacity;
	uint32_t *nodes;	       /* by path: of the profile */
	struct thag_heap_spot *places; /* by path */
	struct thag_frame_heap *own;   /* by path, in a range; NULL: the whole run */
};

/** What a path did itself. */
static inline struct thag_frame_heap thag_heap_own_of(const struct thag_heap_building *building,
						      uint32_t path)
{
	if (building->own)
		return building->own[path];
	return thag_heap_own_of_account(&building->paths->accounts[path], building->copy->epoch,
					building->query->ns_per_tick);
}

/** Finds the places of what was counted, when its profile is arranged. 0 or -ENOMEM. */
int thag_heap_find_places(struct thag_heap_building *building);

/** Finds what the lines of `query->lines_of` have, likewise. 0 or -ENOMEM. */
int thag_heap_find_lines(struct thag_heap_building *building);

#endif
