/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_slices.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_slices_visit.h"

#define FIRST_SLICES 16
#define EDGES ((uint32_t)(THAG_SLICE_BEFORE | THAG_SLICE_AFTER))

uint32_t thag_slices_shift(uint64_t ticks, uint32_t columns)
{
	uint32_t shift = 0;

	while (shift < 62 && (ticks >> shift) > columns)
		shift++;
	return shift;
}

/* The upper 4 bits: what decides which call is the longest is known of merged ones, too. */
static uint64_t upper_bits(uint64_t ticks)
{
	uint32_t shift = ticks < 16 ? 0 : 60u - (uint32_t)__builtin_clzll(ticks);

	return ticks >> shift << shift;
}

static bool is_mergeable(const struct thag_slice *slice, const struct thag_slice_grid *grid)
{
	uint64_t ticks = slice->end - slice->start, column = UINT64_C(1) << grid->shift;

	if (slice->flags & THAG_SLICE_MERGED)
		return ticks <= column;
	return ticks < column && !(slice->flags & EDGES);
}

/* As one that stands for its column. */
static void make_merged(struct thag_slice *slice, const struct thag_slice_grid *grid)
{
	uint64_t column = slice->start >> grid->shift;

	slice->start = column << grid->shift;
	slice->end = (column + 1) << grid->shift;
	slice->longest = upper_bits(slice->longest);
	slice->flags = (slice->flags & THAG_SLICE_SECTION) | THAG_SLICE_MERGED;
}

