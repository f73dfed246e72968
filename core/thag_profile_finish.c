/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_profile_private.h"

#define AHEAD 16 /* nodes */

/** What the children of a node took away from it. */
struct shares {
	uint64_t ticks;
	uint64_t calls;
};

/** What recording cost this node, in ticks: its own calls inside, its children's outside. */
static uint64_t cost_ticks(const struct thag_scale *scale, uint64_t calls, uint64_t child_calls)
{
	unsigned __int128 cost = (unsigned __int128)calls * scale->cost_inside +
				 (unsigned __int128)child_calls * scale->cost_outside;

	cost = (cost + 128) / 256;
	return cost > UINT64_MAX ? UINT64_MAX : (uint64_t)cost;
}

static uint64_t subtract(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}

static void compute_self(struct thag_profile *profile, const struct thag_scale *scale,
			 const struct shares *shares)
{
	for (uint32_t i = 0; i < profile->count; i++) {
		struct thag_profile_node *node = &profile->nodes[i];
		uint64_t self = subtract(profile->measures[i].total, shares[i].ticks);

		if (!scale->raw)
			self = subtract(self, cost_ticks(scale, node->calls, shares[i].calls));
		node->self_ns = thag_profile_ns(profile, self);
	}
}

static int compute_times(struct thag_profile *profile, const struct thag_scale *scale)
{
	struct shares *shares = calloc(profile->count, sizeof(*shares));

	if (!shares)
		return -ENOMEM;
	for (uint32_t i = 1; i < profile->count; i++) {
		struct shares *up = &shares[profile->nodes[i].parent];

		up->ticks += profile->measures[i].total;
		up->calls += profile->nodes[i].calls;
	}
	profile->ns_per_tick = scale->ns_per_tick;
	compute_self(profile, scale, shares);
	free(shares);
	return 0;
}

/** Of the total, what calls that are still open took: corrected as the total was. */
static uint64_t open_ns(const struct thag_profile *profile, uint32_t index)
{
	const struct thag_measure *measure = &profile->measures[index];
	uint64_t total_ns = profile->nodes[index].total_ns;

	if (measure->open >= measure->total)
		return measure->open ? total_ns : 0;
	return (uint64_t)((long double)total_ns * (long double)measure->open /
			  (long double)measure->total);
}

static int count_subtrees(struct thag_profile *profile)
{
	profile->subtrees = calloc(profile->count, sizeof(*profile->subtrees));
	if (!profile->subtrees)
		return -ENOMEM;
	for (uint32_t i = profile->count; i-- > 0;) {
		profile->subtrees[i]++;
		if (i)
			profile->subtrees[profile->nodes[i].parent] += profile->subtrees[i];
	}
	return 0;
}

/** What is known beside a node's total, which is. */
static void derive(struct thag_profile *profile, uint32_t index)
{
	const struct thag_measure *measure = &profile->measures[index];
	struct thag_profile_node *node = &profile->nodes[index];

	node->min_ns = node->calls ? thag_profile_ns(profile, measure->min) : 0;
	node->max_ns = thag_profile_ns(profile, measure->max);
	node->wait_ns = thag_profile_ns(profile, measure->wait);
	node->open_ns = open_ns(profile, index);
}

/** Totals, from the leaves up; extremes in nanoseconds; flags. */
static int sum_up(struct thag_profile *profile)
{
	struct thag_profile_node *nodes = profile->nodes;

	int ret = count_subtrees(profile);

	if (ret)
		return ret;
	for (uint32_t i = profile->count; i-- > 0;) {
		nodes[i].total_ns += nodes[i].self_ns;
		if (!profile->untimed)
			derive(profile, i);
		nodes[i].flags |= i ? profile->functions[nodes[i].name].flags : 0;
		if (i)
			nodes[nodes[i].parent].total_ns += nodes[i].total_ns;
	}
	return 0;
}

/** A name on its way to its rank; the first bytes, as a number, decide most comparisons. */
struct ranked {
	uint64_t first;
	const char *name;
	size_t bytes;
	uint32_t number;
};

