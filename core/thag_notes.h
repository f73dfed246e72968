/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Marks and values over time, thinned to what can be seen: of each name at most one point a column.
 * Columns are those of thag_slices.h: what was thinned by finer ones can be thinned again.
 *
 * Thread: owner. Allocates, within the limit below.
 */
#ifndef THAG_NOTES_H
#define THAG_NOTES_H

#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_stream.h"

#define THAG_NOTES_MAX 16384 /* points of a summary; with more its columns become coarser */

/** A point of a mark or a value: one note, or all of a column. */
struct thag_note_point {
	uint64_t ticks, last_ticks; /* of the first, and of the last */
	int64_t first, last;	    /* values; 0 of a mark */
	int64_t min, max;
	uint32_t site;
	uint32_t ext;	/* THAG_EXT_MARK or THAG_EXT_VALUE */
	uint32_t count; /* notes it stands for; UINT32_MAX: so many or more */
	uint32_t ring;	/* of the first */
};

/** All zero is valid and empty. */
struct thag_notes {
	struct thag_buffer points; /* of struct thag_note_point */
	uint64_t dropped;	   /* points of names for which there was no room, however coarse */
	int error;		   /* -ENOMEM: some are missing */
};

void thag_notes_fini(struct thag_notes *notes);

static inline size_t thag_notes_count(const struct thag_notes *notes)
{
	return notes->points.bytes / sizeof(struct thag_note_point);
}

static inline struct thag_note_point *thag_notes_points(const struct thag_notes *notes)
{
	return (struct thag_note_point *)(void *)notes->points.data;
}

void thag_notes_add(struct thag_notes *notes, uint32_t ring, const struct thag_note *note);

/** Puts the points in order, by name, then by time, those of a column of 2^shift ticks as one. */
void thag_notes_thin(struct thag_notes *notes, uint32_t shift);

/**
 * Appends the stored form, of at most THAG_NOTES_MAX points, after thinning them to columns of
 * 2^shift ticks, or coarser ones. Nothing, where there are none. 0 or -ENOMEM.
 */
int thag_notes_encode(struct thag_notes *notes, uint32_t shift, struct thag_buffer *out);

/** Adds the points of a stored form. 0, -ENOMEM, or -EBADMSG: some were added. */
int thag_notes_merge(struct thag_notes *notes, const uint8_t *data, size_t bytes);

#endif
