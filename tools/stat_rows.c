/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stat_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag_text.h"

static const char *const words[THAG_STAT_SORTS] = {
	[THAG_STAT_SELF] = "self",
	[THAG_STAT_TOTAL] = "total",
	[THAG_STAT_CALLS] = "calls",
	[THAG_STAT_MEAN] = "mean",
	[THAG_STAT_MIN] = "min",
	[THAG_STAT_P50] = "p50",
	[THAG_STAT_P90] = "p90",
	[THAG_STAT_P99] = "p99",
	[THAG_STAT_MAX] = "max",
	[THAG_STAT_NAME] = "name",
	[THAG_STAT_ALLOCATED] = "allocated",
	[THAG_STAT_ALLOCATIONS] = "allocations",
	[THAG_STAT_LIVE] = "live",
	[THAG_STAT_PEAK] = "peak",
	[THAG_STAT_LEAKED] = "leaked",
	[THAG_STAT_TEMPORARY] = "temporary",
};

/** Memory by what parts rows: the hash of a function's name, or a node's id. */
struct part {
	uint64_t id;
	uint32_t name;
	uint32_t node;
	struct thag_frame_heap heap;
	bool taken;
};

struct making {
	const struct thag_stat_query *query;
	struct thag_stat_rows *rows;
	struct part *parts; /* by id */
	uint32_t part_count;
};

const char *thag_stat_sort_word(uint32_t sort)
{
	return sort < THAG_STAT_SORTS ? words[sort] : NULL;
}

static uint64_t function_id(const struct thag_profile *profile, uint32_t name)
{
	size_t bytes;
	const char *text = thag_profile_name(profile, name, &bytes);

	return thag_profile_function_id(text, bytes);
}

uint64_t thag_stat_row_id(const struct thag_stat_row *row)
{
	uint32_t count;

	return row->node ? thag_profile_nodes(row->profile, &count)[row->node].id
			 : function_id(row->profile, row->name);
}

/* What another tool has to read is no longer than in other exports. */
static int append_name(const struct thag_profile *profile, uint32_t name, struct thag_buffer *out)
{
	size_t bytes;
	const char *text = thag_profile_name(profile, name, &bytes);

	return bytes > THAG_FRAME_NAME_MAX
		       ? thag_text_append_utf8(out, text, bytes, THAG_FRAME_NAME_MAX)
		       : thag_buffer_append(out, text, bytes);
}

int thag_stat_row_name(const struct thag_stat_row *row, struct thag_buffer *out)
{
	const struct thag_profile *profile = row->profile;
	uint32_t count, depth = 0;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	uint32_t *path;
	int ret = 0;

	if (!row->node)
		return append_name(profile, row->name, out);
	path = calloc((size_t)nodes[row->node].depth + 1, sizeof(*path));
	if (!path)
		return -ENOMEM;
	for (uint32_t node = row->node; node; node = nodes[node].parent)
		path[depth++] = nodes[node].name;
	while (depth-- > 0 && !ret) {
		ret = append_name(profile, path[depth], out);
		if (!ret && depth)
			ret = thag_buffer_append(out, ";", 1);
	}
	free(path);
	return ret;
}

