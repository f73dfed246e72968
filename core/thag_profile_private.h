/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a profile is made of; for thag_profile*.c and the writers beside it only.
 *
 * Nodes lie in one array, parents before children, so sums go up it from the end and marks go
 * down it from the start: nothing here recurses, whatever the depth.
 */
#ifndef THAG_PROFILE_PRIVATE_H
#define THAG_PROFILE_PRIVATE_H

#include "thag_heap_profile.h"
#include "thag_hist.h"
#include "thag_pairs.h"
#include "thag_profile.h"
#include "thag_strings.h"

/** What a node's numbers are made from, in ticks. */
struct thag_measure {
	uint64_t total;
	uint64_t min; /* UINT64_MAX while there are no calls */
	uint64_t max;
	uint64_t wait;
	uint64_t open; /* of the total */
};

/** All places of one name; its index is the name's number. */
struct thag_function {
	uint64_t hash; /* of the name: the same in every profile */
	uint32_t site; /* the first with this name, UINT32_MAX for none */
	uint32_t file; /* in the profile's files */
	uint32_t line;
	uint32_t flags; /* enum thag_frame_node_flags */
	uint32_t hist;	/* in the profile's hists; one of a single call is in it too */
	uint32_t rank;	/* by name, bytewise; once finished */
};

/** What a profile of memory has beside its nodes. */
struct thag_profile_heap {
	enum thag_heap_kind kind;
	enum thag_metric metric;
	bool capped;
	uint64_t peak_bytes;	       /* of the process: no high is above */
	struct thag_frame_heap *nodes; /* by node, with all below it */
	uint32_t *lifetimes;	       /* by node: histogram of its own, ticks */
	struct thag_hist_pool hists;
	struct thag_heap_place *places; /* most first */
	struct thag_heap_place *leaks;	/* the same places by what leaked, or NULL */
	uint32_t place_count;
	struct thag_heap_line *lines; /* of one file, or NULL */
	uint32_t line_count;
};

/** What a difference of two profiles has beside its nodes. */
struct thag_profile_diff {
	enum thag_metric metric;
	uint32_t flags;			/* enum thag_frame_flags */
	struct thag_frame_sides *nodes; /* by node */
};

struct thag_profile {
	struct thag_profile_node *nodes;
	struct thag_measure *measures; /* of the node with the same index; NULL when untimed */
	bool untimed;		       /* self times and calls are all that is known */
	uint32_t count;
	uint32_t capacity;
	struct thag_pairs children; /* (parent, name) to node; of thag_stacks not all of them */
	struct thag_strings names;  /* number 0 is the root's */
	struct thag_strings files;  /* number 0 is "" */
	struct thag_function *functions;
	uint32_t function_capacity;
	uint32_t depth; /* of the deepest node */
	struct thag_hist_pool hists;
	struct thag_profile_heap *heap; /* NULL: of time, or a difference */
	struct thag_profile_diff *diff; /* NULL: of one side */
	uint32_t *path_hists;		/* by node, in hists; NULL: by function alone */
	bool keeps_paths;
	bool derived; /* names, files, functions, hists are another's */
	uint32_t cut; /* places where what it is made of goes on */

	/* once finished */
	double ns_per_tick;
	uint32_t *subtrees; /* nodes in each node's subtree, itself included */
	uint64_t *starts;   /* each node's left edge, nanoseconds from the root's */
};

/** Makes room for `count` nodes in all. 0 or -ENOMEM. */
int thag_profile_reserve(struct thag_profile *profile, uint32_t count);

/** The number of a name, made a function when it is new. 0 or -ENOMEM. */
int thag_profile_put_function(struct thag_profile *profile, const char *name, size_t bytes,
			      uint32_t *number);

/** Says what `site` tells of a function. 0 or -ENOMEM. */
int thag_profile_describe(struct thag_profile *profile, uint32_t function, uint32_t site,
			  const struct thag_name *name);

/** The child of `parent` for a function, made when there is none; room has been reserved. */
uint32_t thag_profile_child(struct thag_profile *profile, uint32_t parent, uint32_t function);