static int compare_names(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	int order = memcmp(x->name, y->name, x->bytes < y->bytes ? x->bytes : y->bytes);

	return order ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static uint64_t first_bytes(const char *name, size_t bytes)
{
	uint64_t first = 0;

	for (size_t i = 0; i < 8; i++)
		first = first << 8 | (i < bytes ? (uint8_t)name[i] : 0);
	return first;
}

static int rank_names(struct thag_profile *profile)
{
	uint32_t count = profile->names.count;
	struct ranked *list = malloc(count * sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		list[i].number = i;
		list[i].name = thag_strings_get(&profile->names, i, &list[i].bytes);
		list[i].first = first_bytes(list[i].name, list[i].bytes);
	}
	qsort(list, count, sizeof(*list), compare_names);
	for (uint32_t i = 0; i < count; i++)
		profile->functions[list[i].number].rank = i;
	free(list);
	return 0;
}

/**
 * Lists each node's children by name: nodes sorted by their name's rank (by counting), then put
 * in front of their parent's list, last first.
 */
static int link_children(struct thag_profile *profile)
{
	struct thag_profile_node *nodes = profile->nodes;
	uint32_t *starts = calloc((size_t)profile->names.count + 1, sizeof(*starts));
	uint32_t *order = malloc(profile->count * sizeof(*order));

	if (!starts || !order) {
		free(starts);
		free(order);
		return -ENOMEM;
	}
	for (uint32_t i = 1; i < profile->count; i++)
		starts[profile->functions[nodes[i].name].rank + 1]++;
	for (uint32_t i = 1; i <= profile->names.count; i++)
		starts[i] += starts[i - 1];
	for (uint32_t i = 1; i < profile->count; i++)
		order[starts[profile->functions[nodes[i].name].rank]++] = i;
	for (uint32_t i = profile->count - 1; i-- > 0;) {
		struct thag_profile_node *up = &nodes[nodes[order[i]].parent];

		/* nodes of a name lie all over memory: those to come are asked for ahead of time */
		if (i >= 2 * AHEAD) {
			__builtin_prefetch(&nodes[order[i - 2 * AHEAD]].parent);
			__builtin_prefetch(&nodes[nodes[order[i - AHEAD]].parent].first_child, 1);
		}
		nodes[order[i]].next_sibling = up->first_child;
		up->first_child = order[i];
	}
	free(starts);
	free(order);
	return 0;
}

/** Children stand side by side from their parent's left edge on. */
static int place(struct thag_profile *profile)
{
	const struct thag_profile_node *nodes = profile->nodes;

	profile->starts = calloc(profile->count, sizeof(*profile->starts));
	if (!profile->starts)
		return -ENOMEM;
	for (uint32_t i = 0; i < profile->count; i++) {
		uint64_t start = profile->starts[i];

		for (uint32_t child = nodes[i].first_child; child;
		     child = nodes[child].next_sibling) {
			profile->starts[child] = start;
			start += nodes[child].total_ns;
		}
	}
	return 0;
}

int thag_profile_arrange(struct thag_profile *profile)
{
	int ret = sum_up(profile);

	if (!ret)
		ret = rank_names(profile);
	if (!ret)
		ret = link_children(profile);
	if (!ret)
		ret = place(profile);
	return ret;
}

/** A child on its way to its place. */
struct weighed {
	uint64_t total_ns;
	uint32_t rank; /* by name */
	uint32_t node;
};

static int compare_weights(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	if (x->total_ns != y->total_ns)
		return x->total_ns > y->total_ns ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

/** Lists the children of a node anew, those with most first; `list` has room for all of them. */
static void sort_children(struct thag_profile *profile, uint32_t parent, struct weighed *list)
{
	struct thag_profile_node *nodes = profile->nodes;
	uint32_t count = 0, next = 0;

	for (uint32_t i = nodes[parent].first_child; i; i = nodes[i].next_sibling, count++)
		list[count] = (struct weighed){ nodes[i].total_ns,
						profile->functions[nodes[i].name].rank, i };
	qsort(list, count, sizeof(*list), compare_weights);
	for (; count > 0; count--) {
		nodes[list[count - 1].node].next_sibling = next;
		next = list[count - 1].node;
	}
	nodes[parent].first_child = next;
}

int thag_profile_put_heavy_first(struct thag_profile *profile)
{
	struct weighed *list = malloc(profile->count * sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < profile->count; i++)
		if (profile->nodes[i].first_child)
			sort_children(profile, i, list);
	free(list);
	free(profile->starts);
	profile->starts = NULL;
	return place(profile);
}

int thag_profile_place(struct thag_profile *profile)
{
	int ret = count_subtrees(profile);

	if (!ret)
		ret = link_children(profile);
	return ret ? ret : place(profile);
}

int thag_profile_finish(struct thag_profile *profile, const struct thag_scale *scale)
{
	int ret = compute_times(profile, scale);

	return ret ? ret : thag_profile_arrange(profile);
}
