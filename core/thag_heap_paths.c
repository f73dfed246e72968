/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ACCOUNTS 64

static int make_accounts(struct thag_heap_paths *paths, uint32_t capacity)
{
	struct thag_heap_account *grown = reallocarray(paths->accounts, capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	memset(grown + paths->capacity, 0, (capacity - paths->capacity) * sizeof(*grown));
	paths->accounts = grown;
	paths->capacity = capacity;
	return 0;
}

static int grow_accounts(struct thag_heap_paths *paths, uint32_t wanted)
{
	uint32_t capacity = paths->capacity ? paths->capacity : FIRST_ACCOUNTS;

	while (capacity < wanted)
		capacity *= 2;
	return make_accounts(paths, capacity);
}

int thag_heap_paths_init(struct thag_heap_paths *paths, uint32_t limit)
{
	int ret = thag_tree_init(&paths->tree, limit);

	return ret == 0 ? grow_accounts(paths, FIRST_ACCOUNTS) : ret;
}

void thag_heap_paths_fini(struct thag_heap_paths *paths)
{
	thag_tree_fini(&paths->tree);
	thag_hist_pool_fini(&paths->lifetimes);
	free(paths->accounts);
	*paths = (struct thag_heap_paths){ 0 };
}

void thag_heap_paths_end(struct thag_heap_paths *paths)
{
	if (paths->capacity < paths->tree.count)
		make_accounts(paths, paths->tree.count);
}

struct thag_heap_account *thag_heap_account_slow(struct thag_heap *heap, enum thag_heap_kind kind,
						 uint32_t *node)
{
	struct thag_heap_paths *paths = &heap->paths[kind];

	if (*node >= paths->tree.count || grow_accounts(paths, *node + 1) != 0) {
		heap->capped = true;
		*node = THAG_TREE_ROOT;
	}
	return &paths->accounts[*node];
}

static int reserve_thread(struct thag_thread *thread)
{
	uint32_t capacity = thread->tree.capacity;
	uint32_t *grown;

	if (thread->heap_path_capacity >= thread->tree.count)
		return 0;
	grown = reallocarray(thread->heap_paths, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + thread->heap_path_capacity, 0,
	       (capacity - thread->heap_path_capacity) * sizeof(*grown));
	thread->heap_paths = grown;
	thread->heap_path_capacity = capacity;
	return 0;
}

/*
 * Finds the paths of `node` and its callers as far as they aren't known. On the way up each of
 * them notes which one it was reached from: the stack may be a million deep.
 */
static uint32_t find_path(struct thag_tree *tree, struct thag_thread *thread, uint32_t node)
{
	const struct thag_node *nodes = thread->tree.nodes;
	uint32_t *paths = thread->heap_paths;
	uint32_t below = node, at = node, path;

	while (!paths[at]) {
		paths[at] = below;
		below = at;
		at = nodes[at].parent;
	}
	path = paths[at] - 1;
	while (at != node) {
		uint32_t next = paths[below];

		path = thag_tree_child(tree, path, nodes[below].site);
		paths[below] = path + 1;
		at = below;
		below = next;
	}
	return path;
}

uint32_t thag_heap_path_slow(struct thag_heap *heap, struct thag_thread *thread, uint32_t node)
{
	uint32_t path;

	if (node >= thread->tree.count || reserve_thread(thread) != 0) {
		heap->capped = true;
		return THAG_TREE_ROOT;
	}
	thread->heap_paths[THAG_TREE_ROOT] = THAG_TREE_ROOT + 1;
	if (thread->heap_paths[node])
		return thread->heap_paths[node] - 1;
	pthread_mutex_lock(&heap->calls_lock);
	path = find_path(&heap->paths[THAG_HEAP_CALLS].tree, thread, node);
	pthread_mutex_unlock(&heap->calls_lock);
	return path;
}

static int reserve_traces(struct thag_heap *heap, uint32_t trace)
{
	uint32_t capacity = heap->trace_capacity ? heap->trace_capacity : 1024;
	uint32_t *grown;

	if (trace < heap->trace_capacity)
		return 0;
	while (capacity <= trace)
		capacity *= 2;
	grown = reallocarray(heap->trace_nodes, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + heap->trace_capacity, 0, (capacity - heap->trace_capacity) * sizeof(*grown));
	heap->trace_nodes = grown;
	heap->trace_capacity = capacity;
	return 0;
}

/* A trace and its callers, from the innermost on. */
struct chain {
	uint32_t traces[THAG_TRACE_DEPTH_MAX];
	uint32_t sites[THAG_TRACE_DEPTH_MAX];
	uint32_t count;
};

/* Up to a trace whose node is known. False: an entry isn't there, or makes no sense. */
static bool read_chain(const struct thag_heap *heap, uint32_t trace, struct chain *chain,
		       uint32_t *node)
{
	struct thag_shm_trace entry;

	for (chain->count = 0; trace && !heap->trace_nodes[trace]; chain->count++) {
		if (chain->count == THAG_TRACE_DEPTH_MAX || !heap->options.trace ||
		    !heap->options.trace(heap->options.trace_context, trace, &entry) ||
		    entry.parent >= trace || entry.site == 0 || entry.site >= THAG_SITES_MAX)
			return false;
		chain->traces[chain->count] = trace;
		chain->sites[chain->count] = entry.site;
		trace = entry.parent;
	}
	*node = trace ? heap->trace_nodes[trace] - 1 : THAG_TREE_ROOT;
	return true;
}

static uint32_t find_trace(struct thag_heap *heap, uint32_t trace)
{
	struct chain chain;
	uint32_t node;

	if (trace >= THAG_TRACES_MAX || reserve_traces(heap, trace) != 0 ||
	    !read_chain(heap, trace, &chain, &node)) {
		heap->totals.unknown_traces++;
		return THAG_TREE_ROOT;
	}
	while (chain.count--) {
		node = thag_tree_child(&heap->paths[THAG_HEAP_TRACES].tree, node,
				       chain.sites[chain.count]);
		heap->trace_nodes[chain.traces[chain.count]] = node + 1;
	}
	return node;
}

uint32_t thag_heap_trace_slow(struct thag_heap *heap, uint32_t trace)
{
	return trace ? find_trace(heap, trace) : THAG_TREE_ROOT;
}
