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
#include "web_assets.h"

#define SESSIONS_PATH "/api/sessions"
#define ORIGIN_BYTES 64
#define ID_BYTES 24
#define ARG_BYTES 32
#define FILE_NAME_BYTES (THAG_PROGRAM_BYTES + 64)
#define ETAG_BYTES 128

/* An export that a browser waits for. The connection may be gone before it is done. */
struct thag_route_job {
	struct thag_export export;
	struct lws *wsi; /* NULL: nobody waits any more */
	struct thag_route *route;
	char host[THAG_GATE_HOST_BYTES];
	char file_name[FILE_NAME_BYTES];
	bool without_body;
};

/* One header, whole, or "": two of a kind come joined, which no check lets through. */
static void copy_header(struct lws *wsi, enum lws_token_indexes token, char *out, int size)
{
	if (lws_hdr_copy(wsi, out, size, token) < 0)
		snprintf(out, (size_t)size, "?");
}

unsigned thag_route_refuse(struct lws *wsi, const struct thag_daemon *daemon, bool upgrade,
			   char host[static 32])
{
	char origin[ORIGIN_BYTES] = "";

	host[0] = '\0';
	if (thag_http_is_foreign(wsi))
		return HTTP_STATUS_FORBIDDEN;
	copy_header(wsi, WSI_TOKEN_HOST, host, THAG_GATE_HOST_BYTES);
	copy_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin));
	if (!thag_gate_host_is_ours(host, daemon->port)) {
		host[0] = '\0';
		return HTTP_STATUS_FORBIDDEN;
	}
	if (!upgrade && lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
		return 0;
	return thag_gate_origin_is_ours(origin, daemon->port) ? 0 : HTTP_STATUS_FORBIDDEN;
}

static const struct thag_web_asset *find_asset(const char *path)
{
	for (size_t i = 0; i < thag_web_asset_count; i++)
		if (strcmp(thag_web_assets[i].path, path) == 0)
			return &thag_web_assets[i];
	return NULL;
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

static int send_owned(struct lws *wsi, struct thag_route *route, const struct thag_reply_head *head)
{
	route->reply.body = route->reply.owned.data;
	route->reply.bytes = route->reply.owned.bytes;
	return thag_reply_start(wsi, &route->reply, head);
}

static int send_sessions(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route,
			 struct thag_reply_head *head)
{
	json_t *report = thag_registry_report(&daemon->registry);
	char *text = report ? json_dumps(report, JSON_COMPACT) : NULL;
	int ret = text ? thag_buffer_append(&route->reply.owned, text, strlen(text)) : -ENOMEM;

	free(text);
	json_decref(report);
	if (ret != 0)
		return fail(wsi, head, HTTP_STATUS_INTERNAL_SERVER_ERROR, "out of memory\n");
	head->content_type = "application/json";
	return send_owned(wsi, route, head);
}

static void finish_export(struct thag_route_job *job)
{
	struct thag_reply_head head = { .status = HTTP_STATUS_OK,
					.host = job->host,
					.file_name = job->file_name,
					.without_body = job->without_body };

	if (job->export.error != 0) {
		head.file_name = NULL;
		fail(job->wsi, &head, HTTP_STATUS_INTERNAL_SERVER_ERROR, "out of memory\n");
		lws_set_timeout(job->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_ASYNC);
		return;
	}
	job->route->reply.owned = job->export.out;
	job->export.out = (struct thag_buffer){ 0 };
	if (send_owned(job->wsi, job->route, &head) != 0)
		lws_set_timeout(job->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_ASYNC);
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

static int parse_export(struct lws *wsi, struct thag_export_wish *wish)
{
	char format[ARG_BYTES], thread[ARG_BYTES], raw_text[ARG_BYTES];
	unsigned long long wanted;

	copy_arg(wsi, "format=", format);
	copy_arg(wsi, "thread=", thread);
	copy_arg(wsi, "raw=", raw_text);
	wish->format = format[0] ? thag_export_find_format(format) : THAG_EXPORT_FOLDED;
	if (wish->format == THAG_EXPORT_FORMATS)
		return -EINVAL;
	if (strspn(thread, "0123456789") != strlen(thread))
		return -EINVAL;
	wanted = strtoull(thread, NULL, 10);
	if (wanted > UINT32_MAX)
		return -EINVAL;
	wish->tid = (uint32_t)wanted;
	wish->raw = strcmp(raw_text, "1") == 0 || strcmp(raw_text, "true") == 0;
	return 0;
}

static void name_export(const struct thag_session *session, enum thag_export_format format,
			char out[static FILE_NAME_BYTES])
{
	char stamp[16];

	thag_format_stamp(stamp, session->start_real_ns);
	snprintf(out, FILE_NAME_BYTES, "%s-%s.%s", session->program, stamp,
		 format == THAG_EXPORT_EVENTS ? "events.json" : "folded");
}

static int start_export(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route,
			struct thag_reply_head *head, struct thag_session *session)
{
	struct thag_route_job *job;
	struct thag_export_wish wish;

	if (parse_export(wsi, &wish) != 0)
		return fail(wsi, head, HTTP_STATUS_BAD_REQUEST, "wrong arguments\n");
	job = calloc(1, sizeof(*job));
	if (!job)
		return fail(wsi, head, HTTP_STATUS_INTERNAL_SERVER_ERROR, "out of memory\n");
	job->wsi = wsi;
	job->route = route;
	job->without_body = head->without_body;
	snprintf(job->host, sizeof(job->host), "%s", head->host);
	name_export(session, wish.format, job->file_name);
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

int thag_route_run(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route)
{
	char host[THAG_GATE_HOST_BYTES], path[THAG_HTTP_HEADER_BYTES];
	struct thag_reply_head head = { .status = HTTP_STATUS_OK, .host = host };
	unsigned refused = thag_route_refuse(wsi, daemon, false, host);
	char *uri = NULL;
	int uri_bytes = 0;
	int method = lws_http_get_uri_and_method(wsi, &uri, &uri_bytes);

	head.without_body = method == LWSHUMETH_HEAD;
	if (refused)
		return fail(wsi, &head, refused, "forbidden\n");
	if (method != LWSHUMETH_GET && method != LWSHUMETH_HEAD)
		return fail(wsi, &head, HTTP_STATUS_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	snprintf(path, sizeof(path), "%.*s", uri_bytes, uri);
	return run_path(wsi, daemon, route, &head, path);
}

void thag_route_fini(struct thag_route *route)
{
	if (route->job)
		route->job->wsi = NULL;
	route->job = NULL;
	thag_reply_fini(&route->reply);
}
