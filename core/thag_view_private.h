/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of a timeline's answers to views have in common. */
#ifndef THAG_VIEW_PRIVATE_H
#define THAG_VIEW_PRIVATE_H

#include "thag_timeline.h"

/** Memory that answers are put together in. */
struct thag_view_state {
	struct thag_slice_row *rows; /* of all lanes, one after the other */
	uint32_t *shifts;	     /* of their columns */
	uint32_t row_capacity;
	struct thag_slice_row spare;
	struct thag_slices chunk; /* of words that are decoded */
};

/**
 * After a look at coarser columns than those of the answer, view->state->shifts: keeps the rows,
 * of `count`, that have more than their share of `wanted` slices even so, and empties the others,
 * which are to be looked at again.
 */
void thag_view_keep_full(struct thag_view *view, uint32_t count, uint32_t wanted);

/** Puts the rows of view->state into the answer. 0 or -ENOMEM. */
int thag_view_finish(struct thag_view *view, const struct thag_view_query *query);

#endif
