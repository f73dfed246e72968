/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The tree of all stacks that this process's session has met: each frame by its callers, once. It
 * lies in the shared memory; here is what finds the entry of a frame below its caller.
 *
 * A table of open addressing, an entry of which is one word: caller, site and id. Ids are given out
 * in order, and callers whose ids are near each other have their callees near each other: stacks
 * that were new together are found in a few lines of the cache. A forked child begins a tree of its
 * own, in other memory: a handler may fork in the middle of a search, and the search then ends in
 * the child without harm.
 */
#ifndef THAG_TRACE_TREE_H
#define THAG_TRACE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "thag/shm.h"

#define THAG_TREE_SLOTS_LOG2 (THAG_TRACE_BITS + 1)
#define THAG_TREE_SLOTS (UINT32_C(1) << THAG_TREE_SLOTS_LOG2)
#define THAG_TREE_LINE 8      /* slots of a line of the cache */
#define THAG_TREE_NEAR_LOG2 5 /* slots over which the callees of a caller are spread, at first */

struct thag_trace_tree {
	/* site << 44 | caller << 22 | id, or 0; begins with a page */
	uint64_t slots[THAG_TREE_SLOTS];
	struct thag_shm_header *header;
	struct thag_shm_trace *traces;
};

struct thag_trace_thread;

/** What a forked child finds empty. */
struct thag_trace_roots {
	struct thag_trace_tree *tree;
	struct thag_trace_thread *threads[THAG_SLOTS_MAX]; /* by ring */
};

/** Memory that a forked child finds zeroed; NULL: there is none. Signal-safe. */
void *thag_trace_map(size_t bytes);

/** NULL: there is no memory. Lock-free, signal-safe. */
struct thag_trace_roots *thag_trace_roots(void);

/** This session's tree; NULL: there is no memory. Lock-free, signal-safe. */
struct thag_trace_tree *thag_tree_get(void);

static inline uint64_t thag_tree_key(uint32_t parent, uint32_t site)
{
	return ((uint64_t)site << THAG_TRACE_BITS | parent) << THAG_TRACE_BITS;
}

/** Where an entry may be: its place in the line that is looked at in the given turn. */
static inline uint32_t thag_tree_place(uint32_t parent, uint32_t site, uint32_t turn)
{
	uint32_t hash = site * UINT32_C(0x9e3779b9) + turn * UINT32_C(0x85ebca6b);

	return (parent * 2 + (hash >> (32 - THAG_TREE_NEAR_LOG2 - turn))) % THAG_TREE_SLOTS;
}

/* Looks further, and adds it if need be. */
uint32_t thag_tree_search(struct thag_trace_tree *tree, uint32_t parent, uint32_t site);

/**
 * The id of the frame that is at `site` and called by `parent` (0: it is the outermost). It is
 * added when it is new. 0: there is no room. Lock-free, signal-safe.
 */
static inline uint32_t thag_tree_find(struct thag_trace_tree *tree, uint32_t parent, uint32_t site)
{
	/* acquire: partner of the release in thag_tree_search; the entry is whole */
	uint64_t seen =
		__atomic_load_n(&tree->slots[thag_tree_place(parent, site, 0)], __ATOMIC_ACQUIRE);

	if (__builtin_expect((seen ^ thag_tree_key(parent, site)) >> THAG_TRACE_BITS == 0, 1))
		return (uint32_t)seen & (THAG_TRACES_MAX - 1);
	return thag_tree_search(tree, parent, site);
}

#endif
