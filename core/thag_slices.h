/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Slices: what there is to draw of calls over time, no finer than it can be seen.
 *
 * A lane has rows, one for each index of a stack: of a thread's own frames row 0 is the bottom; of
 * tasks row 0 is the task itself, and its frames are in those below. In a row there is at most one
 * call at a time, so its slices are in the order of time and don't overlap.
 *
 * Time is divided into columns of 2^shift ticks, counted from tick 0: each column is one half of a
 * coarser one. A call that is at least as long as a column is a slice of its own. Shorter ones that
 * begin in the same column become one slice, which is MERGED and stands for that column, unless it
 * is just one. So a row has at most two slices for each column. And merging what was merged by
 * finer columns gives exactly what merging the calls would: the pyramid of summaries needs that.
 *
 * A call that goes on beyond a piece of time has a slice in each, which are joined again where
 * pieces are put together. Until then the parts at a piece's edges are never merged.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_SLICES_H
#define THAG_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_chunk.h"

#define THAG_SLICES_COLUMNS 1024 /* that a summary has at most */

enum thag_slice_flags {
	THAG_SLICE_MERGED = 1,	   /* stands for several calls; `site` is that of the longest */
	THAG_SLICE_BEFORE = 2,	   /* began before `start` */
	THAG_SLICE_AFTER = 4,	   /* goes on after `end` */
	THAG_SLICE_SECTION = 8,	   /* a section; else a function, or a task */
	THAG_SLICE_TRUNCATED = 16, /* ended because its thread or task went away */
	THAG_SLICE_UNWOUND = 32,   /* ended by the exit of a frame below (longjmp, …) */
};

struct thag_slice {
	uint64_t start, end; /* ticks; of a MERGED one its column, or columns */
	uint64_t covered;    /* ticks of calls in it: end - start, or less where it is MERGED */
	uint64_t longest;    /* ticks of the longest call in it */
	uint32_t site;
	uint32_t count; /* calls in it, UINT32_MAX: so many or more */
	uint32_t flags; /* enum thag_slice_flags */
};

/** The slices of one row, as they are being put together. All zero is valid and empty. */
struct thag_slice_row {
	struct thag_slice *slices; /* the last one may still change, until thag_slice_row_end */
	uint32_t count;
	uint32_t capacity;
};

#endif
