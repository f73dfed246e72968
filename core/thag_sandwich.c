/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_sandwich.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_profile_private.h"

#define ROOT 0
#define ABSENT UINT32_MAX

/** What one of the two is made of. */
struct sandwich {
	const struct thag_profile *from;
	struct thag_profile *to;
	bool *inside;	 /* by node of `from`: the function, or below it */
	uint32_t levels; /* of callers that are followed */
};

static uint32_t find_name(const struct thag_profile *profile, uint64_t function)
{
	for (uint32_t i = 1; i < profile->count; i++)
		if (profile->functions[profile->nodes[i].name].hash == function)
			return profile->nodes[i].name;
	return ABSENT;
}

static int begin(struct sandwich *sandwich, const struct thag_profile *profile, uint64_t function)
{
	const struct thag_profile_node *nodes = profile->nodes;
	uint32_t name = find_name(profile, function);

	*sandwich = (struct sandwich){ .from = profile };
	sandwich->inside = calloc(profile->count, sizeof(*sandwich->inside));
	if (!sandwich->inside)
		return -ENOMEM;
	for (uint32_t i = 1; i < profile->count && name != ABSENT; i++)
		sandwich->inside[i] = sandwich->inside[nodes[i].parent] || nodes[i].name == name;
	return thag_profile_derive(&sandwich->to, profile,
				   name == ABSENT ? nodes[ROOT].name : name);
}

/** Ends it, well or with `ret` < 0. Returns `ret`, or -ENOMEM. */
static int end(struct sandwich *sandwich, int ret, struct thag_profile **out)
{
	free(sandwich->inside);
	if (!ret)
		ret = thag_profile_place(sandwich->to);
	if (ret)
		thag_profile_destroy(sandwich->to);
	else
		*out = sandwich->to;
	return ret;
}

static bool is_outermost(const struct sandwich *sandwich, uint32_t node)
{
	return sandwich->inside[node] && !sandwich->inside[sandwich->from->nodes[node].parent];
}

/** Adds all that `from` is to a node that it is part of. */
static void add_place(struct sandwich *sandwich, uint32_t node, uint32_t from)
{
	const struct thag_profile_node *more = &sandwich->from->nodes[from];
	struct thag_profile *to = sandwich->to;

	to->nodes[node].total_ns += more->total_ns;
	thag_profile_add_calls(to, node, more);
	if (to->heap)
		thag_heap_add(&to->heap->nodes[node], &sandwich->from->heap->nodes[from]);
}

static int add_callee(struct sandwich *sandwich, uint32_t from, uint32_t *map)
{
	const struct thag_profile_node *node = &sandwich->from->nodes[from];
	struct thag_profile *to = sandwich->to;
	int ret = thag_profile_reserve_derived(to, to->count + 1);

	if (ret)
		return ret;
	map[from] = is_outermost(sandwich, from)
			    ? ROOT
			    : thag_profile_child(to, map[node->parent], node->name);
	to->nodes[map[from]].self_ns += node->self_ns;
	add_place(sandwich, map[from], from);
	return to->heap ? thag_profile_add_own_heap(to, map[from], sandwich->from, from) : 0;
}

static int add_callees(struct sandwich *sandwich)
{
	uint32_t *map = malloc(sandwich->from->count * sizeof(*map));
	int ret = map ? 0 : -ENOMEM;

	for (uint32_t i = 1; i < sandwich->from->count && !ret; i++)
		if (sandwich->inside[i])
			ret = add_callee(sandwich, i, map);
	free(map);
	return ret;
}

/** How many levels can be followed for all places in the steps there are. */
static int limit_levels(struct sandwich *sandwich)
{
	const struct thag_profile *from = sandwich->from;
	uint32_t *places = calloc(THAG_FLAME_DEPTH_MAX + 1, sizeof(*places));
	uint64_t deeper = 0, steps = 0;

	if (!places)
		return -ENOMEM;
	for (uint32_t i = 1; i < from->count; i++) {
		uint32_t above = from->nodes[i].depth - 1;

		if (!is_outermost(sandwich, i))
			continue;
		places[above < THAG_FLAME_DEPTH_MAX ? above : THAG_FLAME_DEPTH_MAX]++;
		deeper++;
	}
	for (uint32_t i = 0; i < THAG_FLAME_DEPTH_MAX; i++) {
		deeper -= places[i];
		steps += deeper;
		if (steps > THAG_SANDWICH_STEPS_MAX)
			break;
		sandwich->levels = i + 1;
	}
	free(places);
	return 0;
}

/** Goes up from a place, with all its numbers. */
static int add_chain(struct sandwich *sandwich, uint32_t place)
{
	const struct thag_profile_node *nodes = sandwich->from->nodes;
	struct thag_profile *to = sandwich->to;
	uint32_t at = ROOT, up = nodes[place].parent;
	int ret = 0;

	add_place(sandwich, ROOT, place);
	for (uint32_t i = 0; i < sandwich->levels && up != ROOT && !ret; i++) {
		ret = thag_profile_reserve_derived(to, to->count + 1);
		if (ret)
			break;
		at = thag_profile_child(to, at, nodes[up].name);
		/* what the place is its caller is not */
		uint32_t flags = to->nodes[at].flags | nodes[up].flags;

		add_place(sandwich, at, place);
		to->nodes[at].flags = flags;
		up = nodes[up].parent;
	}
	to->nodes[at].self_ns += nodes[place].total_ns;
	to->cut += up != ROOT;
	return ret;
}

static int add_callers(struct sandwich *sandwich)
{
	int ret = limit_levels(sandwich);

	for (uint32_t i = 1; i < sandwich->from->count && !ret; i++)
		if (is_outermost(sandwich, i))
			ret = add_chain(sandwich, i);
	return ret;
}

int thag_sandwich_callers(struct thag_profile **out, const struct thag_profile *profile,
			  uint64_t function)
{
	struct sandwich sandwich;
	int ret = begin(&sandwich, profile, function);

	if (!ret)
		ret = add_callers(&sandwich);
	return end(&sandwich, ret, out);
}

int thag_sandwich_callees(struct thag_profile **out, const struct thag_profile *profile,
			  uint64_t function)
{
	struct sandwich sandwich;
	int ret = begin(&sandwich, profile, function);

	if (!ret)
		ret = add_callees(&sandwich);
	return end(&sandwich, ret, out);
}
