/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory_view.h"

#include "sites.h"
#include "snapshot.h"

/* The range in ticks; both 0 where there is none. */
static void find_range(const struct thag_memory_view *view, const struct thag_metric_query *metric,
		       uint64_t *from, uint64_t *to)
{
	*from = *to = 0;
	if (metric->to_ns == 0)
		return;
	*from = thag_snapshot_ticks(view->session, view->ns_per_tick, metric->from_ns);
	*to = thag_snapshot_ticks(view->session, view->ns_per_tick, metric->to_ns);
}

int thag_memory_view_take(struct thag_memory_view *view, struct thag_session *session,
			  struct thag_clock_rate *clock, const struct thag_metric_query *range)
{
	uint64_t from, to;

	*view = (struct thag_memory_view){ .session = session,
					   .ns_per_tick = thag_snapshot_rate(session, clock) };
	find_range(view, range, &from, &to);
	return thag_memory_copy(&view->copy, session, from, to);
}

int thag_memory_view_lend(struct thag_memory_view *view, struct thag_session *session,
			  struct thag_clock_rate *clock)
{
	*view = (struct thag_memory_view){ .session = session,
					   .ns_per_tick = thag_snapshot_rate(session, clock) };
	return thag_memory_lend(&view->copy, session);
}

void thag_memory_view_fini(struct thag_memory_view *view)
{
	thag_heap_copy_fini(&view->copy);
	*view = (struct thag_memory_view){ 0 };
}

/* Without a wish: stacks, where any were taken. */
static enum thag_heap_kind find_kind(const struct thag_memory_view *view, uint32_t by)
{
	if (by < THAG_HEAP_KINDS)
		return (enum thag_heap_kind)by;
	return view->copy.paths[THAG_HEAP_TRACES].tree.count > 1 ? THAG_HEAP_TRACES
								 : THAG_HEAP_CALLS;
}

void thag_memory_view_query(const struct thag_memory_view *view,
			    const struct thag_metric_query *metric, struct thag_heap_query *out)
{
	*out = (struct thag_heap_query){ .kind = find_kind(view, metric->by),
					 .metric = (enum thag_metric)metric->metric,
					 .start = view->session->header.start_ticks,
					 .ns_per_tick = view->ns_per_tick };
	find_range(view, metric, &out->from, &out->to);
}

int thag_memory_view_profile(const struct thag_memory_view *view,
			     const struct thag_heap_query *query, struct thag_profile **out)
{
	struct thag_session *session = view->session;
	int ret;

	pthread_mutex_lock(&session->names_lock);
	/* after the copy: it may hold stacks of sites that were registered a moment before */
	ret = thag_sites_import(session);
	if (ret == 0)
		ret = thag_heap_profile(out, &view->copy, session->names, query, session->program);
	pthread_mutex_unlock(&session->names_lock);
	return ret;
}
