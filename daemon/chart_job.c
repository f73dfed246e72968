/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Charts are made by the pool. */
#include "chart.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "daemon.h"
#include "symbols.h"

static void run(uv_work_t *work)
{
	struct thag_chart_job *job = work->data;
	uint64_t start = thag_clock_mono_ns();

	job->error = job->session->history ? thag_chart_make(job) : -ENOTSUP;
	/* what was met for the first time goes by its address for now */
	if (thag_naming_late(&job->session->naming_counts))
		thag_symbols_request(job->daemon->symbols, job->session);
	job->took_ns = thag_clock_mono_ns() - start;
}

static void after(uv_work_t *work, int status)
{
	struct thag_chart_job *job = work->data;
	struct thag_daemon *daemon = job->daemon;

	(void)status;
	job->done(job);
	thag_daemon_release(daemon);
}

int thag_chart_job_start(struct thag_daemon *daemon, struct thag_session *session,
			 const struct thag_chart_request *request, bool fine, uint64_t client,
			 thag_chart_done_fn *done, void *context)
{
	struct thag_chart_job *job = calloc(1, sizeof(*job));

	if (!job || thag_chart_request_copy(&job->request, request) != 0) {
		free(job);
		return -ENOMEM;
	}
	job->daemon = daemon;
	job->session = thag_session_ref(session);
	job->fine = fine;
	job->client = client;
	job->done = done;
	job->context = context;
	job->counts = session->counts;
	job->state = session->state;
	job->names = atomic_load_explicit(&session->naming_counts.version, memory_order_relaxed);
	job->duration_ns = thag_session_duration_ns(session);
	job->work.data = job;
	thag_daemon_hold(daemon);
	uv_queue_work(&daemon->loop, &job->work, run, after);
	return 0;
}

void thag_chart_job_destroy(struct thag_chart_job *job)
{
	thag_blob_unref(job->chart);
	thag_chart_request_fini(&job->request);
	thag_session_unref(job->session);
	free(job);
}
