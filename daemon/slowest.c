/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "slowest.h"

#include <errno.h>
#include <stdlib.h>

#include "ask.h"
#include "daemon.h"
#include "history.h"
#include "open_chunks.h"
#include "sites.h"
#include "snapshot.h"
#include "thag_profile.h"
#include "thag_timeline.h"

/* What is being put together. */
struct finding {
	const struct thag_ask_job *job;
	uint32_t sites[THAG_SLOWEST_SITES_MAX];
	uint32_t site_count;
	struct thag_slow_call *calls; /* room for twice as many as are wanted */
	uint32_t count;
	double rate;
};

/* The sites of that name. Under names_lock. */
static void find_sites(struct finding *finding)
{
	const struct thag_session *session = finding->job->session;
	uint32_t site = thag_sites_next(session, 0);

	while (site < THAG_SITES_MAX && finding->site_count < THAG_SLOWEST_SITES_MAX) {
		struct thag_name name = thag_names_get(session->names, site);

		if (thag_profile_function_id(name.name, name.name_bytes) ==
		    finding->job->ask.function)
			finding->sites[finding->site_count++] = site;
		site = thag_sites_next(session, site + 1);
	}
}

static int compare_calls(const void *a, const void *b)
{
	const struct thag_slow_call *x = a, *y = b;

	if (x->duration != y->duration)
		return x->duration > y->duration ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int ask(struct finding *finding)
{
	const struct thag_ask_job *job = finding->job;
	struct thag_session *session = job->session;
	const struct thag_metric_query *range = &job->ask.metric;
	struct thag_slowest_query query = {
		.to = range->to_ns ? thag_snapshot_ticks(session, finding->rate, range->to_ns)
				   : UINT64_MAX,
		.count = job->ask.count,
	};
	struct thag_timeline *timeline = thag_history_lock(session->history);
	struct thag_open_chunks open;
	int ret = 0;

	if (range->to_ns)
		query.from = thag_snapshot_ticks(session, finding->rate, range->from_ns);
	thag_open_chunks_take(&open, session);
	query.open = thag_open_chunks_all(&open);
	for (uint32_t i = 0; i < finding->site_count && ret == 0; i++) {
		uint32_t found = 0;

		query.site = finding->sites[i];
		ret = thag_timeline_slowest(timeline, &query, finding->calls + finding->count,
					    &found);
		finding->count += found;
		qsort(finding->calls, finding->count, sizeof(*finding->calls), compare_calls);
		if (finding->count > query.count)
			finding->count = query.count;
	}
	thag_history_unlock(session->history);
	thag_open_chunks_fini(&open);
	return ret;
}

static json_t *make_answer(const struct finding *finding)
{
	uint64_t begin = finding->job->session->header.start_ticks;
	json_t *calls = json_array();

	for (uint32_t i = 0; i < finding->count; i++) {
		const struct thag_slow_call *call = &finding->calls[i];
		uint64_t start = call->start > begin ? call->start - begin : 0;

		json_array_append_new(
			calls,
			json_pack("{s:I, s:I, s:I, s:I}", "start",
				  (json_int_t)((double)start * finding->rate), "duration",
				  (json_int_t)((double)call->duration * finding->rate), "ring",
				  (json_int_t)call->ring, "tid", (json_int_t)call->tid));
	}
	return json_pack("{s:o}", "calls", calls);
}

int thag_slowest_answer(json_t **out, const struct thag_ask_job *job)
{
	struct thag_session *session = job->session;
	struct finding finding = { .job = job };
	int ret;

	*out = NULL;
	if (!session->history)
		return -ENOTSUP;
	finding.rate = thag_snapshot_rate(session, &job->daemon->clock);
	finding.calls = calloc(2 * (size_t)job->ask.count, sizeof(*finding.calls));
	if (!finding.calls)
		return -ENOMEM;
	pthread_mutex_lock(&session->names_lock);
	ret = thag_sites_import(session);
	if (ret == 0)
		find_sites(&finding);
	pthread_mutex_unlock(&session->names_lock);
	if (ret == 0)
		ret = ask(&finding);
	if (ret == 0)
		*out = make_answer(&finding);
	free(finding.calls);
	return ret == 0 && !*out ? -ENOMEM : ret;
}
