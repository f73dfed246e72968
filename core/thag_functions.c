/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_functions.h"

#include <stdlib.h>

#include "thag_profile_private.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint32_t thag_functions_count(const struct thag_profile *profile)
{
	return profile->names.count;
}

/** Returns whether it is the outermost one. */
static bool enter(struct thag_function_sum *sum, const struct thag_profile_node *node)
{
	bool outermost = sum->inside++ == 0;

	sum->nodes++;
	sum->self_ns += node->self_ns;
	if (outermost) {
		sum->total_ns += node->total_ns;
		sum->wait_ns += node->wait_ns;
		sum->open_ns += node->open_ns;
	}
	if (node->calls)
		sum->min_ns = sum->calls ? smaller(sum->min_ns, node->min_ns) : node->min_ns;
	sum->max_ns = larger(sum->max_ns, node->max_ns);
	sum->calls += node->calls;
	sum->flags |= node->flags & ~(uint32_t)THAG_FRAME_NODE_TASK;
	sum->tasks += (node->flags & THAG_FRAME_NODE_TASK) != 0;
	return outermost;
}

/** Walks the tree without recursion, leaving nodes as it climbs. The root is no function. */
static void sum_nodes(const struct thag_profile *profile, struct thag_function_sum *sums,
		      bool *outermost)
{
	const struct thag_profile_node *nodes = profile->nodes;
	uint32_t at = nodes[0].first_child;

	while (at) {
		bool is_outermost = enter(&sums[nodes[at].name], &nodes[at]);

		if (outermost)
			outermost[at] = is_outermost;
		if (nodes[at].first_child) {
			at = nodes[at].first_child;
			continue;
		}
		while (at && !nodes[at].next_sibling) {
			sums[nodes[at].name].inside--;
			at = nodes[at].parent;
		}
		if (at) {
			sums[nodes[at].name].inside--;
			at = nodes[at].next_sibling;
		}
	}
}

struct thag_function_sum *thag_functions_sum(const struct thag_profile *profile, bool *outermost)
{
	struct thag_function_sum *sums = calloc(profile->names.count, sizeof(*sums));

	if (!sums)
		return NULL;
	for (uint32_t i = 0; i < profile->names.count; i++)
		sums[i].name = i;
	sum_nodes(profile, sums, outermost);
	return sums;
}

struct thag_frame_heap *thag_functions_heaps(const struct thag_profile *profile,
					     const bool *outermost)
{
	const struct thag_profile_heap *heap = profile->heap;
	struct thag_frame_heap *heaps = calloc(profile->names.count, sizeof(*heaps));

	for (uint32_t i = 1; heaps && i < profile->count; i++) {
		struct thag_frame_heap *sum = &heaps[profile->nodes[i].name];
		const struct thag_frame_heap *own = &heap->nodes[i];

		if (outermost[i])
			thag_heap_add(sum, own);
		sum->high_bytes = smaller(sum->high_bytes + own->high_bytes, heap->peak_bytes);
		sum->lifetime_max_ns = larger(sum->lifetime_max_ns, own->lifetime_max_ns);
	}
	return heaps;
}

double thag_functions_mean(const struct thag_function_sum *sum)
{
	return sum->calls ? (double)(sum->total_ns - sum->open_ns) / (double)sum->calls : 0;
}

/** Buckets are coarse: no quantile is outside what was really measured. */
static uint64_t quantile(const struct thag_profile *profile, const uint64_t *counts,
			 uint32_t permille, uint64_t min_ns, uint64_t max_ns)
{
	uint64_t ns = thag_profile_ns(profile, thag_hist_quantile(counts, permille));

	return larger(min_ns, smaller(ns, max_ns));
}

static struct thag_quantiles quantiles_of(const struct thag_profile *profile, uint32_t hist,
					  uint64_t min_ns, uint64_t max_ns)
{
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	thag_hist_sum(&profile->hists, hist, counts);
	return (struct thag_quantiles){
		.p50_ns = quantile(profile, counts, 500, min_ns, max_ns),
		.p90_ns = quantile(profile, counts, 900, min_ns, max_ns),
		.p99_ns = quantile(profile, counts, 990, min_ns, max_ns),
	};
}

struct thag_quantiles thag_functions_quantiles(const struct thag_profile *profile,
					       const struct thag_function_sum *sum)
{
	return quantiles_of(profile, profile->functions[sum->name].hist, sum->min_ns, sum->max_ns);
}

struct thag_quantiles thag_paths_quantiles(const struct thag_profile *profile, uint32_t node)
{
	uint32_t hist = profile->path_hists ? profile->path_hists[node] : THAG_HIST_NONE;

	if (hist == THAG_HIST_NONE && profile->nodes[node].calls != 1)
		return (struct thag_quantiles){ 0 };
	return quantiles_of(profile, hist, profile->nodes[node].min_ns,
			    profile->nodes[node].max_ns);
}

uint32_t thag_functions_file(const struct thag_profile *profile, uint32_t name, uint32_t *line)
{
	*line = profile->functions[name].line;
	return profile->functions[name].file;
}
