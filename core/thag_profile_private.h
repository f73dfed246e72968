/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a profile is made of; for thag_profile*.c and the writers beside it only.
 *
 * Nodes lie in one array, parents before children, so sums go up it from the end and marks go
 * down it from the start: nothing here recurses, whatever the depth.
 */
#ifndef THAG_PROFILE_PRIVATE_H
#define THAG_PROFILE_PRIVATE_H

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

struct thag_profile {
	struct thag_profile_node *nodes;
	struct thag_measure *measures; /* of the node with the same index */
	uint32_t count;
	uint32_t capacity;
	struct thag_pairs children; /* (parent, name) to node */
	struct thag_strings names;  /* number 0 is the root's */
	struct thag_strings files;  /* number 0 is "" */
	struct thag_function *functions;
	uint32_t function_capacity;
	uint32_t depth; /* of the deepest node */
	struct thag_hist_pool hists;

	/* once finished */
	double ns_per_tick;
	uint32_t *subtrees; /* nodes in each node's subtree, itself included */
	uint64_t *starts;   /* each node's left edge, nanoseconds from the root's */
};

/**
 * Adds the counts of the histogram `from` of `pool` to `*into` of `into_pool`, which may be
 * THAG_HIST_NONE. 0 or -ENOMEM.
 */
int thag_profile_add_hist(struct thag_hist_pool *into_pool, uint32_t *into,
			  const struct thag_hist_pool *pool, uint32_t from);

/** `ticks` in nanoseconds, rounded. */
static inline uint64_t thag_profile_ns(const struct thag_profile *profile, uint64_t ticks)
{
	long double ns = (long double)ticks * (long double)profile->ns_per_tick + 0.5L;

	return ns < 0x1p64L ? (uint64_t)ns : UINT64_MAX;
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