static int compare_parts(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/** 0 or -ENOMEM. */
static int list_functions_memory(struct making *making)
{
	const struct thag_profile *memory = making->query->memory;
	struct thag_function_sum *sums;
	struct thag_frame_heap *heaps = NULL;
	bool *outermost;
	uint32_t count;

	thag_profile_nodes(memory, &count);
	outermost = calloc(count, sizeof(*outermost));
	sums = outermost ? thag_functions_sum(memory, outermost) : NULL;
	if (sums)
		heaps = thag_functions_heaps(memory, outermost);
	for (uint32_t i = 0; heaps && i < thag_functions_count(memory); i++)
		if (sums[i].nodes)
			making->parts[making->part_count++] = (struct part){
				.id = function_id(memory, i), .name = i, .heap = heaps[i]
			};
	int ret = heaps ? 0 : -ENOMEM;

	free(heaps);
	free(sums);
	free(outermost);
	return ret;
}

static void list_stacks_memory(struct making *making)
{
	const struct thag_profile *memory = making->query->memory;
	const struct thag_frame_heap *heaps = thag_profile_heaps(memory);
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(memory, &count);

	for (uint32_t i = 1; i < count; i++)
		making->parts[making->part_count++] = (struct part){
			.id = nodes[i].id, .name = nodes[i].name, .node = i, .heap = heaps[i]
		};
}

static int list_memory(struct making *making)
{
	uint32_t count;
	int ret = 0;

	if (!making->query->memory || !thag_profile_heaps(making->query->memory))
		return 0;
	thag_profile_nodes(making->query->memory, &count);
	count += thag_functions_count(making->query->memory);
	making->parts = calloc(count, sizeof(*making->parts));
	if (!making->parts)
		return -ENOMEM;
	if (making->query->stacks)
		list_stacks_memory(making);
	else
		ret = list_functions_memory(making);
	qsort(making->parts, making->part_count, sizeof(*making->parts), compare_parts);
	return ret;
}

/** Whether any frame of the row's stack, or its function, is searched for. */
static bool passes(const struct making *making, const struct thag_stat_row *row)
{
	const struct thag_profile *profile = row->profile;
	uint32_t node = row->node, count, name = row->name;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	if (!making->query->search)
		return true;
	for (;;) {
		size_t bytes;
		const char *text = thag_profile_name(profile, name, &bytes);

		if (thag_search_finds(making->query->search, text, bytes))
			return true;
		node = node ? nodes[node].parent : 0;
		if (!node)
			return false;
		name = nodes[node].name;
	}
}

static double key_of(const struct thag_stat_row *row, enum thag_stat_sort sort)
{
	const double keys[THAG_STAT_SORTS] = {
		[THAG_STAT_SELF] = (double)row->self,
		[THAG_STAT_TOTAL] = (double)row->total,
		[THAG_STAT_CALLS] = (double)row->calls,
		[THAG_STAT_MEAN] = row->mean,
		[THAG_STAT_MIN] = (double)row->min,
		[THAG_STAT_P50] = (double)row->quantiles.p50_ns,
		[THAG_STAT_P90] = (double)row->quantiles.p90_ns,
		[THAG_STAT_P99] = (double)row->quantiles.p99_ns,
		[THAG_STAT_MAX] = (double)row->max,
		[THAG_STAT_ALLOCATED] = (double)row->heap.allocated_bytes,
		[THAG_STAT_ALLOCATIONS] = (double)row->heap.allocations,
		[THAG_STAT_LIVE] = (double)row->heap.live_bytes,
		[THAG_STAT_PEAK] = (double)row->heap.peak_bytes,
		[THAG_STAT_LEAKED] = (double)row->heap.leaked_bytes,
		[THAG_STAT_TEMPORARY] = (double)row->heap.temporary,
	};

	return keys[sort];
}

/** Adds a row, with its memory. */
static void put_row(struct making *making, struct thag_stat_row *row, uint64_t id)
{
	const struct part key = { .id = id };
	struct part *part = making->parts ? bsearch(&key, making->parts, making->part_count,
						    sizeof(*making->parts), compare_parts)
					  : NULL;

	if (part) {
		part->taken = true;
		row->heap = part->heap;
	}
	row->key = key_of(row, making->query->sort);
	making->rows->all++;
	if (passes(making, row))
		making->rows->list[making->rows->count++] = *row;
}

static int put_functions(struct making *making)
{
	const struct thag_profile *profile = making->query->profile;
	struct thag_function_sum *sums = thag_functions_sum(profile, NULL);

	if (!sums)
		return -ENOMEM;
	for (uint32_t i = 0; i < thag_functions_count(profile); i++) {
		const struct thag_function_sum *sum = &sums[i];
		struct thag_stat_row row = { .profile = profile,
					     .name = i,
					     .calls = sum->calls,
					     .self = sum->self_ns,
					     .total = sum->total_ns,
					     .min = sum->min_ns,
					     .max = sum->max_ns };

		if (sum->nodes == 0 || (sum->calls == 0 && sum->total_ns == 0))
			continue;
		row.mean = thag_functions_mean(sum);
		row.quantiles = thag_functions_quantiles(profile, sum);
		put_row(making, &row, function_id(profile, i));
	}
	free(sums);
	return 0;
}

static void put_stacks(struct making *making)
{
	const struct thag_profile *profile = making->query->profile;
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	for (uint32_t i = 1; i < count; i++) {
		const struct thag_profile_node *node = &nodes[i];
		struct thag_stat_row row = { .profile = profile,
					     .name = node->name,
					     .node = i,
					     .calls = node->calls,
					     .self = node->self_ns,
					     .total = node->total_ns,
					     .min = node->min_ns,
					     .max = node->max_ns };

		if (node->calls == 0 && node->total_ns == 0)
			continue;
		if (node->calls)
			row.mean = (double)(node->total_ns - node->open_ns) / (double)node->calls;
		row.quantiles = thag_paths_quantiles(profile, i);
		put_row(making, &row, node->id);
	}
}

/** What has memory, but no time: what allocates outside of profiled calls. */
static void put_rest(struct making *making)
{
	for (uint32_t i = 0; i < making->part_count; i++) {
		const struct part *part = &making->parts[i];
		struct thag_stat_row row = { .profile = making->query->memory,
					     .name = part->name,
					     .node = part->node };

		if (!part->taken && (part->heap.allocations || part->heap.released))
			put_row(making, &row, part->id);
	}
}

static int compare_names(const struct thag_stat_row *x, const struct thag_stat_row *y)
{
	size_t x_bytes, y_bytes;
	const char *a = thag_profile_name(x->profile, x->name, &x_bytes);
	const char *b = thag_profile_name(y->profile, y->name, &y_bytes);
	int order = memcmp(a, b, x_bytes < y_bytes ? x_bytes : y_bytes);

	if (order)
		return order;
	if (x_bytes != y_bytes)
		return x_bytes > y_bytes ? 1 : -1;
	return (x->node > y->node) - (x->node < y->node);
}

static int compare_rows(const void *a, const void *b)
{
	const struct thag_stat_row *x = a, *y = b;

	return x->key != y->key ? (x->key > y->key ? -1 : 1) : compare_names(x, y);
}

static int make_rows(struct making *making)
{
	const struct thag_stat_query *query = making->query;
	int ret = list_memory(making);
	uint32_t most;

	thag_profile_nodes(query->profile, &most);
	if (!query->stacks)
		most = thag_functions_count(query->profile);
	making->rows->list = calloc((size_t)most + making->part_count, sizeof(*making->rows->list));
	if (ret || !making->rows->list)
		return -ENOMEM;
	if (query->stacks)
		put_stacks(making);
	else
		ret = put_functions(making);
	put_rest(making);
	qsort(making->rows->list, making->rows->count, sizeof(*making->rows->list), compare_rows);
	return ret;
}

static void sum_up(struct thag_stat_rows *rows, const struct thag_profile *profile)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	for (uint32_t i = 1; i < count; i++) {
		rows->sum += nodes[i].self_ns;
		rows->calls += nodes[i].calls;
	}
}

int thag_stat_rows_make(struct thag_stat_rows *rows, const struct thag_stat_query *query)
{
	struct making making = { .query = query, .rows = rows };
	int ret;

	*rows = (struct thag_stat_rows){ 0 };
	ret = make_rows(&making);
	free(making.parts);
	if (ret) {
		thag_stat_rows_fini(rows);
		return ret;
	}
	sum_up(rows, query->profile);
	return 0;
}

void thag_stat_rows_fini(struct thag_stat_rows *rows)
{
	free(rows->list);
	*rows = (struct thag_stat_rows){ 0 };
}
