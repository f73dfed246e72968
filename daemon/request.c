/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "daemon.h"
#include "export.h"
#include "format.h"
#include "life.h"
#include "modes.h"
#include "opened.h"
#include "recording_job.h"

struct export_job {
	struct thag_export export;
	struct thag_connection *connection;
};

static void run_info(struct thag_connection *connection)
{
	const struct thag_daemon *daemon = thag_connection_daemon(connection);
	char url[64];

	snprintf(url, sizeof(url), "http://localhost:%u", daemon->port);
	thag_connection_respond(connection, 0,
				json_pack("{s:s, s:i, s:i, s:s}", "version", THAG_VERSION, "pid",
					  (int)getpid(), "port", (int)daemon->port, "url", url),
				-1);
}

static void run_list(struct thag_connection *connection)
{
	json_t *report = thag_registry_report(&thag_connection_daemon(connection)->registry, 0);
	char *text = thag_format_dump(report, JSON_COMPACT);

	if (text)
		thag_connection_respond_data(connection, text, strlen(text));
	else
		thag_connection_fail(connection, -ENOMEM, "thagd has no memory for the answer");
	free(text);
	json_decref(report);
}

static void on_exported(struct thag_export *export)
{
	struct export_job *job = (struct export_job *)export; /* its first field */

	if (export->error == 0)
		thag_connection_respond_noted(job->connection, export->note, export->out.data,
					      export->out.bytes);
	else
		thag_connection_fail(job->connection, export->error, strerror(-export->error));
	thag_export_fini(export);
	free(job);
}

/* What is to be exported; -EINVAL with `why` in words. */
static int parse_export(json_t *request, const char **id, struct thag_export_wish *wish,
			const char **why)
{
	const char *format = "folded", *metric = "", *by = "";
	json_int_t tid = 0, from = 0, to = 0;
	int raw = 0;

	*why = "a field of the export is wrong";
	if (json_unpack(request, "{s?s, s?s, s?I, s?b, s?s, s?s, s?I, s?I}", "session", id,
			"format", &format, "thread", &tid, "raw", &raw, "metric", &metric, "by",
			&by, "from", &from, "to", &to) != 0 ||
	    tid < 0 || tid > UINT32_MAX)
		return -EINVAL;
	wish->format = thag_export_find_format(format);
	wish->tid = (uint32_t)tid;
	wish->raw = raw != 0;
	*why = "unknown format; this thagd knows 'folded', 'speedscope', 'chrome', 'perfetto', "
	       "'pprof', "
	       "'firefox', 'csv', 'events' and 'memory'";
	if (wish->format == THAG_EXPORT_FORMATS)
		return -EINVAL;
	return thag_metric_parse(&wish->metric, metric, by, from, to, why);
}

/* The session of that id; NULL: there is none, which was answered. */
static struct thag_session *find_session(struct thag_connection *connection, const char *id)
{
	struct thag_daemon *daemon = thag_connection_daemon(connection);
	struct thag_session *session = thag_registry_find(&daemon->registry, id);

	if (!session)
		thag_connection_fail(connection, -ENOENT, "no such session");
	return session;
}

/* The same of a request that has no other field; `why`: what is said when it lacks that. */
static struct thag_session *read_session(struct thag_connection *connection, json_t *request,
					 const char *why)
{
	const char *id;

	if (json_unpack(request, "{s:s}", "session", &id) == 0)
		return find_session(connection, id);
	thag_connection_fail(connection, -EINVAL, why);
	return NULL;
}

