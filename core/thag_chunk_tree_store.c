/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The stored form of a chunk's tree: its nodes but the root, parents first, each as numbers:
 *
 *   nodes back to its parent, site, calls, total
 *   with calls: max, when that call began
 *   with two or more: max - min, buckets, and of each bucket: bucket, calls in it
 */
#include <errno.h>
#include <stdlib.h>

#include "thag/shm.h"
#include "thag_chunk_tree_visit.h"
#include "thag_varint.h"

#define NODE_NUMBERS 8 /* beside those of buckets */
#define NODE_BYTES_MIN 4

static uint8_t *put_calls(uint8_t *at, const struct thag_node *node, uint64_t start,
			  const struct thag_hist_count *counts, uint32_t count)
{
	at = thag_varint_put(at, node->max);
	at = thag_varint_put(at, start);
	if (node->calls == 1)
		return at;
	at = thag_varint_put(at, node->max - node->min);
	at = thag_varint_put(at, count);
	for (uint32_t i = 0; i < count; i++) {
		at = thag_varint_put(at, counts[i].bucket);
		at = thag_varint_put(at, counts[i].count);
	}
	return at;
}

static int put_node(const struct thag_chunk_tree *tree, uint32_t index, struct thag_buffer *out)
{
	const struct thag_node *node = &tree->tree.nodes[index];
	struct thag_hist_count counts[THAG_HIST_BUCKETS];
	uint32_t count = thag_hist_list(&tree->tree.hists, node->hist, counts);
	uint64_t start = index < tree->start_capacity ? tree->starts[index] : 0;
	uint8_t *at;

	if (thag_buffer_reserve(out, (NODE_NUMBERS + 2 * (size_t)count) * THAG_VARINT_MAX) != 0)
		return -ENOMEM;
	at = out->data + out->bytes;
	at = thag_varint_put(at, index - node->parent);
	at = thag_varint_put(at, node->site);
	at = thag_varint_put(at, node->calls);
	at = thag_varint_put(at, node->total);
	if (node->calls)
		at = put_calls(at, node, start, counts, count);
	out->bytes = (size_t)(at - out->data);
	return 0;
}

int thag_chunk_tree_encode(const struct thag_chunk_tree *tree, struct thag_buffer *out)
{
	for (uint32_t i = 1; i < tree->tree.count; i++)
		if (put_node(tree, i, out) != 0)
			return -ENOMEM;
	return 0;
}

/* A tree as it is being read. */
struct reader {
	struct thag_cursor from;
	uint32_t index;
	uint64_t calls_left; /* that there may be */
	struct thag_hist_count counts[THAG_HIST_BUCKETS];
};

/* Buckets: no more calls are in them than there are. */
static uint32_t get_counts(struct reader *reader, uint64_t calls)
{
	struct thag_cursor *from = &reader->from;
	uint32_t count = thag_varint_get32(from);

	from->bad |= count > THAG_HIST_BUCKETS;
	for (uint32_t i = 0; i < count && !from->bad; i++) {
		struct thag_hist_count *at = &reader->counts[i];

		at->bucket = thag_varint_get32(from);
		at->count = thag_varint_get(from);
		from->bad |= at->bucket >= THAG_HIST_BUCKETS || at->count > calls;
		calls -= at->count;
	}
	return count;
}

static void get_node(struct reader *reader, struct thag_chunk_node *node)
{
	struct thag_cursor *from = &reader->from;
	uint32_t back = thag_varint_get32(from);

	*node = (struct thag_chunk_node){ .parent = reader->index - back };
	node->site = thag_varint_get32(from);
	node->calls.calls = thag_varint_get(from);
	node->calls.total = thag_varint_get(from);
	from->bad |= back == 0 || back > reader->index || node->calls.calls > reader->calls_left ||
		     (back != reader->index && node->site >= THAG_SITES_MAX);
	if (from->bad || node->calls.calls == 0)
		return;
	reader->calls_left -= node->calls.calls;
	node->calls.min = node->calls.max = thag_varint_get(from);
	node->max_start = thag_varint_get(from);
	if (node->calls.calls == 1)
		return;
	node->calls.min -= thag_varint_get(from);
	node->calls.counts = reader->counts;
	node->calls.count_count = get_counts(reader, node->calls.calls);
	from->bad |= node->calls.min > node->calls.max;
}

int thag_chunk_tree_read(const uint8_t *data, size_t bytes, uint32_t level,
			 thag_chunk_node_fn *each, void *context)
{
	struct reader reader = { .from = { .at = data, .end = data + bytes }, .index = 1 };
	struct thag_chunk_node node;
	int result = 0;

	/* each word ends a call, or each frame that was open ends */
	reader.calls_left = (uint64_t)(THAG_CHUNK_WORDS + THAG_OPENINGS_FRAMES_MAX) << 2 * level;
	for (; result == 0 && reader.from.at < reader.from.end; reader.index++) {
		get_node(&reader, &node);
		if (reader.from.bad)
			return -EBADMSG;
		result = each(context, reader.index, &node);
	}
	return result;
}

