/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "format.h"
#include "slowest.h"
#include "source.h"
#include "thag_timeline.h"
#include "thagd_limits.h"
#include "watch.h"

static const struct kind {
	const char *op;
	int (*answer)(json_t **out, const struct thag_ask_job *job);
	json_int_t usual, most; /* of `count` */
	const char *too_many;
	bool of_time; /* whatever metric is shown */
} kinds[THAG_ASK_KINDS] = {
	[THAG_ASK_SLOWEST] = { "slowest", thag_slowest_answer, 20, THAG_TIMELINE_SLOWEST_MAX,
			       "1 to 1000 calls can be asked for", true },
	[THAG_ASK_SOURCE] = { "source", thag_source_answer, THAG_SOURCE_LINES_MAX,
			      THAG_SOURCE_LINES_MAX, "there are no such lines", false },
};

enum thag_ask_kind thag_ask_find_kind(const char *op)
{
	int kind = 0;

	while (kind < THAG_ASK_KINDS && strcmp(kinds[kind].op, op) != 0)
		kind++;
	return (enum thag_ask_kind)kind;
}

int thag_ask_parse(struct thag_ask *ask, enum thag_ask_kind kind, json_t *json, uint64_t latest,
		   const char **why)
{
	const struct kind *known = &kinds[kind];
	const char *id = "", *function = "", *metric = "", *by = "";
	json_int_t from = 0, to = 0, count = known->usual, place = 0, first = 0;

	*ask = (struct thag_ask){ 0 };
	*why = "a field of the request has a wrong type";
	if (json_unpack(json, "{s:s, s:s, s?I, s?I, s?I, s?I, s?I, s?s, s?s}", "session", &id,
			"function", &function, "from", &from, "to", &to, "count", &count, "place",
			&place, "first", &first, "metric", &metric, "by", &by) != 0)
		return -EINVAL;
	*why = "a function is named by 16 hex digits";
	if (thag_watch_parse_id(function, &ask->function) != 0 || ask->function == 0)
		return -EINVAL;
	*why = "no such session";
	if (thag_watch_parse_session(id, latest, &ask->session) != 0)
		return -EINVAL;
	*why = known->too_many;
	if (count < 1 || count > known->most || place < 0 || place >= THAG_SOURCE_PLACES_MAX ||
	    first < 0 || first > INT32_MAX)
		return -EINVAL;
	ask->count = (uint32_t)count;
	ask->place = (uint32_t)place;
	ask->first = (uint32_t)first;
	return thag_metric_parse(&ask->metric, known->of_time ? "time" : metric, by, from, to, why);
}

/* What was asked, so that the browser knows what it is the answer to. */
static int add_question(const struct thag_ask_job *job)
{
	char id[24], function[20];

	snprintf(id, sizeof(id), "%" PRIu64, job->session->id);
	snprintf(function, sizeof(function), "%016" PRIx64, job->ask.function);
	return json_object_set_new(job->answer, "op", json_string(kinds[job->kind].op)) ||
			       json_object_set_new(job->answer, "session", json_string(id)) ||
			       json_object_set_new(job->answer, "function", json_string(function))
		       ? -ENOMEM
		       : 0;
}

static void run(uv_work_t *work)
{
	struct thag_ask_job *job = work->data;

	thag_format_is_whole(); /* what the thread made for others doesn't matter here */
	job->error = kinds[job->kind].answer(&job->answer, job);
	if (job->error == 0)
		job->error = add_question(job);
	if (!thag_format_is_whole())
		job->error = -ENOMEM;
}

static void after(uv_work_t *work, int status)
{
	struct thag_ask_job *job = work->data;
	struct thag_daemon *daemon = job->daemon;

	(void)status;
	job->done(job);
	thag_daemon_release(daemon);
}

int thag_ask_start(struct thag_daemon *daemon, struct thag_session *session,
		   enum thag_ask_kind kind, const struct thag_ask *ask, uint64_t client,
		   thag_ask_done_fn *done, void *context)
{
	struct thag_ask_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	*job = (struct thag_ask_job){ .daemon = daemon,
				      .session = thag_session_ref(session),
				      .kind = kind,
				      .ask = *ask,
				      .client = client,
				      .done = done,
				      .context = context };
	job->work.data = job;
	thag_daemon_hold(daemon);
	uv_queue_work(&daemon->loop, &job->work, run, after);
	return 0;
}

void thag_ask_destroy(struct thag_ask_job *job)
{
	json_decref(job->answer);
	thag_session_unref(job->session);
	free(job);
}
