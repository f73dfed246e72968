/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base.h"

#include <errno.h>

#include "memory_view.h"
#include "range.h"
#include "snapshot.h"
#include "thag_diff.h"

static int take_memory(struct thag_profile **out, const struct thag_metric_query *metric,
		       struct thag_session *session, struct thag_clock_rate *clock)
{
	struct thag_memory_view memory;
	struct thag_heap_query query;
	int ret = thag_memory_view_take(&memory, session, clock, metric);

	if (ret != 0)
		return ret;
	thag_memory_view_query(&memory, metric, &query);
	ret = thag_memory_view_profile(&memory, &query, out);
	thag_memory_view_fini(&memory);
	return ret;
}

static int compare(struct thag_profile **out, const struct thag_watch *watch,
		   const struct thag_profile *before, const struct thag_profile *after)
{
	struct thag_profile *diff;
	int ret = thag_diff_make(&diff, before, after, watch->normalise);

	if (ret == 0 && watch->heavy && thag_profile_put_heavy_first(diff) != 0) {
		thag_profile_destroy(diff);
		return -ENOMEM;
	}
	if (ret == 0)
		*out = diff;
	return ret;
}

int thag_base_compare(struct thag_profile **out, const struct thag_watch *watch,
		      const struct thag_profile *after, uint32_t by, struct thag_session *session,
		      struct thag_clock_rate *clock, struct thag_frame_diff *facts)
{
	struct thag_metric_query metric = watch->base_metric;
	struct thag_profile *whole, *sifted = NULL;
	int ret;

	facts->base = session->id;
	facts->base_from_ns = metric.from_ns;
	facts->base_to_ns = metric.to_ns;
	facts->normalised = watch->normalise;
	if (metric.metric == THAG_METRIC_TIME) {
		ret = thag_range_take(&whole, session, clock, watch->tid,
				      watch->raw ? THAG_SNAPSHOT_RAW : 0u, &metric, &facts->flags);
	} else {
		metric.by = by; /* native stacks and profiled calls have nothing in common */
		ret = take_memory(&whole, &metric, session, clock);
	}
	if (ret != 0)
		return ret;
	if (!thag_sieve_is_empty(&watch->sieve))
		ret = thag_sieve_apply(&sifted, whole, &watch->sieve);
	if (ret == 0)
		ret = compare(out, watch, sifted ? sifted : whole, after);
	thag_profile_destroy(sifted);
	thag_profile_destroy(whole);
	return ret;
}
