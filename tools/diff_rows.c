/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "diff_rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/** A row of one side, by what it is known by in both. */
struct known {
	uint64_t id;
	const struct thag_stat_row *row;
	bool taken;
};

struct making {
	const struct thag_diff_query *query;
	struct thag_diff_rows *rows;
	struct thag_stat_rows before, after;
	struct known *known; /* of before, by id */
};

double thag_diff_relative(double before, double after)
{
	if (before == after)
		return 0;
	return before > 0 ? (after - before) / before : INFINITY;
}

static double measure(const struct thag_stat_row *row, enum thag_diff_measure measure)
{
	switch (measure) {
	case THAG_DIFF_TOTAL:
		return (double)row->total;
	case THAG_DIFF_CALLS:
		return (double)row->calls;
	default:
		return (double)row->self;
	}
}

static int compare_known(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int list_known(struct making *making)
{
	making->known = calloc((size_t)making->before.count + 1, sizeof(*making->known));
	if (!making->known)
		return -ENOMEM;
	for (uint32_t i = 0; i < making->before.count; i++)
		making->known[i] = (struct known){ .id = thag_stat_row_id(&making->before.list[i]),
						   .row = &making->before.list[i] };
	qsort(making->known, making->before.count, sizeof(*making->known), compare_known);
	return 0;
}

static double key_of(const struct thag_diff_row *row, enum thag_diff_order order)
{
	switch (order) {
	case THAG_DIFF_BY_CHANGE:
		return fabs(row->after - row->before);
	case THAG_DIFF_BY_RELATIVE:
		return fabs(thag_diff_relative(row->before, row->after));
	case THAG_DIFF_BY_AFTER:
		return row->after;
	case THAG_DIFF_BY_BEFORE:
		return row->before;
	default:
		return 0;
	}
}

static void put_row(struct making *making, const struct thag_stat_row *of, double before,
		    double after)
{
	const struct thag_diff_query *query = making->query;
	struct thag_diff_row row = { .of = *of, .before = before, .after = after };

	if (query->measure != THAG_DIFF_CALLS)
		row.before *= making->rows->scale;
	row.key = key_of(&row, query->order);
	making->rows->changed += row.before != row.after;
	making->rows->list[making->rows->count++] = row;
}

static void join(struct making *making)
{
	enum thag_diff_measure what = making->query->measure;

	for (uint32_t i = 0; i < making->after.count; i++) {
		const struct thag_stat_row *row = &making->after.list[i];
		const struct known key = { .id = thag_stat_row_id(row) };
		struct known *known = bsearch(&key, making->known, making->before.count,
					      sizeof(*making->known), compare_known);

		if (known)
			known->taken = true;
		put_row(making, row, known ? measure(known->row, what) : 0, measure(row, what));
	}
	for (uint32_t i = 0; i < making->before.count; i++)
		if (!making->known[i].taken)
			put_row(making, making->known[i].row, measure(making->known[i].row, what),
				0);
}

static int compare_names(const struct thag_diff_row *x, const struct thag_diff_row *y)
{
	struct thag_buffer a = { 0 }, b = { 0 };
	size_t bytes;
	int order = 0;

	/* without memory they are equal: in no order, but all there */
	if (thag_stat_row_name(&x->of, &a) == 0 && thag_stat_row_name(&y->of, &b) == 0) {
		bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
		order = bytes ? memcmp(a.data, b.data, bytes) : 0;
		order = order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
	}
	thag_buffer_fini(&a);
	thag_buffer_fini(&b);
	return order;
}

static int compare_rows(const void *a, const void *b)
{
	const struct thag_diff_row *x = a, *y = b;

	return x->key != y->key ? (x->key > y->key ? -1 : 1) : compare_names(x, y);
}

static int make_side(const struct thag_diff_query *query, const struct thag_profile *profile,
		     struct thag_stat_rows *rows)
{
	const struct thag_stat_query side = { .profile = profile,
					      .search = query->search,
					      .stacks = query->stacks };

	return thag_stat_rows_make(rows, &side);
}

static void sum_up(struct making *making)
{
	struct thag_diff_rows *rows = making->rows;
	bool calls = making->query->measure == THAG_DIFF_CALLS;
	double before = (double)making->before.sum, after = (double)making->after.sum;

	rows->before_sum = calls ? (double)making->before.calls : before;
	rows->after_sum = calls ? (double)making->after.calls : after;
	rows->scale = making->query->normalise && before > 0 && after > 0 ? after / before : 1;
}

static int make_rows(struct making *making)
{
	const struct thag_diff_query *query = making->query;
	struct thag_diff_rows *rows = making->rows;
	int ret = make_side(query, query->before, &making->before);

	if (!ret)
		ret = make_side(query, query->after, &making->after);
	if (!ret)
		ret = list_known(making);
	if (ret)
		return ret;
	rows->list =
		calloc((size_t)making->before.count + making->after.count + 1, sizeof(*rows->list));
	if (!rows->list)
		return -ENOMEM;
	sum_up(making);
	join(making);
	qsort(rows->list, rows->count, sizeof(*rows->list), compare_rows);
	return 0;
}

int thag_diff_rows_make(struct thag_diff_rows *rows, const struct thag_diff_query *query)
{
	struct making making = { .query = query, .rows = rows };
	int ret;

	*rows = (struct thag_diff_rows){ 0 };
	ret = make_rows(&making);
	thag_stat_rows_fini(&making.before);
	thag_stat_rows_fini(&making.after);
	free(making.known);
	if (ret)
		thag_diff_rows_fini(rows);
	return ret;
}

void thag_diff_rows_fini(struct thag_diff_rows *rows)
{
	free(rows->list);
	*rows = (struct thag_diff_rows){ 0 };
}
