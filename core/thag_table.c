/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_profile.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_framing.h"
#include "thag_functions.h"
#include "thag_profile_private.h"

/** A function on its way to its row. */
struct listed {
	struct thag_function_sum sum;
	struct thag_quantiles quantiles;
	uint32_t rank;
	double key; /* what it is sorted by, largest first */
	bool matched;
};

/** Memory of the functions; all NULL for a profile of time. */
struct heaps {
	struct thag_frame_heap *list; /* by name */
	bool *outermost;	      /* by node */
	uint32_t *first;	      /* by name: a node, 0 for none; the next ones by node */
	uint32_t *next;
};

static void heaps_fini(struct heaps *heaps)
{
	free(heaps->list);
	free(heaps->outermost);
	free(heaps->first);
	free(heaps->next);
}

static int heaps_init(struct heaps *heaps, const struct thag_profile *profile)
{
	*heaps = (struct heaps){ 0 };
	if (!profile->heap)
		return 0;
	heaps->outermost = calloc(profile->count, sizeof(*heaps->outermost));
	heaps->first = calloc(profile->names.count, sizeof(*heaps->first));
	heaps->next = calloc(profile->count, sizeof(*heaps->next));
	return heaps->outermost && heaps->first && heaps->next ? 0 : -ENOMEM;
}

/** Sums memory up by function, and lists each function's nodes. 0 or -ENOMEM. */
static int sum_heaps(struct heaps *heaps, const struct thag_profile *profile)
{
	if (!profile->heap)
		return 0;
	for (uint32_t i = 1; i < profile->count; i++) {
		uint32_t name = profile->nodes[i].name;

		heaps->next[i] = heaps->first[name];
		heaps->first[name] = i;
	}
	heaps->list = thag_functions_heaps(profile, heaps->outermost);
	return heaps->list ? 0 : -ENOMEM;
}

static double sort_key(const struct listed *function, enum thag_table_sort sort)
{
	const struct thag_function_sum *sum = &function->sum;

	switch (sort) {
	case THAG_SORT_SELF:
		return (double)sum->self_ns;
	case THAG_SORT_TOTAL:
		return (double)sum->total_ns;
	case THAG_SORT_CALLS:
		return (double)sum->calls;
	case THAG_SORT_MEAN:
		return thag_functions_mean(sum);
	case THAG_SORT_P50:
		return (double)function->quantiles.p50_ns;
	case THAG_SORT_P99:
		return (double)function->quantiles.p99_ns;
	case THAG_SORT_MAX:
		return (double)sum->max_ns;
	case THAG_SORT_NAME:
		break;
	}
	return 0;
}

