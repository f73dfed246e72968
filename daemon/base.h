/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The other side of a difference: the profile that a view of a session is compared with.
 *
 * Thread: any; meant for the pool.
 */
#ifndef THAG_BASE_H
#define THAG_BASE_H

#include "clock.h"
#include "session.h"
#include "watch.h"

/**
 * Makes of `after`, what `watch` is of, and of the same of its base, `session`, the profile of
 * both (core/thag_diff.h), in the order that is asked for. `by`: the call paths of memory that
 * `after` has, enum thag_heap_kind. `facts`: what a message says of the base; how long
 * it has run, which only the main loop knows, is there already. The caller destroys
 * the profile. 0 or a negative errno.
 */
int thag_base_compare(struct thag_profile **out, const struct thag_watch *watch,
		      const struct thag_profile *after, uint32_t by, struct thag_session *session,
		      struct thag_clock_rate *clock, struct thag_frame_diff *facts);

#endif
