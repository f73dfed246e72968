/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The answers of a timeline's views: no more slices than are wanted, and in bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_varint.h"
#include "thag_view_private.h"

#define SHARES 8 /* of columns: what is covered by less of one is taken for alike */
#define SHIFT_MAX 62

/*
 * As few slices as are wanted.
 */

/* Of a MERGED slice, how much of its columns is covered. */
static uint64_t share_of(const struct thag_slice *slice, uint32_t shares)
{
	uint64_t share = (uint64_t)((unsigned __int128)slice->covered * shares /
				    (slice->end - slice->start));

	return share < shares ? share : shares;
}

/* Whether two slices that follow each other look alike. */
static bool are_alike(const struct thag_slice *a, const struct thag_slice *b)
{
	return a->flags & b->flags & THAG_SLICE_MERGED && a->site == b->site &&
	       a->flags == b->flags && a->end == b->start &&
	       share_of(a, SHARES) == share_of(b, SHARES);
}

/* MERGED slices of columns that follow each other and look alike become one. */
static void join_alike(struct thag_slice_row *row)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < row->count; i++) {
		struct thag_slice *last = kept ? &row->slices[kept - 1] : NULL;
		const struct thag_slice *slice = &row->slices[i];
		uint64_t count;

		if (!last || !are_alike(last, slice)) {
			row->slices[kept++] = *slice;
			continue;
		}
		count = (uint64_t)last->count + slice->count;
		last->end = slice->end;
		last->covered += slice->covered;
		last->count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
		if (slice->longest > last->longest)
			last->longest = slice->longest;
	}
	row->count = kept;
}

/* Slices of a row as coarser columns have them. */
static int coarsen(struct thag_view_state *state, struct thag_slice_row *row, uint32_t shift)
{
	struct thag_slice_grid grid = { .from = row->slices[0].start, .shift = shift };
	struct thag_slice_row coarse = state->spare;
	int error = 0;

	coarse.count = 0;
	coarse.end = 0;
	for (uint32_t i = 0; i < row->count && error == 0; i++)
		error = thag_slice_row_merge(&coarse, &grid, &row->slices[i]);
	state->spare = *row;
	*row = coarse;
	join_alike(row);
	return error;
}

/* How many slices a row may have, so that all rows together have no more than `wanted`. */
static uint32_t share_slices(const struct thag_slice_row *rows, uint32_t count, uint32_t wanted)
{
	uint32_t share = 0, last = UINT32_MAX;

	while (share != last) {
		uint64_t small = 0, large = 0;

		last = share;
		for (uint32_t i = 0; i < count; i++) {
			small += rows[i].count <= share ? rows[i].count : 0;
			large += rows[i].count > share;
		}
		if (large && wanted > small && (wanted - small) / large > share)
			share = (uint32_t)((wanted - small) / large);
	}
	return share > 2 ? share : 2;
}

void thag_view_keep_full(struct thag_view *view, uint32_t count, uint32_t wanted)
{
	struct thag_slice_row *rows = view->state->rows;
	uint32_t share;

	for (uint32_t i = 0; i < count; i++)
		join_alike(&rows[i]);
	share = share_slices(rows, count, wanted);
	for (uint32_t i = 0; i < count; i++) {
		if (rows[i].count > share)
			continue;
		rows[i].count = 0;
		rows[i].end = 0;
		view->state->shifts[i] = view->shift;
	}
}

static int limit_rows(struct thag_view *view, uint32_t count, uint32_t wanted)
{
	struct thag_slice_row *rows = view->state->rows;
	uint32_t *shifts = view->state->shifts;
	uint32_t share;

	for (uint32_t i = 0; i < count; i++)
		join_alike(&rows[i]);
	share = share_slices(rows, count, wanted);
	for (uint32_t i = 0; i < count; i++) {
		while (rows[i].count > share && shifts[i] < SHIFT_MAX)
			if (coarsen(view->state, &rows[i], ++shifts[i]) != 0)
				return -ENOMEM;
		view->flags |= shifts[i] > view->shift ? (uint32_t)THAG_VIEW_COARSE : 0;
	}
	return 0;
}

/*
 * As one answer.
 */
