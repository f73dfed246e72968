/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

static struct thag_node new_node(uint32_t site, uint32_t parent)
{
	return (struct thag_node){ .site = site, .parent = parent, .min = UINT64_MAX };
}

int thag_tree_init(struct thag_tree *tree, uint32_t limit)
{
	*tree = (struct thag_tree){ .limit = limit };
	tree->nodes = malloc(FIRST_CAPACITY * sizeof(*tree->nodes));
	tree->slot_keys = calloc(FIRST_CAPACITY * 2, sizeof(*tree->slot_keys));
	tree->slot_nodes = malloc(FIRST_CAPACITY * 2 * sizeof(*tree->slot_nodes));
	if (!tree->nodes || !tree->slot_keys || !tree->slot_nodes) {
		thag_tree_fini(tree);
		return -ENOMEM;
	}
	tree->capacity = FIRST_CAPACITY;
	tree->slot_mask = FIRST_CAPACITY * 2 - 1;
	tree->nodes[THAG_TREE_ROOT] = new_node(0, THAG_TREE_NONE);
	tree->count = 1;
	return 0;
}

void thag_tree_fini(struct thag_tree *tree)
{
	free(tree->nodes);
	free(tree->slot_keys);
	free(tree->slot_nodes);
	thag_hist_pool_fini(&tree->hists);
	*tree = (struct thag_tree){ 0 };
}

static uint64_t slot_key(uint32_t parent, uint32_t site)
{
	return (uint64_t)(parent + 1) << 32 | site;
}

/* The slot that holds `key`, or the free one where it belongs. Fibonacci hashing, linear probes. */
static uint32_t find_slot(const struct thag_tree *tree, uint64_t key)
{
	uint32_t slot = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & tree->slot_mask;

	while (tree->slot_keys[slot] && tree->slot_keys[slot] != key)
		slot = (slot + 1) & tree->slot_mask;
	return slot;
}

static void fill_slots(struct thag_tree *tree)
{
	for (uint32_t i = 1; i < tree->count; i++) {
		uint64_t key = slot_key(tree->nodes[i].parent, tree->nodes[i].site);
		uint32_t slot = find_slot(tree, key);

		tree->slot_keys[slot] = key;
		tree->slot_nodes[slot] = i;
	}
}

static int grow(struct thag_tree *tree)
{
	uint32_t capacity = tree->capacity * 2;
	uint64_t *keys = calloc((size_t)capacity * 2, sizeof(*keys));
	uint32_t *values = malloc((size_t)capacity * 2 * sizeof(*values));
	struct thag_node *nodes = realloc(tree->nodes, capacity * sizeof(*nodes));

	if (nodes)
		tree->nodes = nodes;
	if (!keys || !values || !nodes) {
		free(keys);
		free(values);
		return -ENOMEM;
	}
	free(tree->slot_keys);
	free(tree->slot_nodes);
	tree->capacity = capacity;
	tree->slot_keys = keys;
	tree->slot_nodes = values;
	tree->slot_mask = capacity * 2 - 1;
	fill_slots(tree);
	return 0;
}

static uint32_t add_node(struct thag_tree *tree, uint32_t parent, uint32_t site)
{
	if (tree->count == tree->capacity && grow(tree) != 0)
		return THAG_TREE_NONE;
	uint64_t key = slot_key(parent, site);
	uint32_t slot = find_slot(tree, key);
	uint32_t index = tree->count++;

	tree->nodes[index] = new_node(site, parent);
	tree->slot_keys[slot] = key;
	tree->slot_nodes[slot] = index;
	return index;
}

uint32_t thag_tree_child_slow(struct thag_tree *tree, uint32_t parent, uint32_t site)
{
	uint32_t slot = find_slot(tree, slot_key(parent, site));
	uint32_t child;

	if (tree->slot_keys[slot]) {
		child = tree->slot_nodes[slot];
	} else {
		child = tree->count < tree->limit ? add_node(tree, parent, site) : THAG_TREE_NONE;
		if (child == THAG_TREE_NONE) {
			tree->overflowed++;
			return parent;
		}
	}
	tree->nodes[parent].last_child = child;
	return child;
}