/* Both begin in the same column. */
static void merge(struct thag_slice *into, const struct thag_slice *slice,
		  const struct thag_slice_grid *grid)
{
	uint64_t longest = upper_bits(slice->longest);
	uint64_t count = (uint64_t)into->count + slice->count;

	make_merged(into, grid);
	if (longest > into->longest) {
		into->longest = longest;
		into->site = slice->site;
		into->flags = (slice->flags & THAG_SLICE_SECTION) | THAG_SLICE_MERGED;
	}
	into->covered += slice->covered;
	into->count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

static int append(struct thag_slice_row *row, const struct thag_slice *slice)
{
	uint32_t capacity = row->capacity ? row->capacity * 2 : FIRST_SLICES;
	struct thag_slice *grown;

	if (row->count == row->capacity) {
		grown = reallocarray(row->slices, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		row->slices = grown;
		row->capacity = capacity;
	}
	row->slices[row->count++] = *slice;
	return 0;
}

/* Puts a slice behind the others that has no other part to be joined with. */
static int settle(struct thag_slice_row *row, const struct thag_slice_grid *grid,
		  struct thag_slice *slice)
{
	struct thag_slice *last = row->count ? &row->slices[row->count - 1] : NULL;

	if (!is_mergeable(slice, grid))
		return append(row, slice);
	if (last && is_mergeable(last, grid) &&
	    last->start >> grid->shift == slice->start >> grid->shift) {
		merge(last, slice, grid);
		return 0;
	}
	if (slice->flags & THAG_SLICE_MERGED)
		make_merged(slice, grid);
	return append(row, slice);
}

/* The last one goes on nowhere after all. */
static int settle_last(struct thag_slice_row *row, const struct thag_slice_grid *grid)
{
	struct thag_slice last = row->slices[--row->count];

	last.flags &= ~(uint32_t)THAG_SLICE_AFTER;
	return settle(row, grid, &last);
}

/* Whether `slice` is what the last one goes on as. */
static bool goes_on(const struct thag_slice *last, const struct thag_slice *slice)
{
	return slice->flags & THAG_SLICE_BEFORE && last->end == slice->start &&
	       last->site == slice->site;
}

int thag_slice_row_push(struct thag_slice_row *row, const struct thag_slice_grid *grid,
			struct thag_slice slice)
{
	const struct thag_slice *last = row->count ? &row->slices[row->count - 1] : NULL;
	int error = 0;

	if (last && last->flags & THAG_SLICE_AFTER && goes_on(last, &slice)) {
		uint32_t flags = last->flags & ~(uint32_t)THAG_SLICE_AFTER;

		slice.start = last->start;
		slice.covered = slice.longest = slice.end - slice.start;
		slice.flags = (slice.flags & ~(uint32_t)THAG_SLICE_BEFORE) | flags;
		row->count--;
	} else {
		if (last && last->flags & THAG_SLICE_AFTER)
			error = settle_last(row, grid);
		if (row->count || slice.start != grid->from)
			slice.flags &= ~(uint32_t)THAG_SLICE_BEFORE;
		/* only frames that nobody saw opening can be where others were */
		if (slice.start < row->end && !(slice.flags & THAG_SLICE_MERGED)) {
			slice.start = row->end < slice.end ? row->end : slice.end;
			slice.covered = slice.longest = slice.end - slice.start;
		}
	}
	if (!(slice.flags & THAG_SLICE_MERGED))
		row->end = slice.end;
	return error ? error : settle(row, grid, &slice);
}

int thag_slice_row_end(struct thag_slice_row *row, const struct thag_slice_grid *grid, uint64_t to)
{
	const struct thag_slice *last = row->count ? &row->slices[row->count - 1] : NULL;

	if (last && last->flags & THAG_SLICE_AFTER && last->end != to)
		return settle_last(row, grid);
	return 0;
}

int thag_slices_init(struct thag_slices *slices, uint64_t from, uint64_t to)
{
	*slices = (struct thag_slices){ 0 };
	for (uint32_t i = 0; i < THAG_LANE_KINDS; i++) {
		slices->rows[i] = calloc(THAG_CHUNK_ROWS_MAX, sizeof(*slices->rows[i]));
		if (!slices->rows[i]) {
			thag_slices_fini(slices);
			return -ENOMEM;
		}
	}
	thag_slices_clear(slices, from, to);
	return 0;
}

void thag_slices_clear(struct thag_slices *slices, uint64_t from, uint64_t to)
{
	slices->grid.from = from;
	slices->grid.shift = thag_slices_shift(to - from, THAG_SLICES_COLUMNS);
	for (uint32_t lane = 0; lane < THAG_LANE_KINDS; lane++) {
		for (uint32_t i = 0; i < slices->row_count[lane]; i++) {
			slices->rows[lane][i].count = 0;
			slices->rows[lane][i].end = 0;
		}
		slices->row_count[lane] = 0;
		slices->first_row[lane] = 0;
		slices->row_limit[lane] = THAG_CHUNK_ROWS_MAX;
	}
	slices->error = 0;
}

void thag_slices_fini(struct thag_slices *slices)
{
	for (uint32_t lane = 0; lane < THAG_LANE_KINDS; lane++) {
		/* also what was used before the rows were cleared */
		for (uint32_t i = 0; slices->rows[lane] && i < THAG_CHUNK_ROWS_MAX; i++)
			free(slices->rows[lane][i].slices);
		free(slices->rows[lane]);
	}
	*slices = (struct thag_slices){ 0 };
}

int thag_slices_end(struct thag_slices *slices, uint64_t to)
{
	for (uint32_t lane = 0; lane < THAG_LANE_KINDS; lane++)
		for (uint32_t i = 0; i < slices->row_count[lane]; i++)
			if (thag_slice_row_end(&slices->rows[lane][i], &slices->grid, to) != 0)
				slices->error = -ENOMEM;
	return slices->error;
}

/*
 * From words.
 */

/* A frame's slice ends at `now`. */
static void add_frame(struct thag_slices *slices, const struct thag_span_stack *stack,
		      uint32_t index, uint64_t now, uint32_t flags)
{
	if (!(stack->frames[index].flags & THAG_SPAN_ENDED))
		thag_slices_closed(slices, stack, index, now, flags);
}

/* What the task that runs did until now, and its frames. */
static void add_task(struct thag_slices *slices, const struct thag_span_stack *task, uint64_t now,
		     uint32_t flags)
{
	for (uint32_t i = task->depth; i > 0; i--)
		add_frame(slices, task, i, now, flags);
	thag_slices_put(slices, THAG_LANE_TASKS, 0, task->since, now, task->site,
			flags | (task->cut ? (uint32_t)THAG_SLICE_BEFORE : 0));
}

void thag_slices_left(struct thag_slices *slices, const struct thag_span *span, uint64_t now)
{
	if (span->stack->task)
		add_task(slices, span->stack, now, THAG_SLICE_WAITS);
}

void thag_slices_finish(struct thag_slices *slices, const struct thag_span *span)
{
	if (span->has_thread && span->stack->task)
		add_task(slices, span->stack, span->ticks, THAG_SLICE_AFTER);
	for (uint32_t i = span->has_thread ? span->own.depth : 0; i > 0; i--)
		add_frame(slices, &span->own, i, span->ticks, THAG_SLICE_AFTER);
	if (slices->error == 0)
		slices->error = span->error;
	thag_slices_end(slices, span->ticks);
}

static void closed(void *context, struct thag_span *span, struct thag_span_stack *stack,
		   uint32_t index, enum thag_span_end how, uint64_t now)
{
	(void)span;
	if (!stack->task || !stack->is_paused)
		thag_slices_closed(context, stack, index, now, thag_slices_end_flags(how));
}

static void left(void *context, struct thag_span *span, uint64_t now)
{
	thag_slices_left(context, span, now);
}

int thag_slices_add_until(struct thag_slices *slices, const struct thag_chunk_raw *raw,
			  uint64_t until)
{
	static const struct thag_span_visitor visitor = { .closed = closed, .left = left };
	struct thag_span span;

	if (thag_span_begin(&span, raw, &visitor, slices) == 0)
		thag_span_run(&span, &visitor, until);
	thag_slices_finish(slices, &span);
	thag_span_fini(&span);
	return slices->error;
}

int thag_slices_add(struct thag_slices *slices, const struct thag_chunk_raw *raw)
{
	return thag_slices_add_until(slices, raw, UINT64_MAX);
}
