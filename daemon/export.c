/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "chrome.h"
#include "daemon.h"
#include "format.h"
#include "memory_json.h"
#include "memory_view.h"
#include "notes.h"
#include "range.h"
#include "snapshot.h"
#include "symbols.h"
#include "thag_profile_store.h"
#include "thag_stack_file.h"

#define TITLE_BYTES THAG_EXPORT_TITLE_BYTES

/* What an export is of. */
enum subject { STACKS, STORED, CALLS, REPORT };

static const struct {
	const char *name, *suffix;
	enum subject subject;
	enum thag_stack_format stacks; /* of STACKS */
} formats[THAG_EXPORT_FORMATS] = {
	[THAG_EXPORT_FOLDED] = { "folded", "folded", STACKS, THAG_STACK_FOLDED },
	[THAG_EXPORT_EVENTS] = { "events", "events.json", REPORT, 0 },
	[THAG_EXPORT_MEMORY] = { "memory", "memory.json", REPORT, 0 },
	[THAG_EXPORT_SPEEDSCOPE] = { "speedscope", "speedscope.json", STACKS,
				     THAG_STACK_SPEEDSCOPE },
	[THAG_EXPORT_CHROME] = { "chrome", "chrome.json", CALLS, 0 },
	[THAG_EXPORT_PERFETTO] = { "perfetto", "perfetto-trace", CALLS, 0 },
	[THAG_EXPORT_PPROF] = { "pprof", "pb.gz", STACKS, THAG_STACK_PPROF },
	[THAG_EXPORT_FIREFOX] = { "firefox", "firefox.json", STACKS, THAG_STACK_FIREFOX },
	[THAG_EXPORT_PROFILE] = { "profile", "profile", STORED, 0 },
	[THAG_EXPORT_CSV] = { "csv", "csv", STACKS, THAG_STACK_CSV },
};

const char *thag_export_suffix(enum thag_export_format format)
{
	return formats[format].suffix;
}

bool thag_export_is_report(enum thag_export_format format)
{
	return formats[format].subject == REPORT;
}

enum thag_export_format thag_export_find_format(const char *name)
{
	uint32_t format = 0;

	while (format < THAG_EXPORT_FORMATS && strcmp(name, formats[format].name) != 0)
		format++;
	return (enum thag_export_format)format;
}

int thag_export_check(const struct thag_session *session, const struct thag_export_wish *wish,
		      const char **why)
{
	bool calls = formats[wish->format].subject == CALLS;
	bool stacks =
		formats[wish->format].subject == STACKS || formats[wish->format].subject == STORED;
	bool time = wish->metric.metric == THAG_METRIC_TIME;

	*why = "the recording is still being read: wait for 'thag open' to end, or its page to "
	       "tell";
	if (session->state == THAG_SESSION_OPENING)
		return -EBUSY;
	*why = "that format has calls, and nothing of memory";
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
	struct thag_stack_file file;
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
	return thag_stack_file_add(&scope->file, profile, title, strlen(title));
}

/* What a file is called that is of a range, or else of a metric. */
static void name_whole(const struct thag_metric_query *metric, char out[static TITLE_BYTES])
{
	double from_s = (double)metric->from_ns / 1e9, to_s = (double)metric->to_ns / 1e9;

	if (metric->metric != THAG_METRIC_TIME)
		snprintf(out, TITLE_BYTES, "%s",
			 thag_metric_name((enum thag_metric)metric->metric));
	else if (metric->to_ns && metric->to_ns != UINT64_MAX)
		snprintf(out, TITLE_BYTES, "%.9f to %.9f s", from_s, to_s);
	else if (metric->to_ns)
		snprintf(out, TITLE_BYTES, "from %.9f s", from_s);
	else
		out[0] = '\0';
}

static int begin_file(struct thag_export *job, struct thag_stack_file *file)
{
	const struct thag_session *session = job->session;
	const struct thag_stack_facts facts = {
		.program = session->program,
		.title = job->title,
		.pid = (uint32_t)session->pid,
		.time_ns = session->start_real_ns,
		.duration_ns = job->duration_ns,
	};

	name_whole(&job->wish.metric, job->title);
	return thag_stack_file_begin(file, formats[job->wish.format].stacks, &job->out, &facts);
}

/* Of all threads or the one that is wanted together. */
static int put_together(struct scope *scope)
{
	struct thag_export *job = scope->job;
	struct thag_profile *profile;
	uint32_t flags, nodes;
	int ret = thag_range_take(&profile, job->session, &job->daemon->clock, job->wish.tid,
				  how(job), &job->wish.metric, &flags);

	if (ret != 0)
		return ret;
	/* as of a thread that isn't there, in a format without threads: without a header */
	thag_profile_nodes(profile, &nodes);
	if (nodes > 1 || !job->wish.tid || job->wish.metric.to_ns)
		ret = thag_stack_file_add(&scope->file, profile, "", 0);
	thag_profile_destroy(profile);
	return ret;
}

static void make_stacks(struct thag_export *job)
{
	struct scope scope = { .job = job };
	bool threads = thag_stack_format_has_threads(formats[job->wish.format].stacks);
	int ret = begin_file(job, &scope.file);

	if (ret == 0 && (job->wish.metric.to_ns || !threads))
		ret = put_together(&scope);
	else if (ret == 0)
		ret = thag_snapshot_each(job->session, &job->daemon->clock, job->wish.raw,
					 put_thread, &scope);
	job->error = thag_stack_file_end(&scope.file, ret);
	/* as of a thread that isn't there, in any format */
	if (job->wish.tid && scope.file.profiles == 0)
		job->out.bytes = 0;
}

static int write_memory(struct thag_export *job, const struct thag_profile *profile)
{
	struct thag_stack_file file;
	int ret;

	if (formats[job->wish.format].subject == STORED)
		return thag_profile_store(profile, 0, &job->out);
	ret = begin_file(job, &file);
	if (ret == 0)
		ret = thag_stack_file_add(&file, profile, "", 0);
	return thag_stack_file_end(&file, ret);
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
		thag_format_dump(json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));

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
	else if (formats[job->wish.format].subject == CALLS)
		thag_calls_export(job);
	else if (job->wish.metric.metric != THAG_METRIC_TIME)
		make_memory_stacks(job);
	else if (formats[job->wish.format].subject == STORED)
		make_profile(job);
	else
		make_stacks(job);
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
		.daemon = daemon,
		.session = thag_session_ref(session),
		.wish = *wish,
		.done = done,
		.duration_ns = thag_session_duration_ns(session),
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
