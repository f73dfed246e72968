/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_deep.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_profile_private.h"

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/** Frames at each depth, each as often as stacks go through it. */
static int sum_costs(const struct thag_profile *profile, const struct thag_deep_costs *costs,
		     uint64_t *by_depth)
{
	uint32_t *stacks = calloc(profile->count, sizeof(*stacks)); /* that go through a node */

	if (!stacks)
		return -ENOMEM;
	for (uint32_t i = profile->count; i-- > 1;) {
		const struct thag_profile_node *node = &profile->nodes[i];
		uint64_t bytes = costs->frame_bytes;

		if (costs->name_bytes)
			bytes += costs->name_bytes[node->name];
		stacks[i] += thag_deep_has(node, costs->with_calls);
		stacks[node->parent] += stacks[i];
		by_depth[node->depth] = add(by_depth[node->depth], bytes * stacks[i]);
	}
	by_depth[0] = costs->stack_bytes * stacks[0];
	free(stacks);
	return 0;
}

static int find_shown(struct thag_deep *deep, const struct thag_profile *profile)
{
	if (profile->depth <= deep->depth_max)
		return 0;
	deep->shown = malloc(profile->count * sizeof(*deep->shown));
	if (!deep->shown)
		return -ENOMEM;
	for (uint32_t i = 0; i < profile->count; i++)
		deep->shown[i] = profile->nodes[i].depth <= deep->depth_max
					 ? i
					 : deep->shown[profile->nodes[i].parent];
	return 0;
}

int thag_deep_init(struct thag_deep *deep, const struct thag_profile *profile,
		   const struct thag_deep_costs *costs)
{
	uint64_t *by_depth = calloc((size_t)profile->depth + 1, sizeof(*by_depth)), sum = 0;
	int ret = by_depth ? sum_costs(profile, costs, by_depth) : -ENOMEM;

	*deep = (struct thag_deep){ .depth_max = 1 };
	for (uint32_t depth = 0; depth <= profile->depth && !ret; depth++) {
		sum = add(sum, by_depth[depth]);
		if (sum <= costs->room && depth)
			deep->depth_max = depth;
	}
	free(by_depth);
	return ret ? ret : find_shown(deep, profile);
}

void thag_deep_fini(struct thag_deep *deep)
{
	free(deep->shown);
	*deep = (struct thag_deep){ 0 };
}
