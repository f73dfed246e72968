/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define SLICE_NODES 8192  /* 512 KiB */
#define SLICE_BLOCKS 4096 /* 512 KiB */
#define SLICE_WAITS 65536 /* 512 KiB */

static void lock(struct thag_session *session)
{
	pthread_rwlock_wrlock(&session->lock);
}

static void unlock(struct thag_session *session)
{
	pthread_rwlock_unlock(&session->lock);
}

static uint32_t count_nodes(struct thag_session *session, const struct thag_tree *tree)
{
	uint32_t count;

	lock(session);
	count = tree->count;
	unlock(session);
	return count;
}

/* All nodes there are now but the first slice, from the last to the first. */
static int copy_most_nodes(struct thag_copy *copy, struct thag_session *session,
			   const struct thag_tree *tree)
{
	uint32_t count = count_nodes(session, tree);

	copy->tree.nodes = malloc(count * sizeof(*tree->nodes));
	if (!copy->tree.nodes)
		return -ENOMEM;
	copy->tree.count = count;
	for (uint32_t end = count; end > SLICE_NODES;) {
		uint32_t start = end > 2 * SLICE_NODES ? end - SLICE_NODES : SLICE_NODES;

		lock(session);
		memcpy(&copy->tree.nodes[start], &tree->nodes[start],
		       (end - start) * sizeof(*tree->nodes));
		unlock(session);
		end = start;
	}
	return 0;
}

/* The first slice, and the nodes that were added meanwhile. Under the lock. */
static int copy_other_nodes(struct thag_copy *copy, const struct thag_tree *tree)
{
	uint32_t known = copy->tree.count;
	uint32_t first = known < SLICE_NODES ? known : SLICE_NODES;
	struct thag_node *nodes = realloc(copy->tree.nodes, tree->count * sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	memcpy(nodes, tree->nodes, first * sizeof(*nodes));
	memcpy(&nodes[known], &tree->nodes[known], (tree->count - known) * sizeof(*nodes));
	copy->tree.nodes = nodes;
	copy->tree.count = copy->tree.capacity = copy->tree.limit = tree->count;
	copy->tree.overflowed = tree->overflowed;
	return 0;
}

/* Under the same lock: which nodes are open, and since when, fits the nodes just copied. */
static int copy_open(struct thag_copy *copy, const struct thag_thread *thread, uint64_t now)
{
	size_t room = thag_tasks_count_open(thread);

	copy->open = malloc((room + 1) * sizeof(*copy->open));
	if (!copy->open)
		return -ENOMEM;
	copy->open_count = thag_tasks_add_open(thread, &copy->tree, now, copy->open, room);
	return 0;
}

/* The waits of all nodes there are now; most trees have none. */
static int copy_waits(struct thag_copy *copy, struct thag_session *session,
		      const struct thag_tree *tree)
{
	uint32_t count;

	lock(session);
	count = tree->wait_capacity;
	unlock(session);
	copy->tree.waits = malloc(count * sizeof(*tree->waits) + 1);
	if (!copy->tree.waits)
		return -ENOMEM;
	copy->tree.wait_capacity = count;
	for (uint32_t start = 0; start < count; start += SLICE_WAITS) {
		uint32_t left = count - start;

		lock(session);
		memcpy(&copy->tree.waits[start], &tree->waits[start],
		       (left < SLICE_WAITS ? left : SLICE_WAITS) * sizeof(*tree->waits));
		unlock(session);
	}
	return 0;
}

static void *copy_array(const void *from, size_t count, size_t size)
{
	void *to = malloc(count * size + 1);

	if (to && count)
		memcpy(to, from, count * size);
	return to;
}

/*
 * How the blocks of a histogram are linked, at one moment, since the links form rings. Every
 * block that a copied node names is among them: blocks are only ever added. Under the lock.
 */
static int copy_links(struct thag_hist_pool *to, const struct thag_hist_pool *from)
{
	to->metas = copy_array(from->metas, from->count, sizeof(*from->metas));
	to->carries = copy_array(from->carries, from->carry_count, sizeof(*from->carries));
	if (!to->metas || !to->carries)
		return -ENOMEM;
	to->count = to->capacity = from->count;
	to->carry_count = to->carry_capacity = from->carry_count;
	return 0;
}

static int copy_blocks(struct thag_hist_pool *to, struct thag_session *session,
		       const struct thag_hist_pool *from)
{
	to->blocks = malloc(to->count * sizeof(*to->blocks) + 1);
	if (!to->blocks)
		return -ENOMEM;
	for (uint32_t start = 0; start < to->count; start += SLICE_BLOCKS) {
		uint32_t left = to->count - start;
		uint32_t count = left < SLICE_BLOCKS ? left : SLICE_BLOCKS;

		lock(session);
		memcpy(&to->blocks[start], &from->blocks[start], count * sizeof(*to->blocks));
		unlock(session);
	}
	return 0;
}

/* Until when its open calls count: while a recording is read, no longer than that was read. */
static uint64_t now_of(const struct thag_session *session, const struct thag_thread *thread)
{
	return session->opened.path[0] ? thread->last_ticks
				       : thag_clock_ticks(session->header.clock);
}

int thag_copy_take(struct thag_copy *copy, struct thag_session *session,
		   const struct thag_member *member)
{
	const struct thag_tree *tree = &member->thread.tree;
	int ret = copy_most_nodes(copy, session, tree);

	if (ret == 0)
		ret = copy_waits(copy, session, tree);
	if (ret != 0)
		return ret;
	lock(session);
	ret = copy_other_nodes(copy, tree);
	if (ret == 0)
		ret = copy_open(copy, &member->thread, now_of(session, &member->thread));
	if (ret == 0)
		ret = copy_links(&copy->tree.hists, &tree->hists);
	unlock(session);
	if (ret == 0)
		ret = copy_blocks(&copy->tree.hists, session, &tree->hists);
	return ret;
}

void thag_copy_fini(struct thag_copy *copy)
{
	thag_tree_fini(&copy->tree);
	free(copy->open);
	*copy = (struct thag_copy){ 0 };
}