/* Which node of another tree each one read is. */
struct mapping {
	struct thag_chunk_tree *to;
	thag_chunk_tree_of_fn *tree_of;
	void *context;
	uint64_t share;
	uint32_t *nodes;
	struct thag_tree **trees; /* with tree_of: whose node that is, NULL: nobody's */
	uint32_t capacity;
};

/* Room for `index`, which is at most one more than the last. */
static bool reserve(struct mapping *mapping, uint32_t index)
{
	uint32_t capacity = mapping->capacity ? 2 * mapping->capacity : 256;
	uint32_t *nodes;
	struct thag_tree **trees;

	if (index < mapping->capacity)
		return true;
	nodes = reallocarray(mapping->nodes, capacity, sizeof(*nodes));
	if (!nodes)
		return false;
	mapping->nodes = nodes;
	if (mapping->tree_of) {
		trees = reallocarray(mapping->trees, capacity, sizeof(struct thag_tree *));
		if (!trees)
			return false;
		mapping->trees = trees;
	}
	mapping->capacity = capacity;
	return true;
}

static int merge_node(void *context, uint32_t index, const struct thag_chunk_node *node)
{
	struct mapping *mapping = context;
	struct thag_chunk_tree *tree = mapping->to;
	const struct thag_node *to;
	uint32_t parent;

	if (!reserve(mapping, index))
		return -ENOMEM;
	parent = node->parent ? mapping->nodes[node->parent] : THAG_TREE_ROOT;
	mapping->nodes[index] = thag_tree_child(&tree->tree, parent, node->site);
	/* what has no node of its own is in its parent's total already */
	if (mapping->nodes[index] == parent)
		return tree->error;
	to = &tree->tree.nodes[mapping->nodes[index]];
	if (node->calls.calls && (to->calls == 0 || node->calls.max > to->max))
		thag_chunk_tree_set_start(tree, mapping->nodes[index], node->max_start);
	thag_tree_add_calls(&tree->tree, mapping->nodes[index], &node->calls);
	return tree->error;
}

int thag_chunk_tree_merge(struct thag_chunk_tree *tree, uint32_t level, const uint8_t *data,
			  size_t bytes)
{
	struct mapping mapping = { .to = tree };
	int error = thag_chunk_tree_read(data, bytes, level, merge_node, &mapping);

	free(mapping.nodes);
	return error;
}

static uint64_t share_of(uint64_t value, uint64_t share)
{
	return (uint64_t)((unsigned __int128)value * share >> 32);
}

/* What a part of a node's calls is likely to be, in proportion. */
static void give_calls(struct thag_tree *tree, uint32_t index, const struct thag_tree_calls *calls,
		       uint64_t share)
{
	struct thag_hist_count counts[THAG_HIST_BUCKETS];
	struct thag_tree_calls part = *calls;

	if (share >= THAG_CHUNK_TREE_WHOLE) {
		thag_tree_add_calls(tree, index, calls);
		return;
	}
	part.calls = share_of(calls->calls, share);
	part.total = share_of(calls->total, share);
	part.counts = counts;
	part.count_count = 0;
	for (uint32_t i = 0; i < calls->count_count; i++) {
		uint64_t count = share_of(calls->counts[i].count, share);

		if (count)
			counts[part.count_count++] =
				(struct thag_hist_count){ calls->counts[i].bucket, count };
	}
	thag_tree_add_calls(tree, index, &part);
}

static int give_node(void *context, uint32_t index, const struct thag_chunk_node *node)
{
	struct mapping *mapping = context;
	struct thag_tree *tree;
	uint32_t parent;

	if (!reserve(mapping, index))
		return -ENOMEM;
	if (node->parent == THAG_TREE_ROOT) {
		mapping->trees[index] = mapping->tree_of(mapping->context, node->site);
		mapping->nodes[index] = THAG_TREE_ROOT;
		return 0;
	}
	tree = mapping->trees[index] = mapping->trees[node->parent];
	if (!tree)
		return 0;
	parent = mapping->nodes[node->parent];
	mapping->nodes[index] = thag_tree_child(tree, parent, node->site);
	if (mapping->nodes[index] != parent)
		give_calls(tree, mapping->nodes[index], &node->calls, mapping->share);
	return 0;
}

int thag_chunk_tree_give(const uint8_t *data, size_t bytes, uint32_t level, uint64_t share,
			 thag_chunk_tree_of_fn *tree_of, void *context)
{
	struct mapping mapping = { .tree_of = tree_of, .context = context, .share = share };
	int error = thag_chunk_tree_read(data, bytes, level, give_node, &mapping);

	free(mapping.nodes);
	free(mapping.trees);
	return error;
}
