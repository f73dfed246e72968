/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The tree of all stacks that this process's session has met: each frame by its callers, once. It
 * lies in the shared memory; here is what finds the entry of a frame below its caller.
 *
 * Lists by hash: buckets[hash] is the newest entry, next[id] the one before it. A forked child
 * begins a tree of its own, in other memory: a handler may fork in the middle of a search, and
 * the search then ends in the child without harm.
 */
#ifndef THAG_TRACE_TREE_H
#define THAG_TRACE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "thag/shm.h"

#define THAG_TREE_BUCKETS (UINT32_C(1) << 18)

struct thag_trace_tree {
	struct thag_shm_header *header;
	struct thag_shm_trace *traces;
	uint32_t buckets[THAG_TREE_BUCKETS];
	uint32_t next[THAG_TRACES_MAX];
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

/** Adds a frame. 0: there is no room. */
uint32_t thag_tree_add(struct thag_trace_tree *tree, uint32_t parent, uint32_t site);

static inline uint32_t *thag_tree_bucket(struct thag_trace_tree *tree, uint32_t parent,
					 uint32_t site)
{
	uint64_t key = (uint64_t)site << 32 | parent;

	return &tree->buckets[key * UINT64_C(0x9e3779b97f4a7c15) >> 46];
}

/** Whether the entry `id`, which is whole, is that frame. */
static inline int thag_tree_is(const struct thag_trace_tree *tree, uint32_t id, uint32_t parent,
			       uint32_t site)
{
	return tree->traces[id].parent == parent && tree->traces[id].site == site;
}

/**
 * The id of the frame that is at `site` and called by `parent` (0: it is the outermost). It is
 * added when it is new. 0: there is no room. Lock-free, signal-safe.
 */
static inline uint32_t thag_tree_find(struct thag_trace_tree *tree, uint32_t parent, uint32_t site)
{
	/* acquire: partner of the release in thag_tree_add; the entry is whole */
	uint32_t id = __atomic_load_n(thag_tree_bucket(tree, parent, site), __ATOMIC_ACQUIRE);

	while (id && !thag_tree_is(tree, id, parent, site))
		id = tree->next[id];
	return id ? id : thag_tree_add(tree, parent, site);
}

#endif
