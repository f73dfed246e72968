/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "chrome.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chunks.h"
#include "daemon.h"
#include "export.h"
#include "history.h"
#include "open_chunks.h"
#include "sites.h"
#include "snapshot.h"
#include "thag_chrome.h"
#include "thag_pairs.h"
#include "thag_perfetto.h"

/* What is asked of `named` for a thread, beside its id. */
enum { NAME_SITE, OWN_TOLD, TASKS_TOLD };

#define NO_NAME UINT32_MAX /* a thread's, where its name's site would be */

struct making {
	struct thag_export *job;
	struct thag_calls calls;
	struct thag_chrome_facts facts;
	struct thag_names *names;
	struct thag_pairs named; /* by thread and the above */
	union {
		struct thag_chrome chrome;
		struct thag_perfetto perfetto;
	} file;
	const struct writer *writer;
	bool cut; /* the file */
	double rate;
};

/* A format of single calls. */
struct writer {
	int (*begin)(struct making *making, const struct thag_chrome_options *options);
	int (*name)(struct making *making, uint32_t tid, const char *name, size_t bytes);
	int (*add)(struct making *making);
	int (*end)(struct making *making, int ret);
};

static int begin_chrome(struct making *making, const struct thag_chrome_options *options)
{
	return thag_chrome_begin(&making->file.chrome, &making->job->out, options);
}

static int name_chrome(struct making *making, uint32_t tid, const char *name, size_t bytes)
{
	return thag_chrome_name(&making->file.chrome, tid, name, bytes);
}

static int add_chrome(struct making *making)
{
	int ret = thag_chrome_add(&making->file.chrome, &making->calls, making->names);

	making->cut = making->file.chrome.cut;
	return ret;
}

static int end_chrome(struct making *making, int ret)
{
	return thag_chrome_end(&making->file.chrome, &making->calls, &making->facts, ret);
}

static int begin_perfetto(struct making *making, const struct thag_chrome_options *options)
{
	return thag_perfetto_begin(&making->file.perfetto, &making->job->out, options);
}

static int name_perfetto(struct making *making, uint32_t tid, const char *name, size_t bytes)
{
	return thag_perfetto_name(&making->file.perfetto, tid, name, bytes);
}

static int add_perfetto(struct making *making)
{
	int ret = thag_perfetto_add(&making->file.perfetto, &making->calls, making->names);

	making->cut = making->file.perfetto.cut;
	return ret;
}

static int end_perfetto(struct making *making, int ret)
{
	return thag_perfetto_end(&making->file.perfetto, &making->calls, &making->facts, ret);
}

static const struct writer chrome = { begin_chrome, name_chrome, add_chrome, end_chrome };
static const struct writer perfetto = { begin_perfetto, name_perfetto, add_perfetto, end_perfetto };

static int ask(struct making *making)
{
	struct thag_session *session = making->job->session;
	const struct thag_metric_query *range = &making->job->wish.metric;
	struct thag_calls_query query = { .to = UINT64_MAX,
					  .tid = making->job->wish.tid,
					  .most = THAG_CALLS_MAX };
	struct thag_timeline *timeline;
	struct thag_open_chunks open;
	int ret;

	if (range->to_ns) {
		query.from = thag_snapshot_ticks(session, making->rate, range->from_ns);
		query.to = thag_snapshot_ticks(session, making->rate, range->to_ns);
	}
	timeline = thag_history_lock(session->history);
	thag_open_chunks_take(&open, session);
	query.open = thag_open_chunks_all(&open);
	/* a range of less than a tick has nothing in it */
	if (query.to <= query.from)
		query.to = query.from + 1;
	ret = thag_timeline_calls(timeline, &query, &making->calls);
	thag_history_unlock(session->history);
	making->facts = (struct thag_chrome_facts){ .from_ticks = query.from,
						    .dropped_events = thag_chunks_dropped(session),
						    .unread = open.cut };
	thag_open_chunks_fini(&open);
	return ret;
}

/* After the words: they may hold calls of sites that were registered a moment before. */
static int copy_names(struct making *making)
{
	struct thag_session *session = making->job->session;
	int ret;

	pthread_mutex_lock(&session->names_lock);
	ret = thag_sites_import(session);
	if (ret == 0)
		ret = thag_names_copy(&making->names, session->names);
	pthread_mutex_unlock(&session->names_lock);
	return ret;
}

