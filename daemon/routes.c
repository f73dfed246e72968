/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "export.h"
#include "format.h"
#include "gate.h"
#include "http.h"
#include "upload.h"
#include "web_assets.h"

#define SESSIONS_PATH "/api/sessions"
#define RECORDINGS_PATH "/api/recordings"
#define ORIGIN_BYTES 64
#define ID_BYTES 24
#define ARG_BYTES 32
#define ASSET_PATH_BYTES 64
#define FILE_NAME_BYTES (THAG_PROGRAM_BYTES + 64)
#define ETAG_BYTES 128

/* An export that a browser waits for. The connection may be gone before it is done. */
struct thag_route_job {
	struct thag_export export;
	struct lws *wsi; /* NULL: nobody waits any more */
	struct thag_route *route;
	char file_name[FILE_NAME_BYTES];
	bool without_body;
};

/* One header, whole, or "": two of a kind come joined, which no check lets through. */
static void copy_header(struct lws *wsi, enum lws_token_indexes token, char *out, int size)
{
	if (lws_hdr_copy(wsi, out, size, token) < 0)
		snprintf(out, (size_t)size, "?");
}

static const struct thag_web_asset *find_asset(const char *path)
{
	for (size_t i = 0; i < thag_web_asset_count; i++)
		if (strcmp(thag_web_assets[i].path, path) == 0)
			return &thag_web_assets[i];
	return NULL;
}

/*
 * Whether the connection is this user's own, or has the token. The parts of the page but the first
 * need none: they tell nothing, and the browser asks for them by itself.
 */
static bool is_let_in(struct lws *wsi, const struct thag_daemon *daemon)
{
	char text[THAG_GATE_TOKEN_BYTES + sizeof("token=")], path[ASSET_PATH_BYTES];
	const char *token;

	if (!thag_http_is_foreign(wsi))
		return true;
	if (!daemon->token[0])
		return false;
	token = lws_get_urlarg_by_name(wsi, "token=", text, sizeof(text));
	if (token && thag_gate_token_is_ours(token, daemon->token))
		return true;
	return lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) > 1 && find_asset(path);
}

unsigned thag_route_refuse(struct lws *wsi, const struct thag_daemon *daemon, bool from_page)
{
	char host[THAG_GATE_HOST_BYTES] = "", origin[ORIGIN_BYTES] = "";

	if (!is_let_in(wsi, daemon))
		return HTTP_STATUS_FORBIDDEN;
	copy_header(wsi, WSI_TOKEN_HOST, host, sizeof(host));
	copy_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin));
	if (!thag_gate_host_is_ours(host, daemon->port))
		return HTTP_STATUS_FORBIDDEN;
	/* by nothing but its length: who reads it otherwise would find another end of it */
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
		return HTTP_STATUS_BAD_REQUEST;
	if (!from_page && lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
		return 0;
	return thag_gate_origin_is_ours(origin, daemon->port) ? 0 : HTTP_STATUS_FORBIDDEN;
}

static int fail(struct lws *wsi, struct thag_reply_head *head, unsigned status, const char *text)
{
	head->status = status;
	return thag_reply_short(wsi, head, text);
}

static int send_asset(struct lws *wsi, struct thag_route *route, struct thag_reply_head *head,
		      const struct thag_web_asset *asset)
{
	char known[ETAG_BYTES] = "";

	copy_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof(known));
	head->content_type = asset->content_type;
	head->etag = asset->etag;
	if (strcmp(known, asset->etag) == 0) {
		head->status = HTTP_STATUS_NOT_MODIFIED;
		head->without_body = true;
	}
	route->reply.body = asset->bytes;
	route->reply.bytes = asset->size;
	return thag_reply_start(wsi, &route->reply, head);
}

int thag_route_send(struct lws *wsi, struct thag_route *route, const struct thag_reply_head *head)
{
	route->reply.body = route->reply.owned.data;
	route->reply.bytes = route->reply.owned.bytes;
	return thag_reply_start(wsi, &route->reply, head);
}

static int send_sessions(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route,
			 struct thag_reply_head *head)
{
	json_t *report = thag_registry_report(&daemon->registry, 0);
	char *text = thag_format_dump(report, JSON_COMPACT);
	int ret = text ? thag_buffer_append(&route->reply.owned, text, strlen(text)) : -ENOMEM;

