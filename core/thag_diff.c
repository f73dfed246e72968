/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_diff.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_profile_private.h"

#define ROOT 0

enum side { BEFORE, AFTER };

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/** Adds what a node of one of the two is. */
static void add_side(struct thag_profile *diff, uint32_t node, enum side side,
		     const struct thag_profile_node *from)
{
	struct thag_frame_sides *sides = &diff->diff->nodes[node];

	diff->nodes[node].flags |= from->flags;
	diff->nodes[node].calls = add(diff->nodes[node].calls, from->calls);
	if (side == BEFORE) {
		sides->before_self_ns = add(sides->before_self_ns, from->self_ns);
		sides->before_total_ns = add(sides->before_total_ns, from->total_ns);
		sides->before_calls = add(sides->before_calls, from->calls);
	} else {
		sides->after_self_ns = add(sides->after_self_ns, from->self_ns);
		sides->after_total_ns = add(sides->after_total_ns, from->total_ns);
		sides->after_calls = add(sides->after_calls, from->calls);
	}
}

/** The numbers that the names of `from` have in `diff`, those of its nodes. 0 or -ENOMEM. */
static int put_names(struct thag_profile *diff, const struct thag_profile *from, uint32_t *names)
{
	int ret = 0;

	for (uint32_t i = 1; i < from->count && !ret; i++) {
		uint32_t *name = &names[from->nodes[i].name];
		size_t bytes;

		if (*name != UINT32_MAX)
			continue;
		const char *text = thag_strings_get(&from->names, from->nodes[i].name, &bytes);

		ret = thag_profile_put_function(diff, text, bytes, name);
	}
	return ret;
}

static int add_nodes(struct thag_profile *diff, const struct thag_profile *from, enum side side)
{
	uint32_t *names = malloc(from->names.count * sizeof(*names));
	uint32_t *map =
		malloc(from->count * sizeof(*map)); /* by node of `from`: the difference's */
	int ret = names && map ? 0 : -ENOMEM;

	for (uint32_t i = 0; !ret && i < from->names.count; i++)
		names[i] = UINT32_MAX;
	if (!ret)
		ret = put_names(diff, from, names);
	for (uint32_t i = 0; !ret && i < from->count; i++) {
		const struct thag_profile_node *node = &from->nodes[i];

		map[i] = i == ROOT ? ROOT
				   : thag_profile_child(diff, map[node->parent], names[node->name]);
		add_side(diff, map[i], side, node);
	}
	free(names);
	free(map);
	return ret;
}

/** What `after` is multiplied by. */
static long double find_scale(const struct thag_profile *diff, bool normalise)
{
	const struct thag_frame_sides *root = &diff->diff->nodes[ROOT];

	if (!normalise || root->before_total_ns == 0 || root->after_total_ns == 0)
		return 1;
	return (long double)root->before_total_ns / (long double)root->after_total_ns;
}

static uint64_t width_of(const struct thag_frame_sides *sides, long double scale)
{
	uint64_t after = sides->after_self_ns;

	if (scale != 1) /* else to the digit */
		after = thag_ticks_ns(after, (double)scale);
	return after > sides->before_self_ns ? after : sides->before_self_ns;
}

static void set_widths(struct thag_profile *diff, long double scale)
{
	unsigned __int128 sum = 0;
	unsigned int halvings = 0;

	for (uint32_t i = 0; i < diff->count; i++) {
		diff->nodes[i].self_ns = width_of(&diff->diff->nodes[i], scale);
		sum += diff->nodes[i].self_ns;
	}
	while (sum >> halvings > UINT64_MAX)
		halvings++;
	for (uint32_t i = 0; i < diff->count && halvings; i++)
		diff->nodes[i].self_ns >>= halvings;
}

static enum thag_metric metric_of(const struct thag_profile *profile)
{
	return profile->heap ? profile->heap->metric : THAG_METRIC_TIME;
}

static uint32_t flags_of(const struct thag_profile *profile)
{
	const struct thag_profile_heap *heap = profile->heap;

	if (!heap)
		return 0;
	return (heap->kind == THAG_HEAP_TRACES ? THAG_FRAME_TRACES : 0u) |
	       (heap->capped ? THAG_FRAME_CAPPED : 0u);
}

/** Makes room for all nodes of both. 0 or -ENOMEM. */
static int reserve(struct thag_profile *diff, const struct thag_profile *before,
		   const struct thag_profile *after)
{
	if (before->count > UINT32_MAX / 2 - after->count)
		return -ENOMEM;
	uint32_t count = before->count + after->count;

	diff->diff = calloc(1, sizeof(*diff->diff));
	if (!diff->diff)
		return -ENOMEM;
	diff->diff->metric = metric_of(after);
	diff->diff->flags = flags_of(after) | flags_of(before);
	diff->diff->nodes = calloc(count, sizeof(*diff->diff->nodes));
	return diff->diff->nodes ? thag_profile_reserve(diff, count) : -ENOMEM;
}

static int merge(struct thag_profile *diff, const struct thag_profile *before,
		 const struct thag_profile *after, bool normalise)
{
	int ret = reserve(diff, before, after);

	/* the later one's nodes first: they lie close together, and are looked at most */
	if (!ret)
		ret = add_nodes(diff, after, AFTER);
	if (!ret)
		ret = add_nodes(diff, before, BEFORE);
	if (ret)
		return ret;
	set_widths(diff, find_scale(diff, normalise));
	diff->cut = before->cut + after->cut;
	return thag_profile_arrange(diff);
}

int thag_diff_make(struct thag_profile **out, const struct thag_profile *before,
		   const struct thag_profile *after, bool normalise)
{
	struct thag_profile *diff;
	size_t bytes;
	int ret = thag_profile_create(
		&diff, thag_strings_get(&after->names, after->nodes[ROOT].name, &bytes));

	if (ret)
		return ret;
	ret = merge(diff, before, after, normalise);
	if (ret)
		thag_profile_destroy(diff);
	else
		*out = diff;
	return ret;
}

const struct thag_frame_sides *thag_diff_sides(const struct thag_profile *profile)
{
	return profile->diff ? profile->diff->nodes : NULL;
}
