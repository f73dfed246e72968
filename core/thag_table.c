/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_profile.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_framing.h"
#include "thag_profile_private.h"

/** A function over all its places. */
struct sum {
	struct thag_frame_row row; /* its numbers; its strings come when it is sent */
	uint32_t name;
	uint32_t rank;
	uint32_t nodes;
	uint32_t tasks; /* of them, those of tasks */
	uint32_t open;	/* on the path of the walk, so many times */
	double key;	/* what it is sorted by, largest first */
	bool matched;
};

/** Memory of the functions; all NULL for a profile of time. */
struct heaps {
	struct thag_frame_heap *list; /* by name */
	uint32_t *first;	      /* by name: a node, 0 for none; the next ones by node */
	uint32_t *next;
};

static void heaps_fini(struct heaps *heaps)
{
	free(heaps->list);
	free(heaps->first);
	free(heaps->next);
}

static int heaps_init(struct heaps *heaps, const struct thag_profile *profile)
{
	*heaps = (struct heaps){ 0 };
	if (!profile->heap)
		return 0;
	heaps->list = calloc(profile->names.count, sizeof(*heaps->list));
	heaps->first = calloc(profile->names.count, sizeof(*heaps->first));
	heaps->next = calloc(profile->count, sizeof(*heaps->next));
	return heaps->list && heaps->first && heaps->next ? 0 : -ENOMEM;
}

/** Lists each function's nodes, and adds up what is a node's own. */
static void add_own(struct heaps *heaps, const struct thag_profile *profile)
{
	const struct thag_profile_heap *heap = profile->heap;

	for (uint32_t i = 1; heap && i < profile->count; i++) {
		uint32_t name = profile->nodes[i].name;
		struct thag_frame_heap *sum = &heaps->list[name];
		const struct thag_frame_heap *own = &heap->nodes[i];

		heaps->next[i] = heaps->first[name];
		heaps->first[name] = i;
		sum->high_bytes += own->high_bytes;
		if (sum->high_bytes > heap->peak_bytes)
			sum->high_bytes = heap->peak_bytes;
		if (own->lifetime_max_ns > sum->lifetime_max_ns)
			sum->lifetime_max_ns = own->lifetime_max_ns;
	}
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void enter(struct sum *sum, const struct thag_profile_node *node)
{
	struct thag_frame_row *row = &sum->row;

	sum->nodes++;
	row->self_ns += node->self_ns;
	if (sum->open++ == 0) {
		row->total_ns += node->total_ns;
		row->wait_ns += node->wait_ns;
		row->open_ns += node->open_ns;
	}
	if (node->calls)
		row->min_ns = row->calls ? smaller(row->min_ns, node->min_ns) : node->min_ns;
	row->max_ns = larger(row->max_ns, node->max_ns);
	row->calls += node->calls;
	row->flags |= node->flags & ~(uint32_t)THAG_FRAME_NODE_TASK;
	sum->tasks += (node->flags & THAG_FRAME_NODE_TASK) != 0;
}

/** Walks the tree without recursion, leaving nodes as it climbs. The root is no function. */
static void sum_nodes(const struct thag_profile *profile, struct sum *sums, struct heaps *heaps)
{
	const struct thag_profile_node *nodes = profile->nodes;
	uint32_t at = nodes[0].first_child;

	while (at) {
		struct sum *sum = &sums[nodes[at].name];

		enter(sum, &nodes[at]);
		if (heaps->list && sum->open == 1)
			thag_heap_add(&heaps->list[nodes[at].name], &profile->heap->nodes[at]);
		if (nodes[at].first_child) {
			at = nodes[at].first_child;
			continue;
		}
		while (at && !nodes[at].next_sibling) {
			sums[nodes[at].name].open--;
			at = nodes[at].parent;
		}
		if (at) {
			sums[nodes[at].name].open--;
			at = nodes[at].next_sibling;
		}
	}
}

static void set_quantiles(const struct thag_profile *profile, struct sum *sum)
{
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };
	struct thag_frame_row *row = &sum->row;

	thag_hist_sum(&profile->hists, profile->functions[sum->name].hist, counts);
	/* buckets are coarse: no quantile is outside what was really measured */
	row->p50_ns = thag_profile_ns(profile, thag_hist_quantile(counts, 500));
	row->p50_ns = larger(row->min_ns, smaller(row->p50_ns, row->max_ns));
	row->p99_ns = thag_profile_ns(profile, thag_hist_quantile(counts, 990));
	row->p99_ns = larger(row->min_ns, smaller(row->p99_ns, row->max_ns));
}

/** Calls still open have time in the total, but are not among the calls. */
static double mean(const struct thag_frame_row *row)
{
	return row->calls ? (double)(row->total_ns - row->open_ns) / (double)row->calls : 0;
}

