/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Slices: what there is to draw of calls over time, no finer than it can be seen.
 *
 * A lane has rows, one for each index of a stack: of a thread's own frames row 0 is the bottom; of
 * tasks row 0 is the task itself, and its frames are in those below. In a row there is at most one
 * call at a time, so its slices are in the order of time.
 *
 * Time is divided into columns of 2^shift ticks, counted from tick 0: each column is one half of a
 * coarser one. A call that is at least as long as a column is a slice of its own. Shorter ones that
 * begin in the same column become one slice, which is MERGED and stands for that column, unless it
 * is just one. So a row has at most two slices for each column. And merging what was merged by
 * finer columns gives exactly what merging the calls would: the pyramid of summaries needs that.
 *
 * A call that goes on beyond a piece of time has a slice in each, which are joined again where
 * pieces are put together. Until then the parts at a piece's edges are never merged. A call of a
 * task has a slice for each time that the task ran.
 *
 * Thread: owner. Allocates as rows grow.
 */
#ifndef THAG_SLICES_H
#define THAG_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_chunk.h"
#include "thag_varint.h"

#define THAG_SLICES_COLUMNS 1024 /* that a summary has at most, but for one at its edge */

enum thag_slice_flags {
	THAG_SLICE_MERGED = 1,	   /* stands for several calls; `site` is that of the longest */
	THAG_SLICE_BEFORE = 2,	   /* began before `start`, where a piece of time does */
	THAG_SLICE_AFTER = 4,	   /* goes on after `end`, where a piece of time ends */
	THAG_SLICE_SECTION = 8,	   /* a section; else a function, or a task */
	THAG_SLICE_TRUNCATED = 16, /* ended because its thread or task went away */
	THAG_SLICE_UNWOUND = 32,   /* ended by the exit of a frame below (longjmp, …) */
	THAG_SLICE_WAITED = 64,	   /* of a task's call: goes on here */
	THAG_SLICE_WAITS = 128,	   /* of a task's call: is put aside here */
};

struct thag_slice {
	uint64_t start, end; /* ticks; of a MERGED one those of its column, or columns */
	uint64_t covered;    /* ticks of calls in it: end - start, or less where it is MERGED */
	uint64_t longest;    /* ticks of the longest call in it, of a MERGED one its upper 4 bits */
	uint32_t site;
	uint32_t count; /* calls in it; UINT32_MAX: so many or more */
	uint32_t flags; /* enum thag_slice_flags */
};

/** Columns of 2^shift ticks, of a piece of time that begins at `from`. */
struct thag_slice_grid {
	uint64_t from;
	uint32_t shift;
};

/** The slices of one row, as they are put together. All zero is valid and empty. */
struct thag_slice_row {
	struct thag_slice *slices; /* the last one may still change, until thag_slice_row_end */
	uint32_t count;
	uint32_t capacity;
	uint64_t end; /* up to here there are slices */
};

/** Slices of all rows of both lanes of a piece of time. */
struct thag_slices {
	struct thag_slice_grid grid;
	struct thag_slice_row *rows[THAG_LANE_KINDS]; /* THAG_CHUNK_ROWS_MAX each */
	uint32_t row_count[THAG_LANE_KINDS];	      /* up to the last one that has slices */
	uint32_t first_row[THAG_LANE_KINDS];	      /* which row rows[lane][0] is … */
	uint32_t row_limit[THAG_LANE_KINDS];	      /* … and how many are wanted from there */
	int error;				      /* -ENOMEM: some are missing */
};

/** The finest shift of which a time has at most so many columns. */
uint32_t thag_slices_shift(uint64_t ticks, uint32_t columns);

/** The slow part of thag_slice_row_add. */
int thag_slice_row_push(struct thag_slice_row *row, const struct thag_slice_grid *grid,
			struct thag_slice slice);

/** Behind the last slice of a piece of time that ends at `to`. 0 or -ENOMEM. */
int thag_slice_row_end(struct thag_slice_row *row, const struct thag_slice_grid *grid, uint64_t to);

