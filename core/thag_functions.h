/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The functions of a finished profile, each over all its places.
 *
 * A function's total counts the outermost of recursive calls only, and so do its waits and what of
 * the total is of calls still open; its self, its calls and their extremes are of all of them.
 *
 * Thread: owner of the profile. Allocates; no I/O. Nothing here recurses.
 */
#ifndef THAG_FUNCTIONS_H
#define THAG_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "thag/frames.h"
#include "thag_profile.h"

struct thag_function_sum {
	uint64_t calls;
	uint64_t self_ns; /* in what the profile counts, and so are the next ones */
	uint64_t total_ns;
	uint64_t open_ns;
	uint64_t wait_ns;
	uint64_t min_ns; /* raw; 0 when calls is 0 */
	uint64_t max_ns;
	uint32_t name; /* for thag_profile_name */
	uint32_t nodes;
	uint32_t tasks;	 /* of the nodes, those of tasks */
	uint32_t flags;	 /* enum thag_frame_node_flags of any node, but TASK */
	uint32_t inside; /* 0: it has been left again */
};

/** How long calls took, raw, in nanoseconds: within the least and the most. All 0: not known. */
struct thag_quantiles {
	uint64_t p50_ns, p90_ns, p99_ns;
};

/** Names of the profile. */
uint32_t thag_functions_count(const struct thag_profile *profile);

/**
 * Sums them up, by number of their name: as many as thag_functions_count says, those without
 * `nodes` being none of the profile's. Unless NULL, `outermost` has room for all nodes, and is set
 * to whether each is a call in no other of its function. The caller frees what is returned; NULL
 * without memory.
 */
struct thag_function_sum *thag_functions_sum(const struct thag_profile *profile, bool *outermost);

/**
 * The memory of each with what is below it, by number of its name, of a profile of memory and its
 * `outermost` nodes; lifetimes but the longest are 0. The caller frees it. NULL without memory.
 */
struct thag_frame_heap *thag_functions_heaps(const struct thag_profile *profile,
					     const bool *outermost);

/** What the mean of calls is of: a call still open has time in the total, but isn't counted. */
double thag_functions_mean(const struct thag_function_sum *sum);

struct thag_quantiles thag_functions_quantiles(const struct thag_profile *profile,
					       const struct thag_function_sum *sum);

/** The same of a single place, where the profile keeps them by path, see thag_profile_keep_paths.
 */
struct thag_quantiles thag_paths_quantiles(const struct thag_profile *profile, uint32_t node);

/** Where the function is: a number for thag_profile_file, of "" when it isn't known; and the line.
 */
uint32_t thag_functions_file(const struct thag_profile *profile, uint32_t name, uint32_t *line);

#endif