static double sort_key(const struct thag_frame_row *row, enum thag_table_sort sort)
{
	switch (sort) {
	case THAG_SORT_SELF:
		return (double)row->self_ns;
	case THAG_SORT_TOTAL:
		return (double)row->total_ns;
	case THAG_SORT_CALLS:
		return (double)row->calls;
	case THAG_SORT_MEAN:
		return mean(row);
	case THAG_SORT_P50:
		return (double)row->p50_ns;
	case THAG_SORT_P99:
		return (double)row->p99_ns;
	case THAG_SORT_MAX:
		return (double)row->max_ns;
	case THAG_SORT_NAME:
		break;
	}
	return 0;
}

static int compare_sums(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

/** Of a range of time: a function that is in the tree because of what was before it. */
static bool is_nothing(const struct sum *sum)
{
	return sum->row.calls == 0 && sum->row.total_ns == 0 && sum->row.open_ns == 0;
}

/** Moves the functions to be listed to the front, and returns how many they are. */
static uint32_t choose(const struct thag_framing *framing, struct sum *sums, bool searching,
		       struct thag_frame_table *facts)
{
	uint32_t names = framing->profile->names.count;
	uint32_t chosen = 0;

	for (uint32_t i = 0; i < names; i++) {
		sums[i].name = i;
		sums[i].rank = framing->profile->functions[i].rank;
		sums[i].matched = framing->matches[i];
		if (sums[i].nodes == 0 || (!framing->profile->heap && is_nothing(&sums[i])))
			continue;
		facts->functions++;
		facts->matched += sums[i].matched;
		if (sums[i].matched || !searching)
			sums[chosen++] = sums[i];
	}
	return chosen;
}

static int send_row(struct thag_framing *framing, struct sum *sum)
{
	const struct thag_function *function = &framing->profile->functions[sum->name];
	struct thag_frame_row *row = &sum->row;
	int ret = thag_framing_put_name(framing, sum->name, &row->name_offset, &row->name_bytes);

	if (!ret)
		ret = thag_framing_put_file(framing, function->file, &row->file_offset,
					    &row->file_bytes);
	row->line = function->line;
	row->function = function->hash;
	row->flags |= sum->matched ? THAG_FRAME_NODE_MATCHED : 0;
	/* a function that has a name with tasks in common is what its row tells of */
	row->flags |= sum->tasks == sum->nodes ? THAG_FRAME_NODE_TASK : 0;
	return ret ? ret : thag_buffer_append(framing->out, row, sizeof(*row));
}

static int send_heap(struct thag_framing *framing, const struct sum *sum, const struct heaps *heaps)
{
	const struct thag_profile_heap *heap = framing->profile->heap;
	struct thag_frame_heap sent = heaps->list[sum->name];
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	for (uint32_t i = heaps->first[sum->name]; i; i = heaps->next[i])
		thag_hist_sum(&heap->hists, heap->lifetimes[i], counts);
	thag_heap_set_lifetimes(framing->profile, counts, &sent);
	return thag_buffer_append(framing->out, &sent, sizeof(sent));
}

static int write_rows(struct thag_framing *framing, struct sum *sums, const struct heaps *heaps,
		      enum thag_table_sort sort, bool searching, uint32_t *count)
{
	struct thag_frame_table facts = { .root_total_ns = framing->profile->nodes[0].total_ns };
	uint32_t chosen = choose(framing, sums, searching, &facts);
	int ret = thag_buffer_append(framing->out, &facts, sizeof(facts));

	for (uint32_t i = 0; i < chosen; i++) {
		set_quantiles(framing->profile, &sums[i]);
		sums[i].key = sort_key(&sums[i].row, sort);
	}
	qsort(sums, chosen, sizeof(*sums), compare_sums);
	*count = chosen < THAG_FRAME_ROWS_MAX ? chosen : THAG_FRAME_ROWS_MAX;
	for (uint32_t i = 0; i < *count && !ret; i++)
		ret = send_row(framing, &sums[i]);
	for (uint32_t i = 0; heaps->list && i < *count && !ret; i++)
		ret = send_heap(framing, &sums[i], heaps);
	return ret;
}

int thag_table_write(const struct thag_profile *profile, enum thag_table_sort sort,
		     const char *search, const struct thag_frame_facts *facts,
		     struct thag_buffer *out)
{
	struct sum *sums = calloc(profile->names.count, sizeof(*sums));
	struct thag_framing framing;
	struct heaps heaps;
	uint32_t count = 0;
	int ret = thag_framing_begin(&framing, profile, THAG_FRAME_TABLE, search, facts, out);

	if (heaps_init(&heaps, profile) != 0 || !sums)
		ret = -ENOMEM;
	if (!ret) {
		add_own(&heaps, profile);
		sum_nodes(profile, sums, &heaps);
		ret = write_rows(&framing, sums, &heaps, sort, search && search[0], &count);
	}
	heaps_fini(&heaps);
	free(sums);
	return thag_framing_end(&framing, count, ret);
}