	free(text);
	json_decref(report);
	if (ret != 0)
		return fail(wsi, head, HTTP_STATUS_INTERNAL_SERVER_ERROR, "out of memory\n");
	head->content_type = "application/json";
	return thag_route_send(wsi, route, head);
}

static void finish_export(struct thag_route_job *job)
{
	struct thag_reply_head head = { .status = HTTP_STATUS_OK,
					.file_name = job->file_name,
					.without_body = job->without_body };

	if (job->export.error != 0) {
		head.file_name = NULL;
		fail(job->wsi, &head, HTTP_STATUS_INTERNAL_SERVER_ERROR, "out of memory\n");
		thag_reply_abandon(job->wsi);
		return;
	}
	job->route->reply.owned = job->export.out;
	job->export.out = (struct thag_buffer){ 0 };
	if (thag_route_send(job->wsi, job->route, &head) != 0) {
		thag_reply_fini(&job->route->reply);
		thag_reply_abandon(job->wsi);
	}
}

static void on_exported(struct thag_export *export)
{
	struct thag_route_job *job = (struct thag_route_job *)export; /* its first field */

	if (job->wsi) {
		job->route->job = NULL;
		finish_export(job);
	}
	thag_export_fini(export);
	free(job);
}

/* An argument of the query, or "" when it is missing; one that is too long is cut, and wrong. */
static void copy_arg(struct lws *wsi, const char *name, char out[static ARG_BYTES])
{
	char text[ARG_BYTES];
	const char *value = lws_get_urlarg_by_name(wsi, name, text, sizeof(text));

	snprintf(out, ARG_BYTES, "%s", value ? value : "");
}

static int parse_number(struct lws *wsi, const char *name, uint64_t most, uint64_t *out)
{
	char text[ARG_BYTES];

	copy_arg(wsi, name, text);
	if (strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, NULL, 10);
	return errno == 0 && *out <= most ? 0 : -EINVAL;
}

static int parse_metric(struct lws *wsi, struct thag_metric_query *metric, const char **why)
{
	char name[ARG_BYTES], by[ARG_BYTES];
	uint64_t from, to;

	copy_arg(wsi, "metric=", name);
	copy_arg(wsi, "by=", by);
	if (parse_number(wsi, "from=", INT64_MAX, &from) != 0 ||
	    parse_number(wsi, "to=", INT64_MAX, &to) != 0)
		return -EINVAL;
	return thag_metric_parse(metric, name, by, (int64_t)from, (int64_t)to, why);
}

static int parse_export(struct lws *wsi, struct thag_export_wish *wish, const char **why)
{
	char format[ARG_BYTES], raw_text[ARG_BYTES];
	uint64_t tid;

	*why = "wrong arguments";
	copy_arg(wsi, "format=", format);
	copy_arg(wsi, "raw=", raw_text);
	wish->format = format[0] ? thag_export_find_format(format) : THAG_EXPORT_FOLDED;
	if (wish->format == THAG_EXPORT_FORMATS ||
	    parse_number(wsi, "thread=", UINT32_MAX, &tid) != 0)
		return -EINVAL;
	wish->tid = (uint32_t)tid;
	wish->raw = strcmp(raw_text, "1") == 0 || strcmp(raw_text, "true") == 0;
	return parse_metric(wsi, &wish->metric, why);
}

/* What a browser calls the file: as those that are written at the end, where there is such a one.
 */
static void name_export(const struct thag_session *session, const struct thag_export_wish *wish,
			char out[static FILE_NAME_BYTES])
{
	const char *suffix = thag_export_suffix(wish->format);
	char stamp[16];

	thag_format_stamp(stamp, session->start_real_ns);
	if (thag_export_is_report(wish->format) || wish->metric.metric == THAG_METRIC_TIME)
		snprintf(out, FILE_NAME_BYTES, "%s-%s.%s", session->program, stamp, suffix);
	else
		snprintf(out, FILE_NAME_BYTES, "%s-%s-memory-%s.%s", session->program, stamp,
			 thag_metric_name((enum thag_metric)wish->metric.metric), suffix);
}

