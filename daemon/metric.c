/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "metric.h"

#include <errno.h>
#include <string.h>

static const char *const names[THAG_METRIC_COUNT] = {
	[THAG_METRIC_TIME] = "time",
	[THAG_METRIC_ALLOCATED] = "allocated",
	[THAG_METRIC_ALLOCATIONS] = "allocations",
	[THAG_METRIC_LIVE] = "live",
	[THAG_METRIC_PEAK] = "peak",
	[THAG_METRIC_LEAKED] = "leaked",
	[THAG_METRIC_TEMPORARY] = "temporary",
	[THAG_METRIC_FREED] = "freed",
};

const char *thag_metric_name(enum thag_metric metric)
{
	return names[metric];
}

static int find_metric(const char *name, uint32_t *metric)
{
	for (uint32_t i = 0; i < THAG_METRIC_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*metric = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int find_by(const char *name, uint32_t *by)
{
	*by = THAG_HEAP_KINDS;
	if (!name || !name[0])
		return 0;
	*by = strcmp(name, "traces") == 0 ? THAG_HEAP_TRACES : THAG_HEAP_CALLS;
	return *by == THAG_HEAP_TRACES || strcmp(name, "calls") == 0 ? 0 : -EINVAL;
}

int thag_metric_parse(struct thag_metric_query *query, const char *metric, const char *by,
		      int64_t from, int64_t to, const char **why)
{
	struct thag_metric_query parsed = { .from_ns = (uint64_t)from, .to_ns = (uint64_t)to };

	*why = "no such metric; there are time, allocated, allocations, live, peak, leaked, "
	       "temporary and freed";
	if (metric && metric[0] && find_metric(metric, &parsed.metric) != 0)
		return -EINVAL;
	*why = "memory can be shown by calls or by traces";
	if (find_by(by, &parsed.by) != 0)
		return -EINVAL;
	*why = "a range has a beginning and a later end, in nanoseconds since the session began";
	if (from < 0 || to < 0 || (to && to <= from))
		return -EINVAL;
	if (from && !to)
		parsed.to_ns = UINT64_MAX;
	if (parsed.metric == THAG_METRIC_TIME)
		parsed.by = 0;
	*query = parsed;
	return 0;
}

bool thag_metric_same_range(const struct thag_metric_query *a, const struct thag_metric_query *b)
{
	return a->from_ns == b->from_ns && a->to_ns == b->to_ns;
}

bool thag_metric_equal(const struct thag_metric_query *a, const struct thag_metric_query *b)
{
	return a->metric == b->metric && a->by == b->by && thag_metric_same_range(a, b);
}
