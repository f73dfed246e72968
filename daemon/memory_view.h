/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A session's heap as it stands, for whoever shows or saves it: one copy for all that is asked of
 * the same part of the run.
 *
 * Thread: any; meant for the pool.
 */
#ifndef THAG_MEMORY_VIEW_H
#define THAG_MEMORY_VIEW_H

#include "clock.h"
#include "memory.h"
#include "metric.h"

/** All zero is empty. */
struct thag_memory_view {
	struct thag_session *session; /* borrowed */
	struct thag_heap_copy copy;
	double ns_per_tick;
};

/** Copies what is needed for queries of that range. 0 or a negative errno. */
int thag_memory_view_take(struct thag_memory_view *view, struct thag_session *session,
			  struct thag_clock_rate *clock, const struct thag_metric_query *range);

/** The same for the whole run of a session that has ended and stays meanwhile, without a copy. */
int thag_memory_view_lend(struct thag_memory_view *view, struct thag_session *session,
			  struct thag_clock_rate *clock);

void thag_memory_view_fini(struct thag_memory_view *view);

/** What is asked of the copy, in its own terms. */
void thag_memory_view_query(const struct thag_memory_view *view,
			    const struct thag_metric_query *metric, struct thag_heap_query *out);

/** The profile for `query`; the caller destroys it. 0 or -ENOMEM. */
int thag_memory_view_profile(const struct thag_memory_view *view,
			     const struct thag_heap_query *query, struct thag_profile **out);

#endif
