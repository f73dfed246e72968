/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "chrome.h"
#include "daemon.h"
#include "memory_json.h"
#include "memory_view.h"
#include "notes.h"
#include "range.h"
#include "snapshot.h"
#include "symbols.h"
#include "thag_profile_store.h"
#include "thag_speedscope.h"

#define TITLE_BYTES 300 /* a name in a list, and what parts it from the number */

enum thag_export_format thag_export_find_format(const char *name)
{
	static const char *const names[] = { "folded",	   "events", "memory",
					     "speedscope", "chrome", "profile" };
	uint32_t format = 0;

	while (format < THAG_EXPORT_FORMATS && strcmp(name, names[format]) != 0)
		format++;
	return (enum thag_export_format)format;
}

int thag_export_check(const struct thag_session *session, const struct thag_export_wish *wish,
		      const char **why)
{
	bool calls = wish->format == THAG_EXPORT_CHROME;
	bool stacks = wish->format == THAG_EXPORT_FOLDED ||
		      wish->format == THAG_EXPORT_SPEEDSCOPE || wish->format == THAG_EXPORT_PROFILE;
	bool time = wish->metric.metric == THAG_METRIC_TIME;

	*why = "the recording is still being read: wait for 'thag open' to end, or its page to "
	       "tell";
	if (session->state == THAG_SESSION_OPENING)
		return -EBUSY;
	*why = "'chrome' has calls, and nothing of memory";
	if (calls && !time)
		return -EINVAL;
	*why = "thagd keeps no timeline of this session, so there are no ranges or single calls";
	return (calls || (stacks && time && wish->metric.to_ns)) && !session->history ? -ENOTSUP
										      : 0;
}

static void wait_for_names(const struct thag_export *job)
{
	thag_symbols_wait(job->daemon->symbols, job->session,
			  thag_clock_mono_ns() + THAG_SYMBOLS_EXPORT_NS);
}

static uint32_t how(const struct thag_export *job)
{
	return job->wish.raw ? THAG_SNAPSHOT_RAW : 0;
}

static void make_folded(struct thag_export *job)
{
	struct thag_profile *profile = NULL;
	uint32_t flags;

	job->error = thag_range_take(&profile, job->session, &job->daemon->clock, job->wish.tid,
				     how(job), &job->wish.metric, &flags);
	if (job->error == 0)
		job->error = thag_folded_write(profile, &job->out);
	thag_profile_destroy(profile);
}

static void make_profile(struct thag_export *job)
{
	struct thag_profile *profile = NULL;
	uint32_t flags;

	job->error = thag_range_take(&profile, job->session, &job->daemon->clock, job->wish.tid,
				     how(job) | THAG_SNAPSHOT_PATHS, &job->wish.metric, &flags);
	if (!job->wish.raw)
		flags |= THAG_FRAME_CORRECTED;
	if (job->error == 0)
		job->error = thag_profile_store(profile, flags, &job->out);
	thag_profile_destroy(profile);
}

struct scope {
	struct thag_export *job;
	struct thag_speedscope file;
};

/* A title that the program gave, or "". */
static void read_name(struct thag_session *session, uint32_t site, char out[static TITLE_BYTES])
{
	json_t *name;

	out[0] = '\0';
	if (!site)
		return;
	thag_notes_lock(session);
	name = thag_notes_name(session, site);
	thag_notes_unlock(session);
	if (json_string_value(name))
		snprintf(out, TITLE_BYTES, "%s \xc2\xb7 ", json_string_value(name));
	json_decref(name);
}

static int put_thread(void *context, uint32_t tid, uint32_t name_site,
		      const struct thag_profile *profile)
{
	struct scope *scope = context;
	char name[TITLE_BYTES], title[TITLE_BYTES + 32];

	if (scope->job->wish.tid && scope->job->wish.tid != tid)
		return 0;
	read_name(scope->job->session, name_site, name);
	if (tid)
		snprintf(title, sizeof(title), "%s%u", name, tid);
	else
		snprintf(title, sizeof(title), "threads that ended");
	return thag_speedscope_add(&scope->file, profile, title, strlen(title));
}

/* A range's, of all threads or the one that is wanted together. */
static int put_range(struct scope *scope)
{
	struct thag_export *job = scope->job;
	const struct thag_metric_query *range = &job->wish.metric;
	struct thag_profile *profile;
	char title[TITLE_BYTES];
	uint32_t flags;
	int ret = thag_range_take(&profile, job->session, &job->daemon->clock, job->wish.tid,
				  how(job), range, &flags);

	if (ret != 0)
		return ret;
	snprintf(title, sizeof(title), "from %.9f s", (double)range->from_ns / 1e9);
	if (range->to_ns != UINT64_MAX)
		snprintf(title, sizeof(title), "%.9f to %.9f s", (double)range->from_ns / 1e9,
			 (double)range->to_ns / 1e9);
	ret = thag_speedscope_add(&scope->file, profile, title, strlen(title));
	thag_profile_destroy(profile);
	return ret;
}