static void run_export(struct thag_connection *connection, json_t *request)
{
	struct thag_daemon *daemon = thag_connection_daemon(connection);
	const char *id = "latest", *why;
	struct thag_export_wish wish;
	struct thag_session *session;
	struct export_job *job;
	int ret;

	if (parse_export(request, &id, &wish, &why) != 0) {
		thag_connection_fail(connection, -EINVAL, why);
		return;
	}
	session = find_session(connection, id);
	if (!session)
		return;
	ret = thag_export_check(session, &wish, &why);
	if (ret != 0) {
		thag_connection_fail(connection, ret, why);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (!job) {
		thag_connection_fail(connection, -ENOMEM, "thagd has no memory for the answer");
		return;
	}
	job->connection = connection;
	thag_export_start(&job->export, daemon, session, &wish, on_exported);
}

/* The beginning of an answer. NULL without memory: jansson takes that for all that follows. */
static json_t *tell_session(const struct thag_session *session)
{
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)session->id);
	return json_pack("{s:s, s:s}", "id", id, "program", session->program);
}

struct open_job {
	struct thag_opened opened;
	struct thag_connection *connection;
};

static void on_opened(struct thag_opened *wish)
{
	struct open_job *job = (struct open_job *)wish; /* its first field */
	json_t *body;

	if (wish->error != 0) {
		thag_connection_fail(job->connection, wish->error, wish->why);
	} else {
		body = tell_session(wish->session);
		json_object_set_new(body, "whole", json_boolean(wish->session->opened.whole));
		json_object_set_new(body, "message", json_string(wish->session->message));
		thag_connection_respond(job->connection, 0, body, -1);
	}
	free(job);
}

static void run_open(struct thag_connection *connection, json_t *request)
{
	struct open_job *job;
	const char *file;
	int early = 0;

	if (json_unpack(request, "{s:s, s?b}", "file", &file, "early", &early) != 0 ||
	    file[0] != '/' || strlen(file) >= THAG_PATH_BYTES) {
		thag_connection_fail(connection, -EINVAL, "open needs the path of a file");
		return;
	}
	job = calloc(1, sizeof(*job));
	if (!job) {
		thag_connection_fail(connection, -ENOMEM, "thagd has no memory for it");
		return;
	}
	job->connection = connection;
	job->opened = (struct thag_opened){ .done = on_opened, .early = early };
	thag_opened_start(&job->opened, thag_connection_daemon(connection), file);
}

static void respond_modes(struct thag_connection *connection, struct thag_session *session)
{
	json_t *body = tell_session(session);

	json_object_set_new(body, "pid", json_integer(session->pid));
	json_object_set_new(body, "state", json_string(thag_session_state_name(session->state)));
	if (body)
		thag_modes_report(session, body);
	thag_connection_respond(connection, 0, body, -1);
}

/* enable, disable, and modes, which changes nothing. */
static void run_modes(struct thag_connection *connection, json_t *request, const char *op)
{
	const char *id = "", *kinds = NULL, *why;
	struct thag_session *session;
	int ret;

	if (json_unpack(request, "{s:s, s?s}", "session", &id, "kinds", &kinds) != 0) {
		thag_connection_fail(connection, -EINVAL, "a field of the switch is wrong");
		return;
	}
	session = find_session(connection, id);
	if (!session)
		return;
	ret = strcmp(op, "modes") == 0 ? 0 : thag_modes_switch(session, op, kinds, &why);
	if (ret != 0)
		thag_connection_fail(connection, ret, why);
	else
		respond_modes(connection, session);
}

static void run_forget(struct thag_connection *connection, json_t *request)
{
	struct thag_registry *registry = &thag_connection_daemon(connection)->registry;
	const char *id, *why;
	int ret;

	if (json_unpack(request, "{s:s}", "session", &id) != 0) {
		thag_connection_fail(connection, -EINVAL, "forget needs a session");
		return;
	}
	ret = thag_registry_forget(registry, id, &why);
	if (ret != 0)
		thag_connection_fail(connection, ret, why);
	else
		thag_connection_respond(connection, 0, NULL, -1);
}

