/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile of a part of a session's run, from its timeline.
 *
 * Thread: any; meant for the pool.
 */
#ifndef THAG_RANGE_H
#define THAG_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "metric.h"
#include "session.h"
#include "thag_profile.h"

/**
 * The finished profile of thread `tid`, or of all with 0, in the range of `query`, or of the whole
 * run where that names none, or the session has no timeline; `how`: of enum thag_snapshot_how.
 * Waits aren't told in a range. Sets
 * `*flags`: of enum thag_frame_flags RANGE where there is one, and ESTIMATED where it isn't exact.
 * The caller destroys the profile. 0 or -ENOMEM.
 */
int thag_range_take(struct thag_profile **out, struct thag_session *session,
		    struct thag_clock_rate *clock, uint32_t tid, uint32_t how,
		    const struct thag_metric_query *query, uint32_t *flags);

#endif