static void make_speedscope(struct thag_export *job)
{
	struct scope scope = { .job = job };
	struct thag_session *session = job->session;
	int ret = thag_speedscope_begin(&scope.file, &job->out);

	if (ret == 0 && job->wish.metric.to_ns)
		ret = put_range(&scope);
	else if (ret == 0)
		ret = thag_snapshot_each(session, &job->daemon->clock, job->wish.raw, put_thread,
					 &scope);
	job->error = thag_speedscope_end(&scope.file, session->program, ret);
	/* as of a thread that isn't there, in any format */
	if (job->wish.tid && scope.file.profiles == 0)
		job->out.bytes = 0;
}

static int write_memory(struct thag_export *job, const struct thag_profile *profile)
{
	const char *metric = thag_metric_name((enum thag_metric)job->wish.metric.metric);
	struct thag_speedscope file;
	int ret;

	if (job->wish.format == THAG_EXPORT_FOLDED)
		return thag_folded_write(profile, &job->out);
	if (job->wish.format == THAG_EXPORT_PROFILE)
		return thag_profile_store(profile, 0, &job->out);
	ret = thag_speedscope_begin(&file, &job->out);
	if (ret == 0)
		ret = thag_speedscope_add(&file, profile, metric, strlen(metric));
	return thag_speedscope_end(&file, job->session->program, ret);
}

static void make_memory_stacks(struct thag_export *job)
{
	struct thag_memory_view view;
	struct thag_heap_query query;
	struct thag_profile *profile;

	job->error =
		thag_memory_view_take(&view, job->session, &job->daemon->clock, &job->wish.metric);
	if (job->error != 0)
		return;
	thag_memory_view_query(&view, &job->wish.metric, &query);
	job->error = thag_memory_view_profile(&view, &query, &profile);
	if (job->error == 0) {
		job->error = write_memory(job, profile);
		thag_profile_destroy(profile);
	}
	thag_memory_view_fini(&view);
}

static void put_json(struct thag_export *job, json_t *json)
{
	char *text =
		json ? json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9))
		     : NULL;

	job->error = text ? thag_buffer_append(&job->out, text, strlen(text)) : -ENOMEM;
	if (job->error == 0)
		job->error = thag_buffer_append(&job->out, "\n", 1);
	free(text);
	json_decref(json);
}

static void put_memory(struct thag_export *job, const struct thag_memory_view *view)
{
	struct thag_profile *profile;

	job->error = thag_memory_json_profile(view, &profile);
	if (job->error != 0)
		return;
	put_json(job, thag_memory_json(view, &job->counts.memory, profile));
	thag_profile_destroy(profile);
}

static void make_memory(struct thag_export *job)
{
	struct thag_memory_view view;

	thag_session_count(job->session, &job->counts);
	job->error =
		thag_memory_view_take(&view, job->session, &job->daemon->clock, &job->wish.metric);
	if (job->error != 0)
		return;
	put_memory(job, &view);
	thag_memory_view_fini(&view);
}

static void make_events(struct thag_export *job)
{
	thag_session_count(job->session, &job->counts);
	put_json(job, thag_notes_export(job->session, &job->daemon->clock, &job->counts));
}

static void run(uv_work_t *work)
{
	struct thag_export *job = work->data;

	if (job->wish.format == THAG_EXPORT_EVENTS) {
		make_events(job);
		return;
	}
	wait_for_names(job);
	if (job->wish.format == THAG_EXPORT_MEMORY)
		make_memory(job);
	else if (job->wish.format == THAG_EXPORT_CHROME)
		thag_chrome_export(job);
	else if (job->wish.metric.metric != THAG_METRIC_TIME)
		make_memory_stacks(job);
	else if (job->wish.format == THAG_EXPORT_SPEEDSCOPE)
		make_speedscope(job);
	else if (job->wish.format == THAG_EXPORT_PROFILE)
		make_profile(job);
	else
		make_folded(job);
}

static void after(uv_work_t *work, int status)
{
	struct thag_export *job = work->data;
	struct thag_daemon *daemon = job->daemon;

	(void)status;
	job->done(job);
	thag_daemon_release(daemon);
}

void thag_export_start(struct thag_export *job, struct thag_daemon *daemon,
		       struct thag_session *session, const struct thag_export_wish *wish,
		       thag_export_done_fn *done)
{
	*job = (struct thag_export){
		.daemon = daemon, .session = thag_session_ref(session), .wish = *wish, .done = done
	};
	job->work.data = job;
	thag_daemon_hold(daemon);
	uv_queue_work(&daemon->loop, &job->work, run, after);
}

void thag_export_fini(struct thag_export *job)
{
	thag_session_unref(job->session);
	thag_buffer_fini(&job->out);
}