/* The answer is what began: "await" waits for its end. */
static void run_end(struct thag_connection *connection, json_t *request)
{
	struct thag_session *session = read_session(connection, request, "end needs a session");
	const char *why;
	int ret;

	if (!session)
		return;
	ret = thag_life_end(session, &why);
	if (ret != 0)
		thag_connection_fail(connection, ret, why);
	else
		respond_modes(connection, session);
}

struct record_job {
	struct thag_recording_job recording;
	struct thag_connection *connection;
};

static void on_recording(struct thag_recording_job *recording)
{
	struct record_job *job = (struct record_job *)recording; /* its first field */
	json_t *body;

	if (recording->error != 0) {
		/* that stands for a session that isn't there, not for a directory */
		thag_connection_fail(job->connection,
				     recording->error == -ENOENT ? -EIO : recording->error,
				     recording->why);
	} else {
		body = tell_session(recording->session);
		json_object_set_new(body, "pid", json_integer(recording->session->pid));
		json_object_set_new(body, "file",
				    thag_format_json(recording->path, THAG_PATH_BYTES));
		thag_connection_respond(job->connection, 0, body, -1);
	}
	free(job);
}

/* record and unrecord. */
static void run_record(struct thag_connection *connection, json_t *request)
{
	struct thag_session *session = read_session(connection, request, "record needs a session");
	struct record_job *job;

	if (!session)
		return;
	job = calloc(1, sizeof(*job));
	if (!job) {
		thag_connection_fail(connection, -ENOMEM, "thagd has no memory for it");
		return;
	}
	job->connection = connection;
	thag_recording_job_start(&job->recording, thag_connection_daemon(connection), session,
				 request, on_recording);
}

static void run_await(struct thag_connection *connection, json_t *request)
{
	int pid, status = -1, limit_ms = 0;

	if (json_unpack(request, "{s:i, s?i, s?i}", "pid", &pid, "status", &status, "limit_ms",
			&limit_ms) != 0 ||
	    pid <= 0 || status < -1 || limit_ms < 0) {
		thag_connection_fail(connection, -EINVAL,
				     "await needs a pid, its status and a limit_ms");
		return;
	}
	if (status >= 0)
		thag_life_report_exit(thag_connection_daemon(connection), pid, status);
	thag_await_begin(connection, pid, (uint32_t)limit_ms);
}

static void run_stop(struct thag_connection *connection)
{
	struct thag_daemon *daemon = thag_connection_daemon(connection);

	thag_connection_respond(connection, 0, NULL, -1);
	thag_daemon_stop(daemon);
}

void thag_request_run(struct thag_connection *connection, const char *body, size_t bytes)
{
	json_t *request;
	const char *op = "";
	int ret = thag_format_load(&request, body, bytes, JSON_REJECT_DUPLICATES);

	if (ret == -ENOMEM)
		thag_connection_fail(connection, ret, "thagd has no memory for this");
	else if (!request || json_unpack(request, "{s:s}", "op", &op) != 0)
		thag_connection_fail(connection, -EINVAL, "not a request");
	else if (strcmp(op, "info") == 0)
		run_info(connection);
	else if (strcmp(op, "list") == 0)
		run_list(connection);
	else if (strcmp(op, "export") == 0)
		run_export(connection, request);
	else if (strcmp(op, "enable") == 0 || strcmp(op, "disable") == 0 ||
		 strcmp(op, "modes") == 0)
		run_modes(connection, request, op);
	else if (strcmp(op, "forget") == 0)
		run_forget(connection, request);
	else if (strcmp(op, "end") == 0)
		run_end(connection, request);
	else if (strcmp(op, "record") == 0 || strcmp(op, "unrecord") == 0)
		run_record(connection, request);
	else if (strcmp(op, "await") == 0)
		run_await(connection, request);
	else if (strcmp(op, "open") == 0)
		run_open(connection, request);
	else if (strcmp(op, "stop") == 0)
		run_stop(connection);
	else
		thag_connection_fail(connection, -ENOSYS, "unknown op");
	json_decref(request);
}