static int find_thread_names(struct making *making)
{
	struct thag_session *session = making->job->session;
	int ret;

	pthread_rwlock_wrlock(&session->lock);
	ret = thag_pairs_reserve(&making->named, session->member_count);
	for (uint32_t i = 0; ret == 0 && i < session->member_count; i++) {
		const struct thag_thread *thread = &session->members[i]->thread;

		if (thread->name_site)
			*thag_pairs_at(&making->named, thread->tid, NAME_SITE) = thread->name_site;
	}
	pthread_rwlock_unlock(&session->lock);
	return ret;
}

static int put_own_name(struct making *making, uint32_t tid, uint32_t site)
{
	struct thag_name name;

	if (site == NO_NAME)
		return 0;
	name = thag_names_get(making->names, site);
	return making->writer->name(making, tid, name.name, name.name_bytes);
}

static int put_tasks_name(struct making *making, uint32_t tid, uint32_t site)
{
	const char *name = site != NO_NAME ? thag_names_get(making->names, site).name : "thread";
	char text[300];

	snprintf(text, sizeof(text), "tasks on %.200s %u", name, tid);
	return making->writer->name(making, tid | THAG_CHROME_TASKS_TID, text, strlen(text));
}

/* The track that a call is on gets its name with the first call. */
static int name_track(struct making *making, const struct thag_call *call)
{
	bool tasks = call->flags & THAG_CALL_IN_TASK;
	uint32_t *told, *site;

	if (thag_pairs_reserve(&making->named, making->named.count + 3) != 0)
		return -ENOMEM;
	told = thag_pairs_at(&making->named, call->tid, tasks ? TASKS_TOLD : OWN_TOLD);
	if (*told)
		return 0;
	*told = 1;
	site = thag_pairs_at(&making->named, call->tid, NAME_SITE);
	if (*site == 0)
		*site = NO_NAME;
	return tasks ? put_tasks_name(making, call->tid, *site)
		     : put_own_name(making, call->tid, *site);
}

static int write_file(struct making *making)
{
	const struct thag_session *session = making->job->session;
	const struct thag_chrome_options options = { .program = session->program,
						     .pid = (uint32_t)session->pid,
						     .start_ticks = session->header.start_ticks,
						     .ns_per_tick = making->rate };
	int ret = making->writer->begin(making, &options);

	for (size_t i = 0; i < making->calls.count && ret == 0; i++)
		ret = name_track(making, &making->calls.calls[i]);
	if (ret == 0)
		ret = making->writer->add(making);
	return making->writer->end(making, ret);
}

static const char *note_of(const struct making *making)
{
	const struct thag_calls *calls = &making->calls;

	if (making->cut || calls->cut)
		return "there are more calls than a file may have: it ends where it says, in its "
		       "'cut_ns'; ask for a range or a thread";
	if (calls->missing_to || making->facts.dropped_events || making->facts.unread)
		return "some calls are not kept any more, and are missing, as the file says";
	return NULL;
}

static int make(struct making *making)
{
	struct thag_export *job = making->job;
	int ret = ask(making);

	if (ret == 0 && making->calls.count == 0 && job->wish.tid && job->wish.metric.to_ns == 0)
		return 0;
	if (ret == 0)
		ret = copy_names(making);
	if (ret == 0)
		ret = find_thread_names(making);
	if (ret == 0)
		ret = write_file(making);
	if (ret == 0)
		job->note = note_of(making);
	return ret;
}

void thag_calls_export(struct thag_export *job)
{
	struct making making = {
		.job = job,
		.writer = job->wish.format == THAG_EXPORT_CHROME ? &chrome : &perfetto,
	};

	job->error = job->session->history ? 0 : -ENOTSUP;
	if (job->error != 0)
		return;
	making.rate = thag_snapshot_rate(job->session, &job->daemon->clock);
	job->error = make(&making);
	thag_calls_fini(&making.calls);
	thag_pairs_fini(&making.named);
	if (making.names)
		thag_names_destroy(making.names);
}
