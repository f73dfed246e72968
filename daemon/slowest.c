/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "slowest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "history.h"
#include "open_chunks.h"
#include "sites.h"
#include "snapshot.h"
#include "thag_profile.h"
#include "thag_timeline.h"
#include "watch.h"

#define SITE_BITS 64

/* What is being put together. */
struct finding {
	struct thag_slowest_job *job;
	uint32_t sites[THAG_SLOWEST_SITES_MAX];
	uint32_t site_count;
	struct thag_slow_call *calls; /* room for twice as many as are wanted */
	uint32_t count;
	double rate;
};

int thag_slowest_parse(struct thag_slowest_request *request, json_t *json, uint64_t latest,
		       const char **why)
{
	const char *id = "", *function = "";
	json_int_t from = 0, to = 0, count = 20;

	*request = (struct thag_slowest_request){ 0 };
	*why = "a field of the request has a wrong type";
	if (json_unpack(json, "{s:s, s:s, s?I, s?I, s?I}", "session", &id, "function", &function,
			"from", &from, "to", &to, "count", &count) != 0)
		return -EINVAL;
	*why = "a function is named by 16 hex digits";
	if (thag_watch_parse_id(function, &request->function) != 0 || request->function == 0)
		return -EINVAL;
	*why = "no such session";
	if (thag_watch_parse_session(id, latest, &request->session) != 0)
		return -EINVAL;
	*why = "1 to 1000 calls can be asked for";
	if (count < 1 || count > THAG_TIMELINE_SLOWEST_MAX)
		return -EINVAL;
	request->count = (uint32_t)count;
	return thag_metric_parse(&request->range, "time", NULL, from, to, why);
}

/* The sites of that name. Under names_lock. */
static void find_sites(struct finding *finding)
{
	const struct thag_session *session = finding->job->session;
	uint64_t wanted = finding->job->request.function;

	for (uint32_t i = 0; i < THAG_SITES_MAX && finding->site_count < THAG_SLOWEST_SITES_MAX;
	     i++) {
		struct thag_name name;

		if (i % SITE_BITS == 0 && session->sites_named[i / SITE_BITS] == 0) {
			i += SITE_BITS - 1;
			continue;
		}
		if (!(session->sites_named[i / SITE_BITS] >> i % SITE_BITS & 1))
			continue;
		name = thag_names_get(session->names, i);
		if (thag_profile_function_id(name.name, name.name_bytes) == wanted)
			finding->sites[finding->site_count++] = i;
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
	struct thag_slowest_job *job = finding->job;
	struct thag_session *session = job->session;
	const struct thag_metric_query *range = &job->request.range;
	struct thag_slowest_query query = {
		.to = range->to_ns ? thag_snapshot_ticks(session, finding->rate, range->to_ns)
				   : UINT64_MAX,
		.count = job->request.count,
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
	const struct thag_slowest_job *job = finding->job;
	uint64_t begin = job->session->header.start_ticks;
	json_t *calls = json_array();
	char id[24], function[20];

	snprintf(id, sizeof(id), "%" PRIu64, job->session->id);
	snprintf(function, sizeof(function), "%016" PRIx64, job->request.function);
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
	return json_pack("{s:s, s:s, s:s, s:o}", "op", "slowest", "session", id, "function",
			 function, "calls", calls);
}

static void run(uv_work_t *work)
{
	struct thag_slowest_job *job = work->data;
	struct thag_session *session = job->session;
	struct finding finding = { .job = job };

	job->error = session->history ? 0 : -ENOTSUP;
	if (job->error != 0)
		return;
	finding.rate = thag_snapshot_rate(session, &job->daemon->clock);
	finding.calls = calloc(2 * (size_t)job->request.count, sizeof(*finding.calls));
	job->error = finding.calls ? 0 : -ENOMEM;
	pthread_mutex_lock(&session->names_lock);
	if (job->error == 0)
		job->error = thag_sites_import(session);
	if (job->error == 0)
		find_sites(&finding);
	pthread_mutex_unlock(&session->names_lock);
	if (job->error == 0)
		job->error = ask(&finding);
	if (job->error == 0)
		job->answer = make_answer(&finding);
	free(finding.calls);
}

static void after(uv_work_t *work, int status)
{
	struct thag_slowest_job *job = work->data;
	struct thag_daemon *daemon = job->daemon;

	(void)status;
	job->done(job);
	thag_daemon_release(daemon);
}

int thag_slowest_start(struct thag_daemon *daemon, struct thag_session *session,
		       const struct thag_slowest_request *request, uint64_t client,
		       thag_slowest_done_fn *done, void *context)
{
	struct thag_slowest_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->daemon = daemon;
	job->session = thag_session_ref(session);
	job->request = *request;
	job->client = client;
	job->done = done;
	job->context = context;
	job->work.data = job;
	thag_daemon_hold(daemon);
	uv_queue_work(&daemon->loop, &job->work, run, after);
	return 0;
}

void thag_slowest_destroy(struct thag_slowest_job *job)
{
	json_decref(job->answer);
	thag_session_unref(job->session);
	free(job);
}