static int start_export(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route,
			struct thag_reply_head *head, struct thag_session *session)
{
	struct thag_route_job *job;
	struct thag_export_wish wish;
	char line[THAG_WHY_BYTES];
	const char *why;

	int ret = parse_export(wsi, &wish, &why);

	if (ret == 0)
		ret = thag_export_check(session, &wish, &why);
	if (ret != 0) {
		snprintf(line, sizeof(line), "%s\n", why);
		return fail(wsi, head,
			    ret == -ENOTSUP ? HTTP_STATUS_NOT_FOUND : HTTP_STATUS_BAD_REQUEST,
			    line);
	}
	job = calloc(1, sizeof(*job));
	if (!job)
		return fail(wsi, head, HTTP_STATUS_INTERNAL_SERVER_ERROR, "out of memory\n");
	job->wsi = wsi;
	job->route = route;
	job->without_body = head->without_body;
	name_export(session, &wish, job->file_name);
	route->job = job;
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, 6 * THAG_HTTP_TIMEOUT_S);
	thag_export_start(&job->export, daemon, session, &wish, on_exported);
	return 0;
}

/* The session of "/api/sessions/ID/export". */
static struct thag_session *find_exported(struct thag_daemon *daemon, const char *path)
{
	char id[ID_BYTES];
	size_t prefix = strlen(SESSIONS_PATH "/");
	const char *slash;

	if (strncmp(path, SESSIONS_PATH "/", prefix) != 0)
		return NULL;
	slash = strchr(path + prefix, '/');
	if (!slash || strcmp(slash, "/export") != 0 || slash - path - (long)prefix >= ID_BYTES)
		return NULL;
	snprintf(id, sizeof(id), "%.*s", (int)(slash - path - (long)prefix), path + prefix);
	return thag_registry_find(&daemon->registry, id);
}

static int run_path(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route,
		    struct thag_reply_head *head, const char *path)
{
	const struct thag_web_asset *asset = find_asset(path);
	struct thag_session *session;

	if (asset)
		return send_asset(wsi, route, head, asset);
	if (strcmp(path, SESSIONS_PATH) == 0)
		return send_sessions(wsi, daemon, route, head);
	session = find_exported(daemon, path);
	if (session)
		return start_export(wsi, daemon, route, head, session);
	return fail(wsi, head, HTTP_STATUS_NOT_FOUND, "not found\n");
}

static int start_upload(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route,
			struct thag_reply_head *head)
{
	char length[ARG_BYTES] = "", name[THAG_UPLOAD_NAME_BYTES];
	const char *why, *given = lws_get_urlarg_by_name(wsi, "name=", name, sizeof(name));
	uint64_t bytes = 0;

	copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof(length));
	if (length[0] && strspn(length, "0123456789") == strlen(length) && strlen(length) < 19)
		bytes = strtoull(length, NULL, 10);
	head->status = thag_upload_begin(wsi, daemon, route,
					 given && given[0] ? given : "recording", bytes, &why);
	return head->status ? fail(wsi, head, head->status, why) : 0;
}

int thag_route_run(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route)
{
	char path[THAG_HTTP_HEADER_BYTES];
	struct thag_reply_head head = { .status = HTTP_STATUS_OK };
	char *uri = NULL;
	int uri_bytes = 0;
	int method = lws_http_get_uri_and_method(wsi, &uri, &uri_bytes);
	unsigned refused;
	bool uploads;

	snprintf(path, sizeof(path), "%.*s", uri_bytes, uri);
	uploads = method == LWSHUMETH_POST && strcmp(path, RECORDINGS_PATH) == 0;
	refused = thag_route_refuse(wsi, daemon, uploads);
	head.without_body = method == LWSHUMETH_HEAD;
	if (refused)
		return fail(wsi, &head, refused, "refused\n");
	if (uploads)
		return start_upload(wsi, daemon, route, &head);
	if (method != LWSHUMETH_GET && method != LWSHUMETH_HEAD)
		return fail(wsi, &head, HTTP_STATUS_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	return run_path(wsi, daemon, route, &head, path);
}

void thag_route_fini(struct thag_route *route)
{
	if (route->job)
		route->job->wsi = NULL;
	route->job = NULL;
	if (route->upload)
		thag_upload_leave(route->upload);
	route->upload = NULL;
	thag_reply_fini(&route->reply);
}
