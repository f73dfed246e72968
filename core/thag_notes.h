/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Marks and values over time, thinned to what can be seen: of each name at most one point a column.
 * Columns are those of thag_slices.h.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_NOTES_H
#define THAG_NOTES_H

#include <stdint.h>

/** A point of a mark or a value: one note, or all of a column. */
struct thag_note_point {
	uint64_t ticks; /* of the first */
	uint64_t last_ticks;
	int64_t min, max, first, last; /* of a value; 0 of a mark */
	uint32_t site;
	uint32_t ext;	/* THAG_EXT_MARK or THAG_EXT_VALUE */
	uint32_t count; /* notes it stands for */
	uint32_t ring;
};

#endif