static int compare_listed(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

/** Of a range of time: a function that is in the tree because of what was before it. */
static bool is_nothing(const struct thag_function_sum *sum)
{
	return sum->calls == 0 && sum->total_ns == 0 && sum->open_ns == 0;
}

/** Lists the functions that are to be sent, and returns how many they are. */
static uint32_t choose(const struct thag_framing *framing, const struct thag_function_sum *sums,
		       bool searching, struct listed *list, struct thag_frame_table *facts)
{
	const struct thag_profile *profile = framing->profile;
	uint32_t chosen = 0;

	for (uint32_t i = 0; i < profile->names.count; i++) {
		bool matched = framing->matches[i];

		if (sums[i].nodes == 0 || (!profile->heap && is_nothing(&sums[i])))
			continue;
		facts->functions++;
		facts->matched += matched;
		if (matched || !searching)
			list[chosen++] = (struct listed){ .sum = sums[i],
							  .quantiles = thag_functions_quantiles(
								  profile, &sums[i]),
							  .rank = profile->functions[i].rank,
							  .matched = matched };
	}
	return chosen;
}

static int send_row(struct thag_framing *framing, const struct listed *function)
{
	const struct thag_function_sum *sum = &function->sum;
	const struct thag_function *known = &framing->profile->functions[sum->name];
	/* a function that has a name with tasks in common is what its row tells of */
	uint32_t task = sum->tasks == sum->nodes ? THAG_FRAME_NODE_TASK : 0;
	struct thag_frame_row row = {
		.calls = sum->calls,
		.self_ns = sum->self_ns,
		.total_ns = sum->total_ns,
		.min_ns = sum->min_ns,
		.max_ns = sum->max_ns,
		.p50_ns = function->quantiles.p50_ns,
		.p99_ns = function->quantiles.p99_ns,
		.wait_ns = sum->wait_ns,
		.open_ns = sum->open_ns,
		.line = known->line,
		.function = known->hash,
		.flags = sum->flags | task | (function->matched ? THAG_FRAME_NODE_MATCHED : 0u),
	};
	int ret = thag_framing_put_name(framing, sum->name, &row.name_offset, &row.name_bytes);

	if (!ret)
		ret = thag_framing_put_file(framing, known->file, &row.file_offset,
					    &row.file_bytes);
	return ret ? ret : thag_buffer_append(framing->out, &row, sizeof(row));
}

static int send_heap(struct thag_framing *framing, uint32_t name, const struct heaps *heaps)
{
	const struct thag_profile_heap *heap = framing->profile->heap;
	struct thag_frame_heap sent = heaps->list[name];
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	for (uint32_t i = heaps->first[name]; i; i = heaps->next[i])
		thag_hist_sum(&heap->hists, heap->lifetimes[i], counts);
	thag_heap_set_lifetimes(framing->profile, counts, &sent);
	return thag_buffer_append(framing->out, &sent, sizeof(sent));
}

static int write_rows(struct thag_framing *framing, struct listed *list, uint32_t chosen,
		      const struct heaps *heaps, enum thag_table_sort sort)
{
	uint32_t count = chosen < THAG_FRAME_ROWS_MAX ? chosen : THAG_FRAME_ROWS_MAX;
	int ret = 0;

	for (uint32_t i = 0; i < chosen; i++)
		list[i].key = sort_key(&list[i], sort);
	qsort(list, chosen, sizeof(*list), compare_listed);
	for (uint32_t i = 0; i < count && !ret; i++)
		ret = send_row(framing, &list[i]);
	for (uint32_t i = 0; heaps->list && i < count && !ret; i++)
		ret = send_heap(framing, list[i].sum.name, heaps);
	return ret;
}

static int write_table(struct thag_framing *framing, enum thag_table_sort sort, bool searching,
		       uint32_t *count)
{
	const struct thag_profile *profile = framing->profile;
	struct thag_frame_table facts = { .root_total_ns = profile->nodes[0].total_ns };
	struct listed *list = calloc(profile->names.count, sizeof(*list));
	struct thag_function_sum *sums = NULL;
	struct heaps heaps;
	int ret = heaps_init(&heaps, profile);

	if (!ret)
		sums = thag_functions_sum(profile, heaps.outermost);
	if (!ret)
		ret = list && sums ? sum_heaps(&heaps, profile) : -ENOMEM;
	if (!ret) {
		*count = choose(framing, sums, searching, list, &facts);
		ret = thag_buffer_append(framing->out, &facts, sizeof(facts));
	}
	if (!ret)
		ret = write_rows(framing, list, *count, &heaps, sort);
	if (*count > THAG_FRAME_ROWS_MAX)
		*count = THAG_FRAME_ROWS_MAX;
	heaps_fini(&heaps);
	free(sums);
	free(list);
	return ret;
}

int thag_table_write(const struct thag_profile *profile, enum thag_table_sort sort,
		     const char *search, const struct thag_frame_facts *facts,
		     struct thag_buffer *out)
{
	struct thag_framing framing;
	uint32_t count = 0;
	int ret = thag_framing_begin(&framing, profile, THAG_FRAME_TABLE, search, facts, out);

	if (!ret)
		ret = write_table(&framing, sort, search && search[0], &count);
	return thag_framing_end(&framing, count, ret);
}
