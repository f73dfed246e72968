/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The call tree of one thread: a node for each distinct stack of sites.
 *
 * Nodes lie in one flat array and name each other by index; node 0 is the root, which stands for
 * the thread and has no site. A child is found by its parent's cache of the last child, then in
 * the list of its parent's children while they are few, then in a hash table on (parent, site):
 * a function with hundreds of callees costs little more than one with two, and a recursion a
 * million deep never waits for a table to grow. All durations are clock ticks.
 *
 * Self time is not stored: it is a node's total less its children's, exact by construction.
 *
 * Thread: owner; readers take a snapshot under the owner's lock. Only growth allocates.
 */
#ifndef THAG_TREE_H
#define THAG_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "thag_hist.h"

#define THAG_TREE_ROOT 0
#define THAG_TREE_NONE UINT32_MAX
#define THAG_TREE_NODE_COST 256 /* bytes that a node takes of an allowance: with its histogram */

/**
 * One cache line.
 *   0 site 4, parent 4 | 8 last_child 4, hist 4 | 16 calls | 24 total | 32 min | 40 max
 *  48 hist_group 2, flags 2, children 4 | 56 first_child 4, next_sibling 4
 */
struct thag_node {
	uint32_t site;
	uint32_t parent;
	uint32_t last_child; /* the child last looked up, 0 for none: a cache */
	uint32_t hist;	     /* histogram of its durations; none while calls < 2: min is the one */
	uint64_t calls;	     /* finished calls */
	uint64_t total;	     /* time in finished calls, and in parts of calls moved elsewhere */
	uint64_t min;	     /* UINT64_MAX while calls is 0 */
	uint64_t max;
	uint16_t hist_group; /* of the block that `hist` names */
	uint16_t flags;	     /* 0 */
	uint32_t children;
	uint32_t first_child; /* the newest; 0 for none */
	uint32_t next_sibling;
};

/** All zero is not valid: see thag_tree_init. */
struct thag_tree {
	struct thag_node *nodes;
	uint32_t count;
	uint32_t capacity;
	uint32_t limit;	     /* nodes it may grow to, the root included */
	uint64_t *slot_keys; /* open addressing: (parent + 1) << 32 | site, 0 for free */
	uint32_t *slot_nodes;
	uint32_t slot_count; /* in use: the children of nodes that have many */
	uint32_t slot_mask;  /* slots - 1; 0 while there are none */
	uint64_t overflowed; /* look-ups answered with the parent itself for want of room */
	struct thag_hist_pool hists;
	uint64_t *waits; /* by node: see thag_tree_wait; NULL while there are none */
	uint32_t wait_capacity;
	uint32_t *site_hists; /* by site: see thag_tree_pool_durations */
	uint32_t site_capacity;
	bool pooled;
	/* bytes that trees may still take together, NULL: any; and what this one has of them */
	atomic_uint_least64_t *allowance;
	uint64_t allowed;
};

/**
 * `limit`: the most nodes it may hold, at least 2. Returns 0 or -ENOMEM; after that
 * thag_tree_fini frees it.
 */
int thag_tree_init(struct thag_tree *tree, uint32_t limit);
void thag_tree_fini(struct thag_tree *tree);

/**
 * From now on it grows only by what is left of `allowance`, THAG_TREE_NODE_COST a node, which other
 * trees on other threads may share; what it took is given back when it is freed. Without any left
 * it is as at its limit. NULL: it grows as it likes.
 */
void thag_tree_limit(struct thag_tree *tree, atomic_uint_least64_t *allowance);

/** Forgets all but the root, and keeps the memory. */
void thag_tree_clear(struct thag_tree *tree);

/** The part of thag_tree_child that looks past the cache. */
uint32_t thag_tree_child_slow(struct thag_tree *tree, uint32_t parent, uint32_t site);

/**
 * The child of `parent` for `site`, made when there is none. At the limit, or without memory,
 * the answer is `parent`: such a call is not told apart from its caller, whose self time it
 * stays in, so that no time is counted twice or lost.
 */
static inline uint32_t thag_tree_child(struct thag_tree *tree, uint32_t parent, uint32_t site)
{
	uint32_t last = tree->nodes[parent].last_child;

	if (__builtin_expect(last && tree->nodes[last].site == site, 1))
		return last;
	return thag_tree_child_slow(tree, parent, site);
}

/** The part of counting a call's duration that may have to look for its block. */
void thag_tree_add_duration(struct thag_tree *tree, struct thag_node *node, uint64_t duration);

/** Counts one finished call of `duration` ticks at `node`, `added` of them in its total. */
static inline void thag_tree_add_call(struct thag_tree *tree, uint32_t index, uint64_t duration,
				      uint64_t added)
{
	struct thag_node *node = &tree->nodes[index];
	uint32_t bucket = thag_hist_bucket(duration);
	uint32_t group = bucket / THAG_HIST_BLOCK_BUCKETS;
	uint32_t *count;

	node->total += added;
	if (__builtin_expect(duration < node->min, 0))
		node->min = duration;
	if (__builtin_expect(duration > node->max, 0))
		node->max = duration;
	if (__builtin_expect(node->hist && node->hist_group == group, 1)) {
		count = &tree->hists.blocks[node->hist].count[bucket % THAG_HIST_BLOCK_BUCKETS];
		if (__builtin_expect(++*count != 0, 1)) {
			node->calls++;
			return;
		}
		--*count; /* full: the slow way carries */
	}
	thag_tree_add_duration(tree, node, duration);
}

/** Finished calls of a node, many at once. */
struct thag_tree_calls {
	uint64_t calls;
	uint64_t total;
	uint64_t min, max; /* of calls: none while that is 0 */
	const struct thag_hist_count
		*counts; /* of their durations; of one call alone none is needed */
	uint32_t count_count;
};

/** Adds them. Without memory some are missing from the histogram, and only from there. */
void thag_tree_add_calls(struct thag_tree *tree, uint32_t index,
			 const struct thag_tree_calls *calls);

/**
 * From now on durations are counted for all nodes of a site together, which takes a fraction of the
 * memory where sites are called from many places. The tree is empty.
 */
void thag_tree_pool_durations(struct thag_tree *tree);

/** Then, at the end: gives what was counted for a site to one of its nodes. */
void thag_tree_place_durations(struct thag_tree *tree);

/** Adds to the time that calls of a node were open without running. Without memory: nothing. */
void thag_tree_add_wait(struct thag_tree *tree, uint32_t index, uint64_t ticks);

/** The time that calls of a node were open while their stack stood still, beside its total. */
static inline uint64_t thag_tree_wait(const struct thag_tree *tree, uint32_t index)
{
	return index < tree->wait_capacity ? tree->waits[index] : 0;
}

/** Adds all of `from` to `into`: calls, totals, waits, extremes and histograms. 0 or -ENOMEM. */
int thag_tree_merge(struct thag_tree *into, const struct thag_tree *from);

/** A deep copy into the uninitialised `copy`, without hash table and allowance. 0 or -ENOMEM. */
int thag_tree_copy(struct thag_tree *copy, const struct thag_tree *tree);

uint64_t thag_tree_bytes(const struct thag_tree *tree);

#endif
