/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A function over all its places: who calls it, and what it calls, as two profiles whose root it
 * is. Of calls that lie in each other the outermost ones count, each once: both roots' totals are
 * the function's total in the table of functions.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_SANDWICH_H
#define THAG_SANDWICH_H

#include <stdint.h>

#include "thag_profile.h"

/**
 * Callers are followed up as many levels as take no more than so many steps for all places
 * together, and at most THAG_FLAME_DEPTH_MAX.
 */
#define THAG_SANDWICH_STEPS_MAX (UINT32_C(1) << 20)

/**
 * Of a finished profile, which must outlive what is made of it. `function`: the hash of its name,
 * as frames have it; when there is no such function the root is the profile's, with nothing. 0 or
 * -ENOMEM.
 *
 * In `callers` the children of a node are its callers. All numbers of a node are of the function's
 * calls that came through it; self of those that ended there, no caller being above. `callees`
 * are the subtrees, merged by name; recursion below the root is shown as it is.
 */
int thag_sandwich_callers(struct thag_profile **out, const struct thag_profile *profile,
			  uint64_t function);
int thag_sandwich_callees(struct thag_profile **out, const struct thag_profile *profile,
			  uint64_t function);

#endif
