/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What there is to draw of a program's spans, said as simply as can be: see thag_slices.h. */
#ifndef NAIVE_SLICES_H
#define NAIVE_SLICES_H

#include "chunk_program.h"
#include "thag_slices.h"

#define NAIVE_SLICES_MAX 200000

static struct thag_slice naive[NAIVE_SLICES_MAX];
static uint32_t naive_count;

static inline int compare_spans(const void *a, const void *b)
{
	const struct program_span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static inline uint64_t naive_upper_bits(uint64_t ticks)
{
	uint64_t unit = 1;

	while (ticks / unit >= 16)
		unit *= 2;
	return ticks / unit * unit;
}

/* All narrow spans from `first` on that begin in the same column as one; returns where they end. */
static inline uint32_t naive_column(const struct program_span *spans, uint32_t first,
				    uint32_t count, uint64_t width, struct thag_slice *slice)
{
	uint64_t column = spans[first].start / width;
	uint32_t i = first;

	*slice = (struct thag_slice){ .flags = THAG_SLICE_MERGED,
				      .start = column * width,
				      .end = (column + 1) * width };
	for (; i < count && spans[i].start / width == column && !spans[i].open &&
	       spans[i].end - spans[i].start < width;
	     i++) {
		uint64_t ticks = spans[i].end - spans[i].start;

		if (slice->count == 0 || naive_upper_bits(ticks) > slice->longest) {
			slice->longest = naive_upper_bits(ticks);
			slice->site = spans[i].site;
		}
		slice->count++;
		slice->covered += ticks;
	}
	return i;
}

/* Sets `naive` to the slices of a row, from spans in the order of time. */
static inline void naive_row(const struct program_span *spans, uint32_t count, uint32_t shift)
{
	naive_count = 0;
	for (uint32_t i = 0; i < count;) {
		struct thag_slice *slice = &naive[naive_count++];
		uint32_t next = naive_column(spans, i, count, UINT64_C(1) << shift, slice);

		cr_assert_lt(naive_count, NAIVE_SLICES_MAX);
		if (slice->count < 2) {
			uint64_t ticks = spans[i].end - spans[i].start;

			*slice = (struct thag_slice){ .start = spans[i].start,
						      .end = spans[i].end,
						      .covered = ticks,
						      .longest = ticks,
						      .site = spans[i].site,
						      .count = 1 };
			next = i + 1;
		}
		i = next;
	}
}

/* The spans of a row, in the order of time, in memory that is the next call's. */
static inline const struct program_span *row_spans(uint32_t ring, uint32_t lane, uint32_t row,
						   uint32_t *count)
{
	static struct program_span spans[PROGRAM_SPANS_MAX];

	*count = 0;
	for (uint32_t i = 0; i < program.span_count; i++)
		if (program.spans[i].ring == ring && program.spans[i].lane == lane &&
		    program.spans[i].row == row)
			spans[(*count)++] = program.spans[i];
	qsort(spans, *count, sizeof(spans[0]), compare_spans);
	return spans;
}

static inline void check_slice(const struct thag_slice *slice, const struct thag_slice *expected,
			       unsigned round, uint32_t row, uint32_t index)
{
	cr_assert_eq(slice->start, expected->start, "start, round %u, row %u, %u: %lu, not %lu",
		     round, row, index, slice->start, expected->start);
	cr_assert_eq(slice->end, expected->end, "end, round %u, row %u, %u: %lu, not %lu", round,
		     row, index, slice->end, expected->end);
	cr_assert_eq(slice->count, expected->count, "count, round %u, row %u, %u", round, row,
		     index);
	cr_assert_eq(slice->covered, expected->covered, "covered, round %u, row %u, %u", round, row,
		     index);
	cr_assert_eq(slice->longest, expected->longest, "longest, round %u, row %u, %u", round, row,
		     index);
	cr_assert_eq(slice->site, expected->site, "site, round %u, row %u, %u", round, row, index);
	cr_assert_eq(slice->flags & THAG_SLICE_MERGED, expected->flags & THAG_SLICE_MERGED);
}

#endif