/** Adds a node, without looking for one; room for it has been reserved. */
uint32_t thag_profile_add_node(struct thag_profile *profile, uint32_t parent, uint32_t name);

/**
 * A profile of other nodes, so far a root of that name, with the names, files, functions and
 * durations of `base`, which must outlive it. 0 or -ENOMEM.
 */
int thag_profile_derive(struct thag_profile **out, const struct thag_profile *base,
			uint32_t root_name);

/** Makes room for `count` nodes of a derived profile in all, and for their memory. 0 or -ENOMEM. */
int thag_profile_reserve_derived(struct thag_profile *profile, uint32_t count);

/** Adds the calls of a node of what it is derived from; not its self and total. */
void thag_profile_add_calls(struct thag_profile *profile, uint32_t node,
			    const struct thag_profile_node *from);

/** Adds what is the own memory of a node of `base`, and no sum. 0 or -ENOMEM. */
int thag_profile_add_own_heap(struct thag_profile *profile, uint32_t node,
			      const struct thag_profile *base, uint32_t from);

/** Puts a derived profile's nodes, whose totals are known, into place. 0 or -ENOMEM. */
int thag_profile_place(struct thag_profile *profile);

/** What thag_profile_finish does once self times are known: totals, order, places. 0 or -ENOMEM. */
int thag_profile_arrange(struct thag_profile *profile);

/** Adds what `more` sums up; not highs and lifetimes. */
void thag_heap_add(struct thag_frame_heap *sum, const struct thag_frame_heap *more);

/** Whether anything happened there. */
bool thag_heap_is_used(const struct thag_frame_heap *heap);

/** The middle and the slow end of lifetimes, by buckets of ticks; within lifetime_max_ns. */
void thag_heap_set_lifetimes(const struct thag_profile *profile,
			     const uint64_t counts[static THAG_HIST_BUCKETS],
			     struct thag_frame_heap *out);

/** What a path did itself over the whole run, by its account; `epoch` is its heap's. */
struct thag_frame_heap thag_heap_own_of_account(const struct thag_heap_account *account,
						uint64_t epoch, double ns_per_tick);

/** What each path of `query->kind` did itself in the range, into `own`, zeroes, by path. */
void thag_heap_own_in_range(const struct thag_heap_copy *copy, const struct thag_heap_query *query,
			    struct thag_frame_heap *own);

/** The slices a range touches, the first and the last; false: there are none. */
bool thag_heap_range(const struct thag_heap_copy *copy, uint64_t from, uint64_t to, uint32_t *first,
		     uint32_t *last);

/** Ticks as nanoseconds, rounded. */
static inline uint64_t thag_ticks_ns(uint64_t ticks, double ns_per_tick)
{
	long double ns = (long double)ticks * (long double)ns_per_tick + 0.5L;

	return ns < 0x1p64L ? (uint64_t)ns : UINT64_MAX;
}

/** What a metric counts of `heap`, in bytes or how many, and the blocks it is of. */
uint64_t thag_heap_value(const struct thag_frame_heap *heap, enum thag_metric metric);
uint64_t thag_heap_blocks(const struct thag_frame_heap *heap, enum thag_metric metric);

/**
 * Adds the counts of the histogram `from` of `pool` to `*into` of `into_pool`, which may be
 * THAG_HIST_NONE. 0 or -ENOMEM.
 */
int thag_profile_add_hist(struct thag_hist_pool *into_pool, uint32_t *into,
			  const struct thag_hist_pool *pool, uint32_t from);

/** `ticks` in nanoseconds, rounded. */
static inline uint64_t thag_profile_ns(const struct thag_profile *profile, uint64_t ticks)
{
	return thag_ticks_ns(ticks, profile->ns_per_tick);
}

/** What comes after the subtree of `node` in a walk of `top`'s; UINT32_MAX: nothing. */
static inline uint32_t thag_profile_after(const struct thag_profile *profile, uint32_t node,
					  uint32_t top)
{
	const struct thag_profile_node *nodes = profile->nodes;

	while (node != top && !nodes[node].next_sibling)
		node = nodes[node].parent;
	return node == top ? UINT32_MAX : nodes[node].next_sibling;
}

#endif
