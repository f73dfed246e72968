/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Two profiles in one tree: what was before, and what came after it. A frame of one and a frame
 * of the other are the same where their callers are and their names are, byte for byte; whatever
 * tables of names they come from.
 *
 * Widths. Each node's self is the larger of its two, and its total the sum of selves, so a frame
 * that was there only before is as visible as one that came new, and no frame is wider than its
 * caller. What the two sides are in truth is beside it: struct thag_frame_sides.
 *
 * Thread: owner. Allocates; no I/O. Nothing here recurses, and all takes one walk of each tree.
 */
#ifndef THAG_DIFF_H
#define THAG_DIFF_H

#include <stdbool.h>

#include "thag_profile.h"

/**
 * Makes of two finished profiles of the same metric, which are only read, a finished one of both,
 * its siblings by name, its root called as that of `after`. `normalise`: widths are of `after`
 * scaled to the total of `before`, unless either is empty; the sides stay as they are. Widths of
 * profiles so large that their sum has no room in 64 bits are all halved until it has.
 * The caller destroys it. 0 or -ENOMEM.
 */
int thag_diff_make(struct thag_profile **out, const struct thag_profile *before,
		   const struct thag_profile *after, bool normalise);

/** Both sides of each node, by node; NULL of a profile that is no difference. Borrowed. */
const struct thag_frame_sides *thag_diff_sides(const struct thag_profile *profile);

#endif
