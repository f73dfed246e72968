/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "recording_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon.h"
#include "log.h"
#include "modes.h"
#include "recorder.h"
#include "recording_file.h"
#include "records.h"
#include "save.h"

/* --- in the pool --- */

static void explain(struct thag_recording_job *job)
{
	switch (job->error) {
	case -ESRCH:
		snprintf(job->why, sizeof(job->why), "that session has ended");
		break;
	case -ENOENT:
		if (!job->begins) {
			snprintf(job->why, sizeof(job->why), "that session is not being recorded");
			break;
		}
		/* fall through */
	default:
		snprintf(job->why, sizeof(job->why), "%s %s: %s",
			 job->begins ? "can't record to" : "the recording", job->path,
			 strerror(-job->error));
	}
}

/* One that failed is ended first. */
static int begin(struct thag_recording_job *job)
{
	struct thag_session *session = job->session;

	if (thag_recorder_is_open(session))
		thag_recorder_leave(session);
	return thag_recording_file_join(session, &job->daemon->clock, job->path, job->is_directory);
}

static void run(uv_work_t *work)
{
	struct thag_recording_job *job = work->data;

	job->error = job->begins ? begin(job) : thag_recorder_leave(job->session);
	if (job->error == 0 || !job->begins)
		snprintf(job->path, sizeof(job->path), "%s", thag_recorder_path(job->session));
	if (job->error != 0)
		explain(job);
}

/* --- in the main loop --- */

static bool is_running(const struct thag_session *session)
{
	return thag_session_is_live(session) && !session->finishing;
}

static void conclude(struct thag_recording_job *job)
{
	struct thag_session *session = job->session;

	job->done(job);
	thag_session_unref(session);
}

static void after(uv_work_t *work, int status)
{
	struct thag_recording_job *job = work->data;
	struct thag_daemon *daemon = job->daemon;
	struct thag_session *session = job->session;

	(void)status;
	session->switching = false;
	/* of one that has ended meanwhile no record is to come back */
	if (is_running(session) &&
	    thag_records_put(daemon->runtime.records_fd, session, false) != 0)
		thag_log_write(THAG_LOG_WARN, "session %llu has no record",
			       (unsigned long long)session->id);
	if (job->error != 0)
		thag_log_write(THAG_LOG_ERROR, "session %llu (%s): %s",
			       (unsigned long long)session->id, session->program, job->why);
	else
		thag_log_write(THAG_LOG_INFO, "session %llu: %s %s",
			       (unsigned long long)session->id,
			       job->begins ? "is recorded to" : "was recorded to", job->path);
	daemon->registry.version++;
	conclude(job);
	thag_daemon_release(daemon);
}

/* What it is to do. 0; or an error, and why. */
static int parse(struct thag_recording_job *job, const json_t *request)
{
	const char *op = "", *file = NULL, *directory = NULL;

	snprintf(job->why, sizeof(job->why), "a field of the request is wrong");
	if (json_unpack((json_t *)(uintptr_t)request, "{s:s, s?s, s?s}", "op", &op, "file", &file,
			"directory", &directory) != 0)
		return -EINVAL;
	job->begins = strcmp(op, "record") == 0;
	job->is_directory = !file;
	if (!job->begins || (!file && !directory))
		return 0;
	file = file ? file : directory;
	if (file[0] != '/' || strlen(file) >= sizeof(job->path))
		return -EINVAL;
	snprintf(job->path, sizeof(job->path), "%s", file);
	return 0;
}

/* Where recordings of all programs go, else where files of this one do. */
static int choose_directory(struct thag_recording_job *job)
{
	const struct thag_daemon *daemon = job->daemon;

	if (!job->begins || job->path[0])
		return 0;
	snprintf(job->why, sizeof(job->why), "it isn't known where its files belong");
	if (!daemon->record_dir[0])
		return thag_save_find_directory(job->session, daemon->output_dir, job->path);
	snprintf(job->path, sizeof(job->path), "%s", daemon->record_dir);
	return 0;
}

static int refuse(struct thag_recording_job *job, int error, const char *why)
{
	snprintf(job->why, sizeof(job->why), "%s", why);
	return error;
}

static int check(struct thag_recording_job *job)
{
	struct thag_session *session = job->session;

	if (session->state == THAG_SESSION_LOST)
		return refuse(job, -ESRCH,
			      "that session is lost: its program ended while no thagd ran");
	if (!is_running(session))
		return refuse(job, -ESRCH, "that session has ended");
	if (session->switching)
		return refuse(job, -EBUSY, "its recording is just being begun or ended");
	if (thag_modes_is_ending(session))
		return refuse(job, -ESRCH, "that session is being ended");
	if (!job->begins && !thag_recorder_is_open(session))
		return refuse(job, -ENOENT, "that session is not being recorded");
	if (job->begins && thag_recorder_is_on(session)) {
		snprintf(job->why, sizeof(job->why), "it is being recorded to %s",
			 thag_recorder_path(session));
		return -EALREADY;
	}
	return 0;
}

void thag_recording_job_start(struct thag_recording_job *job, struct thag_daemon *daemon,
			      struct thag_session *session, const json_t *request,
			      thag_recording_job_done_fn *done)
{
	*job = (struct thag_recording_job){ .daemon = daemon,
					    .done = done,
					    .session = thag_session_ref(session) };
	job->error = parse(job, request);
	if (job->error == 0)
		job->error = check(job);
	if (job->error == 0)
		job->error = choose_directory(job);
	if (job->error != 0) {
		conclude(job);
		return;
	}
	job->work.data = job;
	session->switching = true;
	daemon->registry.version++;
	thag_daemon_hold(daemon);
	uv_queue_work(&daemon->loop, &job->work, run, after);
}