static int reserve(struct thag_view *view, uint32_t slices)
{
	struct thag_slice *grown;
	struct thag_view_row *rows;

	if (view->slice_count + slices > view->slice_capacity) {
		uint32_t capacity = 2 * (view->slice_count + slices);

		grown = reallocarray(view->slices, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		view->slices = grown;
		view->slice_capacity = capacity;
	}
	if (view->row_count == view->row_capacity) {
		uint32_t capacity = view->row_capacity ? 2 * view->row_capacity : 64;

		rows = reallocarray(view->rows, capacity, sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		view->rows = rows;
		view->row_capacity = capacity;
	}
	return 0;
}

/* Cut off at the window's edges; false: it isn't in the window. */
static bool clip(const struct thag_view *view, struct thag_slice *slice)
{
	if (slice->start >= view->to || slice->end < view->from ||
	    (slice->end == view->from && slice->start < slice->end))
		return false;
	if (slice->flags & THAG_SLICE_MERGED)
		return true;
	if (slice->start < view->from) {
		slice->start = view->from;
		slice->flags |= THAG_SLICE_BEFORE;
	}
	if (slice->end > view->to) {
		slice->end = view->to;
		slice->flags |= THAG_SLICE_AFTER;
	}
	slice->covered = slice->end - slice->start;
	return true;
}

static int add_row(struct thag_view *view, const struct thag_slice_row *row,
		   struct thag_view_row to)
{
	if (reserve(view, row->count) != 0)
		return -ENOMEM;
	to.first = view->slice_count;
	for (uint32_t i = 0; i < row->count; i++) {
		view->slices[view->slice_count] = row->slices[i];
		view->slice_count += clip(view, &view->slices[view->slice_count]);
	}
	to.count = view->slice_count - to.first;
	if (to.count)
		view->rows[view->row_count++] = to;
	return 0;
}

static int add_rows(struct thag_view *view, const struct thag_view_query *query)
{
	const struct thag_slice_row *row = view->state->rows;
	const uint32_t *shift = view->state->shifts;

	for (uint32_t lane = 0; lane < query->lane_count; lane++)
		for (uint32_t i = 0; i < query->lanes[lane].rows; i++) {
			struct thag_view_row to = { .lane = lane,
						    .row = query->lanes[lane].first_row + i,
						    .shift = *shift++ };

			if (add_row(view, row++, to) != 0)
				return -ENOMEM;
		}
	return 0;
}

int thag_view_finish(struct thag_view *view, const struct thag_view_query *query)
{
	uint32_t count = 0;
	int error = 0;

	for (uint32_t i = 0; i < query->lane_count; i++)
		count += query->lanes[i].rows;
	if (query->slices_max)
		error = limit_rows(view, count, query->slices_max);
	return error ? error : add_rows(view, query);
}

/*
 * As bytes.
 */
#define SLICE_NUMBERS 6

enum { IS_MERGED = 1, OTHER_SITE = 2, HAS_FLAGS = 4, HEAD_BITS = 3 };

/* Where the slice before ended, or of a MERGED one its last column began; and its site. */
struct place {
	uint64_t at;
	uint32_t site;
	uint32_t shift;
};

static uint8_t *put_slice(uint8_t *out, const struct thag_slice *slice, struct place *place)
{
	uint32_t flags = slice->flags & ~(uint32_t)THAG_SLICE_MERGED;
	uint32_t head = (slice->flags & THAG_SLICE_MERGED ? IS_MERGED : 0) |
			(slice->site != place->site ? OTHER_SITE : 0) | (flags ? HAS_FLAGS : 0);
	uint64_t distance = slice->flags & THAG_SLICE_MERGED
				    ? (slice->start >> place->shift) - (place->at >> place->shift)
				    : slice->start - place->at;

	out = thag_varint_put(out, thag_zigzag(distance) << HEAD_BITS | head);
	if (flags)
		out = thag_varint_put(out, flags);
	if (head & OTHER_SITE)
		out = thag_varint_put(out, slice->site);
	place->site = slice->site;
	if (slice->flags & THAG_SLICE_MERGED) {
		out = thag_varint_put(out, (slice->end - slice->start) >> place->shift);
		out = thag_varint_put(out, slice->count);
		*out++ = (uint8_t)share_of(slice, UINT8_MAX);
		place->at = slice->end - (UINT64_C(1) << place->shift);
		return out;
	}
	place->at = slice->end;
	return thag_varint_put(out, slice->end - slice->start);
}

static int put_row(const struct thag_view *view, const struct thag_view_row *row,
		   struct thag_buffer *out)
{
	struct place place = { .at = view->from, .shift = row->shift };
	uint32_t head[5] = { row->lane, row->row, row->shift, row->count };
	size_t begin = out->bytes;
	uint8_t *at;

	if (thag_buffer_reserve(out, sizeof(head) + row->count * (size_t)SLICE_NUMBERS *
							    THAG_VARINT_MAX) != 0)
		return -ENOMEM;
	at = out->data + begin + sizeof(head);
	for (uint32_t i = 0; i < row->count; i++)
		at = put_slice(at, &view->slices[row->first + i], &place);
	out->bytes = (size_t)(at - out->data);
	head[4] = (uint32_t)(out->bytes - begin - sizeof(head));
	memcpy(out->data + begin, head, sizeof(head));
	return 0;
}

int thag_view_write(const struct thag_view *view, struct thag_buffer *out)
{
	uint64_t times[2] = { view->from, view->to };
	uint32_t head[4] = { view->shift, view->flags, view->row_count, 0 };

	if (thag_buffer_append(out, times, sizeof(times)) != 0 ||
	    thag_buffer_append(out, head, sizeof(head)) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < view->row_count; i++)
		if (put_row(view, &view->rows[i], out) != 0)
			return -ENOMEM;
	return 0;
}