/** Adds one that begins no earlier than those before, or joins or merges it. 0 or -ENOMEM. */
static inline int thag_slice_row_add(struct thag_slice_row *row, const struct thag_slice_grid *grid,
				     uint64_t start, uint64_t end, uint32_t site, uint32_t flags)
{
	struct thag_slice *last = row->count ? &row->slices[row->count - 1] : NULL;
	uint64_t ticks = end - start;

	/* what most are: short, and in the column of others */
	if (__builtin_expect(last && last->flags & THAG_SLICE_MERGED && start >= row->end &&
				     start < last->end && ticks <= last->longest &&
				     !(flags & (THAG_SLICE_BEFORE | THAG_SLICE_AFTER)) &&
				     last->count != UINT32_MAX,
			     1)) {
		last->covered += ticks;
		last->count++;
		row->end = end;
		return 0;
	}
	return thag_slice_row_push(row, grid,
				   (struct thag_slice){ .start = start,
							.end = end,
							.covered = ticks,
							.longest = ticks,
							.site = site,
							.count = 1,
							.flags = flags });
}

/** As thag_slice_row_push. What most of a summary's slices are: merged, and in the same column. */
static inline int thag_slice_row_merge(struct thag_slice_row *row,
				       const struct thag_slice_grid *grid,
				       const struct thag_slice *slice)
{
	struct thag_slice *last = row->count ? &row->slices[row->count - 1] : NULL;
	uint64_t column = UINT64_C(1) << grid->shift;

	if (!last || !(slice->flags & last->flags & THAG_SLICE_MERGED) ||
	    (slice->start ^ last->start) >> grid->shift || slice->end - slice->start > column ||
	    last->end - last->start > column || slice->count > UINT32_MAX - last->count)
		return thag_slice_row_push(row, grid, *slice);
	if (slice->longest > last->longest) {
		last->longest = slice->longest;
		last->site = slice->site;
		last->flags = slice->flags & (THAG_SLICE_SECTION | THAG_SLICE_MERGED);
	}
	last->covered += slice->covered;
	last->count += slice->count;
	return 0;
}

/** For a time from `from` to `to` (ticks). 0 or -ENOMEM. */
int thag_slices_init(struct thag_slices *slices, uint64_t from, uint64_t to);
void thag_slices_fini(struct thag_slices *slices);

/** Begins anew, for all rows of another time, and keeps the memory. */
void thag_slices_clear(struct thag_slices *slices, uint64_t from, uint64_t to);

/** Adds what there is to draw of a chunk. 0 or -ENOMEM. */
int thag_slices_add(struct thag_slices *slices, const struct thag_chunk_raw *raw);

/** Likewise, up to its first event at or after `until` (ticks). */
int thag_slices_add_until(struct thag_slices *slices, const struct thag_chunk_raw *raw,
			  uint64_t until);

/** Appends the stored form, of slices whose rows have ended. 0 or -ENOMEM. */
int thag_slices_encode(const struct thag_slices *slices, struct thag_buffer *out);

/*
 * Stored slices are read row by row.
 */

/** Where a stored form's rows are. */
struct thag_slices_reader {
	const uint8_t *data;
	size_t bytes;
	uint32_t shift;
	uint32_t row_count[THAG_LANE_KINDS];
	uint32_t offsets[THAG_LANE_KINDS][THAG_CHUNK_ROWS_MAX + 1]; /* of rows in `data` */
};

/** 0 or -EBADMSG. `data` must stay. `from`: where the piece of time begins. */
int thag_slices_read(struct thag_slices_reader *reader, const uint8_t *data, size_t bytes);

/** A row that is being read. */
struct thag_slice_cursor {
	struct thag_cursor from;
	uint64_t at; /* the next slice begins no earlier */
	uint32_t site;
	uint32_t shift;
};

/** At the begin of a row of a piece of time that begins at `from`; one that isn't there is empty.
 */
struct thag_slice_cursor thag_slices_row(const struct thag_slices_reader *reader,
					 enum thag_lane_kind lane, uint32_t row, uint64_t from);

/** The next slice; false behind the last one, or where what is stored makes no sense. */
bool thag_slice_next(struct thag_slice_cursor *cursor, struct thag_slice *slice);

/**
 * Adds the slices of a stored form, of a piece of time that begins at `from`, behind those there
 * are. 0, -ENOMEM, or -EBADMSG: some were added.
 */
int thag_slices_merge(struct thag_slices *slices, uint64_t from, const uint8_t *data, size_t bytes);

/** Ends all rows, at `to`. 0 or -ENOMEM. */
int thag_slices_end(struct thag_slices *slices, uint64_t to);

#endif
