/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The tree of all stacks that this process's session has met: each frame by its callers, once. It
 * lies in the shared memory; here is what finds the entry of a frame below its caller.
 *
 * Most frames are met with the same callee again: a node's hint is the first that was met, and its
 * site. Others are in lists by hash: a bucket is the newest entry, and each node knows the one
 * before it. All that a search reads of a node is side by side, and so is what the search for its
 * callee begins with. A forked child begins a tree of its own, in other memory: a handler may fork
 * in the middle of a search, and the search then ends in the child without harm.
 */
#ifndef THAG_TRACE_TREE_H
#define THAG_TRACE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "thag/shm.h"

#define THAG_TREE_BUCKETS (UINT32_C(1) << 18)

struct thag_tree_node {
	uint64_t
		key; /* site << 44 | parent << 22 | the next of its list: fixed once it is in one */
	uint64_t hint; /* site << 32 | id; 0: none yet */
};

struct thag_trace_tree {
	/* the tables begin with pages */
	struct thag_tree_node nodes[THAG_TRACES_MAX]; /* by id; 0: below it are the outermost */
	uint32_t buckets[THAG_TREE_BUCKETS];
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

/* Looks it up by hash, and adds it if need be. */
uint32_t thag_tree_search(struct thag_trace_tree *tree, uint32_t parent, uint32_t site);

/**
 * The id of the frame that is at `site` and called by `parent` (0: it is the outermost). It is
 * added when it is new. 0: there is no room. Lock-free, signal-safe.
 */
static inline uint32_t thag_tree_find(struct thag_trace_tree *tree, uint32_t parent, uint32_t site)
{
	/* acquire: partner of the release in thag_tree_search; the entry is whole */
	uint64_t hint = __atomic_load_n(&tree->nodes[parent].hint, __ATOMIC_ACQUIRE);

	return hint >> 32 == site ? (uint32_t)hint : thag_tree_search(tree, parent, site);
}

#endif
