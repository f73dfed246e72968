/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "thag_profile_private.h"

static int derive_heap(struct thag_profile *profile, const struct thag_profile_heap *base)
{
	profile->heap = calloc(1, sizeof(*profile->heap));
	if (!profile->heap)
		return -ENOMEM;
	*profile->heap = (struct thag_profile_heap){ .kind = base->kind,
						     .metric = base->metric,
						     .capped = base->capped,
						     .peak_bytes = base->peak_bytes };
	return 0;
}

int thag_profile_derive(struct thag_profile **out, const struct thag_profile *base,
			uint32_t root_name)
{
	struct thag_profile *profile = calloc(1, sizeof(*profile));
	int ret;

	if (!profile)
		return -ENOMEM;
	profile->derived = true;
	profile->names = base->names;
	profile->files = base->files;
	profile->functions = base->functions;
	profile->function_capacity = base->function_capacity;
	profile->hists = base->hists;
	profile->ns_per_tick = base->ns_per_tick;
	profile->keeps_paths = base->keeps_paths;
	ret = base->heap ? derive_heap(profile, base->heap) : 0;
	if (!ret)
		ret = thag_profile_reserve_derived(profile, 1);
	if (ret) {
		thag_profile_destroy(profile);
		return ret;
	}
	thag_profile_add_node(profile, UINT32_MAX, root_name);
	*out = profile;
	return 0;
}

/** Makes the arrays of memory as long as those of nodes became; what is new is zero. */
static int grow_heap(struct thag_profile_heap *heap, uint32_t before, uint32_t capacity)
{
	void *grown = reallocarray(heap->nodes, capacity, sizeof(*heap->nodes));

	if (!grown)
		return -ENOMEM;
	heap->nodes = grown;
	grown = reallocarray(heap->lifetimes, capacity, sizeof(*heap->lifetimes));
	if (!grown)
		return -ENOMEM;
	heap->lifetimes = grown;
	for (uint32_t i = before; i < capacity; i++) {
		heap->nodes[i] = (struct thag_frame_heap){ 0 };
		heap->lifetimes[i] = THAG_HIST_NONE;
	}
	return 0;
}

int thag_profile_reserve_derived(struct thag_profile *profile, uint32_t count)
{
	uint32_t before = profile->capacity;
	int ret = thag_profile_reserve(profile, count);

	if (ret || !profile->heap || profile->capacity == before)
		return ret;
	return grow_heap(profile->heap, before, profile->capacity);
}

void thag_profile_add_calls(struct thag_profile *profile, uint32_t node,
			    const struct thag_profile_node *from)
{
	struct thag_profile_node *to = &profile->nodes[node];

	if (from->calls && (to->calls == 0 || from->min_ns < to->min_ns))
		to->min_ns = from->min_ns;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
	to->calls += from->calls;
	to->wait_ns += from->wait_ns;
	to->open_ns += from->open_ns;
	to->flags |= from->flags;
}

int thag_profile_add_own_heap(struct thag_profile *profile, uint32_t node,
			      const struct thag_profile *base, uint32_t from)
{
	struct thag_profile_heap *heap = profile->heap;
	const struct thag_frame_heap *more = &base->heap->nodes[from];
	struct thag_frame_heap *sum = &heap->nodes[node];

	sum->high_bytes += more->high_bytes;
	if (sum->high_bytes > heap->peak_bytes)
		sum->high_bytes = heap->peak_bytes;
	if (more->lifetime_max_ns > sum->lifetime_max_ns)
		sum->lifetime_max_ns = more->lifetime_max_ns;
	return thag_profile_add_hist(&heap->hists, &heap->lifetimes[node], &base->heap->hists,
				     base->heap->lifetimes[from]);
}
