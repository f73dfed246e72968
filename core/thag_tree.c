/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

/* Children up to this many are found by walking their list. */
#define FEW_CHILDREN 8

static struct thag_node new_node(uint32_t site, uint32_t parent)
{
	return (struct thag_node){ .site = site, .parent = parent, .min = UINT64_MAX };
}

int thag_tree_init(struct thag_tree *tree, uint32_t limit)
{
	*tree = (struct thag_tree){ .limit = limit };
	tree->nodes = malloc(FIRST_CAPACITY * sizeof(*tree->nodes));
	if (!tree->nodes)
		return -ENOMEM;
	tree->capacity = FIRST_CAPACITY;
	tree->nodes[THAG_TREE_ROOT] = new_node(0, THAG_TREE_NONE);
	tree->count = 1;
	return 0;
}

/* Relaxed, here and below: a sum that stands for itself. */
void thag_tree_limit(struct thag_tree *tree, atomic_uint_least64_t *allowance)
{
	tree->allowance = allowance;
}

static bool take_allowance(struct thag_tree *tree, uint64_t bytes)
{
	uint64_t left;

	if (!tree->allowance)
		return true;
	left = atomic_load_explicit(tree->allowance, memory_order_relaxed);
	do
		if (left < bytes)
			return false;
	while (!atomic_compare_exchange_weak_explicit(tree->allowance, &left, left - bytes,
						      memory_order_relaxed, memory_order_relaxed));
	tree->allowed += bytes;
	return true;
}

static void give_allowance(struct thag_tree *tree, uint64_t bytes)
{
	if (!tree->allowance)
		return;
	atomic_fetch_add_explicit(tree->allowance, bytes, memory_order_relaxed);
	tree->allowed -= bytes;
}

void thag_tree_fini(struct thag_tree *tree)
{
	give_allowance(tree, tree->allowed);
	free(tree->nodes);
	free(tree->slot_keys);
	free(tree->slot_nodes);
	free(tree->waits);
	free(tree->site_hists);
	thag_hist_pool_fini(&tree->hists);
	*tree = (struct thag_tree){ 0 };
}