static void count_durations(struct thag_tree *tree, struct thag_node *node, uint32_t bucket,
			    uint64_t count)
{
	/* without memory the duration is missing from the histogram, and only from there */
	if (thag_hist_add(&tree->hists, &node->hist, bucket, count) == 0)
		node->hist_group = tree->hists.metas[node->hist].group;
}

void thag_tree_add_duration(struct thag_tree *tree, struct thag_node *node, uint64_t duration)
{
	node->calls++;
	if (node->calls == 1)
		return; /* its one duration is `min` */
	if (node->calls == 2) {
		/* of two durations one is the least and one the most */
		count_durations(tree, node, thag_hist_bucket(node->min), 1);
		count_durations(tree, node, thag_hist_bucket(node->max), 1);
		return;
	}
	count_durations(tree, node, thag_hist_bucket(duration), 1);
}

static void merge_hists(struct thag_tree *into, struct thag_node *to, const struct thag_tree *from,
			const struct thag_node *node)
{
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	if (to->calls == 1)
		count_durations(into, to, thag_hist_bucket(to->min), 1);
	if (node->calls == 1)
		counts[thag_hist_bucket(node->min)] = 1;
	thag_hist_sum(&from->hists, node->hist, counts);
	for (uint32_t i = 0; i < THAG_HIST_BUCKETS; i++)
		if (counts[i])
			count_durations(into, to, i, counts[i]);
}

static void merge_node(struct thag_tree *into, struct thag_node *to, const struct thag_tree *from,
		       const struct thag_node *node)
{
	/* a lone duration stays in `min`, unless this is not the only call */
	if (node->calls && to->calls + node->calls > 1)
		merge_hists(into, to, from, node);
	to->calls += node->calls;
	to->total += node->total;
	if (node->min < to->min)
		to->min = node->min;
	if (node->max > to->max)
		to->max = node->max;
}

int thag_tree_merge(struct thag_tree *into, const struct thag_tree *from)
{
	uint32_t *map = malloc(from->count * sizeof(*map));

	if (!map)
		return -ENOMEM;
	map[THAG_TREE_ROOT] = THAG_TREE_ROOT;
	/* parents come before children, so each parent is mapped by the time it is needed */
	for (uint32_t i = 0; i < from->count; i++) {
		const struct thag_node *node = &from->nodes[i];

		if (i != THAG_TREE_ROOT)
			map[i] = thag_tree_child(into, map[node->parent], node->site);
		merge_node(into, &into->nodes[map[i]], from, node);
	}
	into->overflowed += from->overflowed;
	free(map);
	return 0;
}

static void *copy_array(const void *from, size_t count, size_t size)
{
	void *copy = malloc(count * size + 1);

	if (copy && count)
		memcpy(copy, from, count * size);
	return copy;
}

int thag_tree_copy(struct thag_tree *copy, const struct thag_tree *tree)
{
	const struct thag_hist_pool *hists = &tree->hists;

	*copy = *tree;
	copy->slot_keys = NULL;
	copy->slot_nodes = NULL;
	copy->capacity = tree->count;
	copy->hists.capacity = hists->count;
	copy->hists.carry_capacity = hists->carry_count;
	copy->nodes = copy_array(tree->nodes, tree->count, sizeof(*tree->nodes));
	copy->hists.blocks = copy_array(hists->blocks, hists->count, sizeof(*hists->blocks));
	copy->hists.metas = copy_array(hists->metas, hists->count, sizeof(*hists->metas));
	copy->hists.carries = copy_array(hists->carries, hists->carry_count, sizeof(*hists->carries));
	if (copy->nodes && copy->hists.blocks && copy->hists.metas && copy->hists.carries)
		return 0;
	thag_tree_fini(copy);
	return -ENOMEM;
}

uint64_t thag_tree_bytes(const struct thag_tree *tree)
{
	uint64_t slots = tree->slot_keys ? (uint64_t)tree->slot_mask + 1 : 0;

	return tree->capacity * (uint64_t)sizeof(*tree->nodes) +
	       slots * (sizeof(*tree->slot_keys) + sizeof(*tree->slot_nodes)) +
	       thag_hist_pool_bytes(&tree->hists);
}
