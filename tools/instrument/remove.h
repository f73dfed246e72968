/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Taking out of a source what `thag instrument` put into it; see marks.h.
 *
 * Thread: any.
 */
#ifndef THAG_INSTRUMENT_REMOVE_H
#define THAG_INSTRUMENT_REMOVE_H

#include <stdbool.h>
#include <stddef.h>

#include "edits.h"

struct thag_removed {
	size_t marks;
	size_t kept; /* words of thag that stay, made by hand */
};

/**
 * Adds the changes to `edits`, in order. With `every`, marks made by hand go, too; and once
 * nothing of thag is left, so does the include. An include that is still needed stays, without
 * its note. 0 or -ENOMEM.
 */
int thag_remove_plan(struct thag_edits *edits, const char *source, size_t bytes, bool every,
		     struct thag_removed *removed);

#endif