void thag_tree_clear(struct thag_tree *tree)
{
	if (tree->slot_count)
		memset(tree->slot_keys, 0, (tree->slot_mask + 1) * sizeof(*tree->slot_keys));
	if (tree->wait_capacity)
		memset(tree->waits, 0, tree->wait_capacity * sizeof(*tree->waits));
	if (tree->site_capacity)
		memset(tree->site_hists, 0, tree->site_capacity * sizeof(*tree->site_hists));
	tree->nodes[THAG_TREE_ROOT] = new_node(0, THAG_TREE_NONE);
	tree->count = 1;
	tree->slot_count = 0;
	tree->overflowed = 0;
	tree->hists.count = tree->hists.carry_count = 0;
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

static void put_slot(struct thag_tree *tree, uint64_t key, uint32_t node)
{
	uint32_t slot = find_slot(tree, key);

	tree->slot_keys[slot] = key;
	tree->slot_nodes[slot] = node;
}

/* Keeps the table at most half full. */
static int make_slot(struct thag_tree *tree, uint32_t more)
{
	struct thag_tree old = *tree;
	uint32_t slots = old.slot_mask ? old.slot_mask + 1 : 0;

	if ((uint64_t)(tree->slot_count + more) * 2 <= slots)
		return 0;
	slots = slots ? slots * 2 : FIRST_CAPACITY;
	tree->slot_keys = calloc(slots, sizeof(*tree->slot_keys));
	tree->slot_nodes = malloc(slots * sizeof(*tree->slot_nodes));
	if (!tree->slot_keys || !tree->slot_nodes) {
		free(tree->slot_keys);
		free(tree->slot_nodes);
		*tree = old;
		return -ENOMEM;
	}
	tree->slot_mask = slots - 1;
	for (uint32_t i = 0; old.slot_mask && i <= old.slot_mask; i++)
		if (old.slot_keys[i])
			put_slot(tree, old.slot_keys[i], old.slot_nodes[i]);
	free(old.slot_keys);
	free(old.slot_nodes);
	return 0;
}

/* Makes the new child findable in the table: once there are many, all of them. */
static int index_child(struct thag_tree *tree, uint32_t parent, uint32_t site, uint32_t child)
{
	const struct thag_node *node = &tree->nodes[parent];
	uint32_t more = node->children == FEW_CHILDREN ? FEW_CHILDREN + 1 : 1;

	if (make_slot(tree, more) != 0)
		return -ENOMEM;
	if (more > 1)
		for (uint32_t i = node->first_child; i; i = tree->nodes[i].next_sibling)
			put_slot(tree, slot_key(parent, tree->nodes[i].site), i);
	put_slot(tree, slot_key(parent, site), child);
	tree->slot_count += more;
	return 0;
}

static int grow(struct thag_tree *tree)
{
	uint32_t capacity = tree->capacity * 2;
	uint64_t cost = (uint64_t)tree->capacity * THAG_TREE_NODE_COST;
	struct thag_node *nodes;

	if (!take_allowance(tree, cost))
		return -ENOMEM;
	nodes = realloc(tree->nodes, capacity * sizeof(*nodes));
	if (!nodes) {
		give_allowance(tree, cost);
		return -ENOMEM;
	}
	tree->nodes = nodes;
	tree->capacity = capacity;
	return 0;
}

static uint32_t add_node(struct thag_tree *tree, uint32_t parent, uint32_t site)
{
	uint32_t index = tree->count;

	if (index >= tree->limit || (index == tree->capacity && grow(tree) != 0))
		return THAG_TREE_NONE;
	if (tree->nodes[parent].children >= FEW_CHILDREN &&
	    index_child(tree, parent, site, index) != 0)
		return THAG_TREE_NONE;
	tree->count++;
	tree->nodes[index] = new_node(site, parent);
	tree->nodes[index].next_sibling = tree->nodes[parent].first_child;
	tree->nodes[parent].first_child = index;
	tree->nodes[parent].children++;
	return index;
}

static uint32_t find_child(const struct thag_tree *tree, uint32_t parent, uint32_t site)
{
	const struct thag_node *node = &tree->nodes[parent];
	uint32_t slot, child = node->first_child;

	if (node->children > FEW_CHILDREN) {
		slot = find_slot(tree, slot_key(parent, site));
		return tree->slot_keys[slot] ? tree->slot_nodes[slot] : 0;
	}
	while (child && tree->nodes[child].site != site)
		child = tree->nodes[child].next_sibling;
	return child;
}

uint32_t thag_tree_child_slow(struct thag_tree *tree, uint32_t parent, uint32_t site)
{
	uint32_t child = find_child(tree, parent, site);

	if (!child) {
		child = add_node(tree, parent, site);
		if (child == THAG_TREE_NONE) {
			tree->overflowed++;
			return parent;
		}
	}
	tree->nodes[parent].last_child = child;
	return child;
}

/* Where the histogram of a site is named; NULL without memory. */
static uint32_t *find_site_hist(struct thag_tree *tree, uint32_t site)
{
	uint32_t capacity = tree->site_capacity ? tree->site_capacity : FIRST_CAPACITY;
	uint32_t *grown;

	if (site < tree->site_capacity)
		return &tree->site_hists[site];
	while (capacity <= site)
		capacity *= 2;
	grown = reallocarray(tree->site_hists, capacity, sizeof(*grown));
	if (!grown)
		return NULL;
	memset(grown + tree->site_capacity, 0, (capacity - tree->site_capacity) * sizeof(*grown));
	tree->site_hists = grown;
	tree->site_capacity = capacity;
	return &grown[site];
}

static void count_durations(struct thag_tree *tree, struct thag_node *node, uint32_t bucket,
			    uint64_t count)
{
	uint32_t *site_hist;

	/* without memory the duration is missing from the histogram, and only from there */
	if (tree->pooled) {
		site_hist = find_site_hist(tree, node->site);
		if (site_hist)
			thag_hist_add(&tree->hists, site_hist, bucket, count);
		return;
	}
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

void thag_tree_add_wait(struct thag_tree *tree, uint32_t index, uint64_t ticks)
{
	uint32_t capacity = tree->capacity;

	if (index >= tree->wait_capacity) {
		uint64_t *grown = reallocarray(tree->waits, capacity, sizeof(*grown));

		if (!grown)
			return;
		memset(grown + tree->wait_capacity, 0,
		       (capacity - tree->wait_capacity) * sizeof(*grown));
		tree->waits = grown;
		tree->wait_capacity = capacity;
	}
	tree->waits[index] += ticks;
}

static void add_durations(struct thag_tree *tree, struct thag_node *node,
			  const struct thag_tree_calls *more)
{
	if (node->calls == 1)
		count_durations(tree, node, thag_hist_bucket(node->min), 1);
	if (more->calls == 1)
		count_durations(tree, node, thag_hist_bucket(more->min), 1);
	for (uint32_t i = 0; more->calls > 1 && i < more->count_count; i++)
		count_durations(tree, node, more->counts[i].bucket, more->counts[i].count);
}

void thag_tree_add_calls(struct thag_tree *tree, uint32_t index, const struct thag_tree_calls *more)
{
	struct thag_node *node = &tree->nodes[index];

	/* a lone duration stays in `min`, unless this is not the only call */
	if (more->calls && node->calls + more->calls > 1)
		add_durations(tree, node, more);
	node->calls += more->calls;
	node->total += more->total;
	if (more->calls && more->min < node->min)
		node->min = more->min;
	if (more->calls && more->max > node->max)
		node->max = more->max;
}

void thag_tree_pool_durations(struct thag_tree *tree)
{
	tree->pooled = true;
}

void thag_tree_place_durations(struct thag_tree *tree)
{
	/* a node with one call has it in `min`; who counted here has more */
	for (uint32_t i = 0; i < tree->count; i++) {
		struct thag_node *node = &tree->nodes[i];

		if (node->calls < 2 || node->site >= tree->site_capacity ||
		    !tree->site_hists[node->site])
			continue;
		node->hist = tree->site_hists[node->site];
		node->hist_group = tree->hists.metas[node->hist].group;
		tree->site_hists[node->site] = THAG_HIST_NONE;
	}
}

static void merge_node(struct thag_tree *into, uint32_t to, const struct thag_tree *from,
		       const struct thag_node *node)
{
	struct thag_hist_count counts[THAG_HIST_BUCKETS];
	struct thag_tree_calls calls = { .calls = node->calls,
					 .total = node->total,
					 .min = node->min,
					 .max = node->max,
					 .counts = counts };

	calls.count_count = thag_hist_list(&from->hists, node->hist, counts);
	thag_tree_add_calls(into, to, &calls);
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
		merge_node(into, map[i], from, node);
		if (thag_tree_wait(from, i))
			thag_tree_add_wait(into, map[i], thag_tree_wait(from, i));
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
	*copy = *tree;
	copy->allowance = NULL;
	copy->allowed = 0;
	copy->slot_keys = NULL;
	copy->slot_nodes = NULL;
	copy->slot_count = copy->slot_mask = 0;
	copy->site_hists = NULL;
	copy->site_capacity = 0;
	copy->capacity = tree->count;
	copy->nodes = copy_array(tree->nodes, tree->count, sizeof(*tree->nodes));
	copy->waits = copy_array(tree->waits, tree->wait_capacity, sizeof(*tree->waits));
	if (thag_hist_pool_copy(&copy->hists, &tree->hists) == 0 && copy->nodes && copy->waits)
		return 0;
	thag_tree_fini(copy);
	return -ENOMEM;
}

uint64_t thag_tree_bytes(const struct thag_tree *tree)
{
	uint64_t slots = tree->slot_mask ? (uint64_t)tree->slot_mask + 1 : 0;

	return tree->capacity * (uint64_t)sizeof(*tree->nodes) +
	       tree->wait_capacity * (uint64_t)sizeof(*tree->waits) +
	       tree->site_capacity * (uint64_t)sizeof(*tree->site_hists) +
	       slots * (sizeof(*tree->slot_keys) + sizeof(*tree->slot_nodes)) +
	       thag_hist_pool_bytes(&tree->hists);
}
