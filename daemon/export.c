/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "export.h"

#include <errno.h>

#include "daemon.h"
#include "snapshot.h"
#include "symbols.h"

static void run(uv_work_t *work)
{
	struct thag_export *job = work->data;
	struct thag_profile *profile = NULL;

	thag_symbols_wait(job->daemon->symbols, job->session,
			  thag_clock_mono_ns() + THAG_SYMBOLS_EXPORT_NS);
	job->error =
		thag_snapshot_take(&profile, job->session, &job->daemon->clock, job->tid, job->raw);
	if (job->error == 0)
		job->error = thag_folded_write(profile, &job->out);
	if (profile)
		thag_profile_destroy(profile);
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
		       struct thag_session *session, uint32_t tid, bool raw,
		       thag_export_done_fn *done)
{
	*job = (struct thag_export){ .daemon = daemon,
				     .session = thag_session_ref(session),
				     .tid = tid,
				     .raw = raw,
				     .done = done };
	job->work.data = job;
	thag_daemon_hold(daemon);
	uv_queue_work(&daemon->loop, &job->work, run, after);
}

void thag_export_fini(struct thag_export *job)
{
	thag_session_unref(job->session);
	thag_buffer_fini(&job->out);
}
