/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is shown of a heap: a profile whose self values are of memory, so that folded stacks, FLAME
 * and TABLE are written as of any profile, and what a MEMORY message tells beside it.
 *
 * A call that others are inlined into is a node for each of them, the outermost first; the block
 * counts at the innermost. Blocks that belong to no path have a node of their own at the root, so
 * that self values add up to the heap's totals.
 *
 * Range. Time is known by slices. From the slices that the range touches come what was allocated,
 * freed and temporary; live is what was live at the last one's end; leaked is what was allocated
 * in the range and is live now; the peak is what was live at the end of the slice that ended with
 * most, or, when the process had its peak in the range, exactly what was live then. Reallocations,
 * highs and lifetimes are known of the whole run only, and 0 in a range. Without a range, leaked
 * and live are the same: what is live now.
 *
 * Several paths of one name are one node: its `high_bytes` is then the sum of theirs, but never
 * more than the process's peak, and so at least what it really was.
 *
 * Thread: owner. Allocates; no I/O. Nothing here recurses.
 */
#ifndef THAG_HEAP_PROFILE_H
#define THAG_HEAP_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "thag/frames.h"
#include "thag_buffer.h"
#include "thag_heap.h"
#include "thag_names.h"
#include "thag_profile.h"

/** Nodes of one profile: beyond them calls count at their callers, and it is THAG_FRAME_CAPPED. */
#define THAG_HEAP_PROFILE_NODES_MAX (UINT32_C(1) << 22)

/** The names of what belongs to no path. */
#define THAG_HEAP_NO_CALL "<no call>"
#define THAG_HEAP_NO_STACK "<no stack>"

#define THAG_HEAP_LINES_OF_MAX 8

struct thag_heap_query {
	enum thag_heap_kind kind;
	enum thag_metric metric; /* of memory: not THAG_METRIC_TIME */
	uint64_t from, to;	 /* ticks, as for thag_heap_copy; both 0: the whole run */
	uint64_t start;		 /* ticks at the session's beginning */
	double ns_per_tick;
	bool saved; /* places of what leaked beside those of the metric; no lifetimes by node */
	/* names that sites have for one source file: its lines are found; or none */
	const char *const *lines_of;
	uint32_t lines_of_count; /* at most THAG_HEAP_LINES_OF_MAX */
};

/**
 * Makes the profile of `copy` that `query` asks for, finished, its root called `root_name`. Neither
 * `copy` nor `names` is kept. For "leaked" in a range, `copy` must have been taken with that range.
 *
 * Self and total are what the metric counts: bytes, or with "allocations" and "temporary" how
 * many. `calls` is how many blocks of a node's own that is; for "peak", which isn't known by
 * blocks, what it allocated. All other times are 0. The caller destroys it. 0 or -ENOMEM.
 */
int thag_heap_profile(struct thag_profile **out, const struct thag_heap_copy *copy,
		      const struct thag_names *names, const struct thag_heap_query *query,
		      const char *root_name);

/* The rest is of a profile made by that. */

/** Memory by node, with all below it; borrowed. NULL for a profile of time. */
const struct thag_frame_heap *thag_profile_heaps(const struct thag_profile *profile);

/**
 * Lifetimes of a node's own blocks, in nanoseconds: the fields thag_profile_heaps leaves 0, for
 * want of time to find them for nodes nobody looks at. FLAME has them.
 */
void thag_profile_lifetimes(const struct thag_profile *profile, uint32_t node,
			    struct thag_frame_heap *out);

/**
 * Where memory is allocated, over all paths that lead there: the innermost line of the program's
 * own source, so that what a library does on behalf of two callers stays apart; else the innermost
 * function. Own is, of native stacks, what isn't in the directories of the system's headers and
 * sources, nor named by a path from "." or "..", as distributions build their packages.
 */
struct thag_heap_place {
	struct thag_frame_heap heap; /* its own, lifetimes too */
	uint64_t value;		     /* what the metric counts */
	uint32_t node;		     /* of the profile: that has most of it */
	uint32_t path;		     /* of the copy, likewise: its stack, by its parents */
	uint32_t name;		     /* for thag_profile_name */
	uint32_t file;		     /* for thag_profile_file; 0: not known */
	uint32_t line;		     /* 0: not known */
};

/** All places where anything happened, most by the metric first, equal ones by name; borrowed. */
const struct thag_heap_place *thag_profile_places(const struct thag_profile *profile,
						  uint32_t *count);

/**
 * The same places by bytes that leaked, where the profile is to be `saved`; their nodes
 * are still those that have most of its own metric. Borrowed.
 */
const struct thag_heap_place *thag_profile_leaks(const struct thag_profile *profile,
						 uint32_t *count);

/** A line of a source file, by all stacks that go through it; each counts once, recursive or not.
 */
struct thag_heap_line {
	struct thag_frame_heap heap; /* sums; no highs and lifetimes */
	uint64_t value;		     /* what the metric counts … */
	uint64_t own_value;	     /* … and, of it, that of places at that line */
	uint32_t line;
};

/** The lines of the file that was asked for which are in any stack, in order; borrowed. */
const struct thag_heap_line *thag_profile_lines(const struct thag_profile *profile,
						uint32_t *count);

/** Appends the folded stacks of another metric than the profile's, as thag_folded_write does. */
int thag_heap_folded_write(const struct thag_profile *profile, enum thag_metric metric,
			   struct thag_buffer *out);

/** What a session knows of its memory that its heap doesn't: see struct thag_frame_memory. */
struct thag_memory_facts {
	uint64_t skipped, skipped_bytes;
	uint64_t lost;
	uint64_t size_threshold, sample_bytes;
	uint32_t flags; /* enum thag_shm_flags */
};

/** Everything in a MEMORY message but its parts: `points` and `sizes` are 0. Over all: no range. */
void thag_heap_summary(const struct thag_heap_copy *copy, const struct thag_heap_query *query,
		       const struct thag_memory_facts *facts, struct thag_frame_memory *out);

#define THAG_HEAP_POINTS_MAX 2000
#define THAG_HEAP_SIZES_MAX (THAG_SIZE_CLASSES + THAG_HIST_BUCKETS)

/** The slices of time, some at a time as one where there are too many. How many there are. */
uint32_t thag_heap_points(const struct thag_heap_copy *copy, const struct thag_heap_query *query,
			  struct thag_frame_point out[static THAG_HEAP_POINTS_MAX]);

/** The classes of sizes, then the finer buckets that aren't empty. How many there are. */
uint32_t thag_heap_sizes(const struct thag_heap_copy *copy,
			 struct thag_frame_size out[static THAG_HEAP_SIZES_MAX]);

/**
 * How long blocks lived that were freed, by thag_hist_bucket of ticks, over all paths of a kind.
 * Returns the longest, in ticks.
 */
uint64_t thag_heap_lifetimes(const struct thag_heap_copy *copy, enum thag_heap_kind kind,
			     uint64_t counts[static THAG_HIST_BUCKETS]);

/**
 * Appends a MEMORY message: what the above tell, and at most THAG_FRAME_ROWS_MAX places of
 * `profile`, which was made of `copy` by `query`. 0, or -ENOMEM with nothing appended.
 */
int thag_memory_write(const struct thag_profile *profile, const struct thag_heap_copy *copy,
		      const struct thag_heap_query *query, const struct thag_memory_facts *memory,
		      const char *search, const struct thag_frame_facts *facts,
		      struct thag_buffer *out);

#endif
