/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a visitor of a chunk's frames (thag_span.h) does to add them to thag_slices. Apart from
 * that, so that several visitors can look at a chunk at once.
 *
 * Thread: owner.
 */
#ifndef THAG_SLICES_VISIT_H
#define THAG_SLICES_VISIT_H

#include <errno.h>

#include "thag_slices.h"
#include "thag_span.h"

/** As the visitor's: what runs is about to be put aside. */
void thag_slices_left(struct thag_slices *slices, const struct thag_span *span, uint64_t now);

/** Behind all others: adds what is open, and ends all rows. */
void thag_slices_finish(struct thag_slices *slices, const struct thag_span *span);

static inline void thag_slices_put(struct thag_slices *slices, uint32_t lane, uint32_t row,
				   uint64_t start, uint64_t end, uint32_t site, uint32_t flags)
{
	row -= slices->first_row[lane];
	if (row >= slices->row_limit[lane])
		return;
	if (__builtin_expect(row >= slices->row_count[lane], 0))
		slices->row_count[lane] = row + 1;
	if (__builtin_expect(thag_slice_row_add(&slices->rows[lane][row], &slices->grid, start, end,
						site, flags) != 0,
			     0))
		slices->error = -ENOMEM;
}

static inline uint32_t thag_slices_end_flags(enum thag_span_end how)
{
	if (__builtin_expect(how == THAG_SPAN_EXITED, 1))
		return 0;
	return how == THAG_SPAN_UNWOUND ? THAG_SLICE_UNWOUND : THAG_SLICE_TRUNCATED;
}

/** A frame ends, or its stack is put aside; not of a task that was put aside before. */
static inline void thag_slices_closed(struct thag_slices *slices,
				      const struct thag_span_stack *stack, uint32_t index,
				      uint64_t now, uint32_t flags)
{
	const struct thag_span_frame *frame = &stack->frames[index];
	uint32_t row = thag_span_index(stack, index) - stack->floor;
	uint64_t start = frame->start;

	if (__builtin_expect(frame->flags & THAG_SPAN_SECTION, 0))
		flags |= THAG_SLICE_SECTION;
	if (__builtin_expect(frame->flags & THAG_SPAN_BEFORE || start < stack->since, 0)) {
		start = stack->since;
		flags |= stack->cut ? THAG_SLICE_BEFORE : THAG_SLICE_WAITED;
	}
	thag_slices_put(slices, stack->task ? THAG_LANE_TASKS : THAG_LANE_OWN,
			row + (stack->task != 0), start, now, frame->site, flags);
}

#endif
