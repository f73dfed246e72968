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
#include "life.h"
#include "modes.h"
#include "opened.h"

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
	char *text = report ? json_dumps(report, JSON_COMPACT) : NULL;

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
		thag_connection_respond_data(job->connection, export->out.data, export->out.bytes);
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
	*why = "unknown format; 'folded', 'speedscope', 'events' and 'memory' are known";
	if (wish->format == THAG_EXPORT_FORMATS)
		return -EINVAL;
	return thag_metric_parse(&wish->metric, metric, by, from, to, why);
}

static void run_export(struct thag_connection *connection, json_t *request)
{
	struct thag_daemon *daemon = thag_connection_daemon(connection);
	const char *id = "latest", *why;
	struct thag_export_wish wish;
	struct thag_session *session;
	struct export_job *job;

	if (parse_export(request, &id, &wish, &why) != 0) {
		thag_connection_fail(connection, -EINVAL, why);
		return;
	}
	session = thag_registry_find(&daemon->registry, id);
	if (!session) {
		thag_connection_fail(connection, -ENOENT, "no such session");
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

struct open_job {
	struct thag_opened opened;
	struct thag_connection *connection;
};

static void on_opened(struct thag_opened *file)
{
	struct open_job *job = (struct open_job *)file; /* its first field */
	const struct thag_session *session = file->session;
	char id[24];

	if (file->error != 0) {
		thag_connection_fail(job->connection, file->error, file->why);
	} else {
		snprintf(id, sizeof(id), "%llu", (unsigned long long)session->id);
		thag_connection_respond(
			job->connection, 0,
			json_pack("{s:s, s:s, s:b, s:s}", "id", id, "program", session->program,
				  "whole", (int)session->opened.whole, "message", session->message),
			-1);
	}
	free(job);
}

static void run_open(struct thag_connection *connection, json_t *request)
{
	struct open_job *job;
	const char *file;

	if (json_unpack(request, "{s:s}", "file", &file) != 0 || file[0] != '/' ||
	    strlen(file) >= THAG_PATH_BYTES) {
		thag_connection_fail(connection, -EINVAL, "open needs the path of a file");
		return;
	}
	job = calloc(1, sizeof(*job));
	if (!job) {
		thag_connection_fail(connection, -ENOMEM, "thagd has no memory for it");
		return;
	}
	job->connection = connection;
	thag_opened_start(&job->opened, thag_connection_daemon(connection), file, on_opened);
}

static void respond_modes(struct thag_connection *connection, struct thag_session *session)
{
	char id[24];
	json_t *body;

	snprintf(id, sizeof(id), "%llu", (unsigned long long)session->id);
	body = json_pack("{s:s, s:s, s:i, s:s}", "id", id, "program", session->program, "pid",
			 (int)session->pid, "state", thag_session_state_name(session->state));
	if (body)
		thag_modes_report(session, body);
	thag_connection_respond(connection, 0, body, -1);
}

/* enable, disable, and modes, which changes nothing. */
static void run_modes(struct thag_connection *connection, json_t *request, const char *op)
{
	struct thag_daemon *daemon = thag_connection_daemon(connection);
	const char *id = "", *kinds = NULL, *why;
	struct thag_session *session;
	int ret;

	if (json_unpack(request, "{s:s, s?s}", "session", &id, "kinds", &kinds) != 0) {
		thag_connection_fail(connection, -EINVAL, "a field of the switch is wrong");
		return;
	}
	session = thag_registry_find(&daemon->registry, id);
	if (!session) {
		thag_connection_fail(connection, -ENOENT, "no such session");
		return;
	}
	ret = strcmp(op, "modes") == 0 ? 0 : thag_modes_switch(session, op, kinds, &why);
	if (ret != 0)
		thag_connection_fail(connection, ret, why);
	else
		respond_modes(connection, session);
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
	json_t *request = json_loadb(body, bytes, JSON_REJECT_DUPLICATES, NULL);
	const char *op = "";

	if (!request || json_unpack(request, "{s:s}", "op", &op) != 0)
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
