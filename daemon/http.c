/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "daemon.h"
#include "gate.h"
#include "listen.h"
#include "log.h"
#include "peer.h"
#include "routes.h"
#include "upload.h"
#include "ws.h"

#define PROTOCOL_BYTES 64
#define CLOSE_TURNS 100

#define POLICY_BYTES 320

struct thag_http {
	struct thag_daemon *daemon;
	struct thag_listen listen;
	struct lws_context *context; /* set to NULL by libwebsockets once it is gone */
	struct lws_vhost *vhost;
	struct thag_ws *ws;
	uint32_t connections;
	uint32_t foreign; /* of them: of other users */
	void *loops[1];
	char policy[POLICY_BYTES];
	struct lws_protocol_vhost_options headers[5];
};

static char foreign_mark; /* its address marks connections of other users */

/*
 * What each response has, libwebsockets' own among them: nothing from elsewhere runs in our page,
 * is loaded by it, or frames it. Not all browsers take 'self' for WebSockets as well; none take
 * an address in brackets.
 */
static void fill_headers(struct thag_http *http)
{
	static const char *const headers[][2] = {
		{ "content-security-policy:", NULL },
		{ "x-content-type-options:", "nosniff" },
		{ "referrer-policy:", "no-referrer" },
		{ "cross-origin-opener-policy:", "same-origin" },
		{ "cross-origin-resource-policy:", "same-origin" },
	};
	const size_t count = sizeof(headers) / sizeof(headers[0]);
	unsigned port = http->daemon->port;

	snprintf(http->policy, sizeof(http->policy),
		 "default-src 'none'; script-src 'self'; style-src 'self'; "
		 "connect-src 'self' ws://localhost:%u ws://127.0.0.1:%u; "
		 "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
		 "form-action 'none'",
		 port, port);
	for (size_t i = 0; i < count; i++)
		http->headers[i] = (struct lws_protocol_vhost_options){
			.next = i + 1 < count ? &http->headers[i + 1] : NULL,
			.name = headers[i][0],
			.value = headers[i][1] ? headers[i][1] : http->policy,
		};
}

bool thag_http_is_foreign(struct lws *wsi)
{
	return lws_get_opaque_user_data(wsi) == &foreign_mark;
}

static struct thag_http *http_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

static void on_log(int level, const char *line)
{
	(void)level; /* whoever can connect could fill the log with its errors */
	thag_log_write(THAG_LOG_DEBUG, "web: %.*s", (int)strcspn(line, "\n"), line);
}

/* Asked before anything else of an upgrade: 0 lets it go on. */
static int confirm_upgrade(struct lws *wsi, const char *kind)
{
	struct thag_http *http = http_of(wsi);
	char protocol[PROTOCOL_BYTES] = "", uri[8] = "";
	struct thag_reply_head head = { 0 };

	head.status = thag_route_refuse(wsi, http->daemon, true);
	if (head.status)
		return thag_reply_short(wsi, &head, "refused\n");
	head.status = HTTP_STATUS_BAD_REQUEST;
	if (lws_hdr_copy(wsi, protocol, sizeof(protocol), WSI_TOKEN_PROTOCOL) < 0 ||
	    lws_hdr_copy(wsi, uri, sizeof(uri), WSI_TOKEN_GET_URI) < 0 || strcmp(uri, "/ws") != 0 ||
	    strcasecmp(kind, "websocket") != 0 || strcmp(protocol, THAG_WS_PROTOCOL) != 0)
		return thag_reply_short(wsi, &head,
					"only /ws, with protocol " THAG_WS_PROTOCOL "\n");
	return 0;
}

static void forget_connection(struct thag_http *http, struct lws *wsi)
{
	if (http->connections)
		http->connections--;
	if (thag_http_is_foreign(wsi))
		http->foreign--;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		   size_t bytes)
{
	struct thag_route *route = user;

	switch (reason) {
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return confirm_upgrade(wsi, in);
	case LWS_CALLBACK_HTTP:
		return thag_route_run(wsi, http_of(wsi)->daemon, route);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return route->job || route->upload ? 0 : thag_reply_continue(wsi, &route->reply);
	case LWS_CALLBACK_HTTP_BODY:
		return route->upload ? thag_upload_take(route->upload, in, bytes) : -1;
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return route->upload ? thag_upload_end(route->upload) : -1;
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (route)
			thag_route_fini(route);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		forget_connection(http_of(wsi), wsi);
		return 0;
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: /* a WebSocket without our protocol */
	case LWS_CALLBACK_RAW_ADOPT:
		return -1;
	default:
		return 0;
	}
}

static int on_ws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		 size_t bytes)
{
	struct thag_ws *ws = http_of(wsi)->ws;

	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		return thag_ws_open(ws, user, wsi);
	case LWS_CALLBACK_RECEIVE:
		return thag_ws_receive(ws, user, in, bytes);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return thag_ws_send(ws, user);
	case LWS_CALLBACK_CLOSED:
		thag_ws_close(ws, user);
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "http", .callback = on_http, .per_session_data_size = sizeof(struct thag_route) },
	{ .name = THAG_WS_PROTOCOL,
	  .callback = on_ws,
	  .per_session_data_size = THAG_WS_CLIENT_BYTES,
	  .rx_buffer_size = THAG_WS_PIECE_BYTES },
	{ 0 },
};

static void on_accepted(void *context, int fd)
{
	struct thag_http *http = context;
	uint32_t before = http->connections;
	struct lws *wsi;
	bool ours;

	ours = before < THAG_HTTP_CONNECTIONS_MAX && thag_peer_is_ours(fd);
	/* other users can't take all places, whatever they hold */
	if (before >= THAG_HTTP_CONNECTIONS_MAX ||
	    (!ours && http->foreign >= THAG_HTTP_FOREIGN_MAX)) {
		close(fd);
		return;
	}
	http->connections++; /* less again when libwebsockets destroys it */
	wsi = lws_adopt_socket_vhost(http->vhost, fd);
	if (!wsi) {
		http->connections = before; /* whether it told us or not */
		return;
	}
	if (!ours) {
		thag_log_write(THAG_LOG_DEBUG, "refused: another user's browser, or one gone");
		lws_set_opaque_user_data(wsi, &foreign_mark);
		http->foreign++;
	}
}

static int open_ports(struct thag_http *http)
{
	const struct thag_options *options = &http->daemon->options;
	uint32_t port = options->port;
	int tries = options->port_given ? 1 : THAG_PORTS_TRIED;
	int ret = -EADDRINUSE;

	for (int i = 0; i < tries && ret == -EADDRINUSE; i++) {
		port = options->port + (uint32_t)i;
		ret = thag_listen_open(&http->listen, &port);
	}
	if (ret == -EADDRINUSE && options->port_given)
		fprintf(stderr, "thagd: port %u is busy; choose another with --port\n", port);
	else if (ret == -EADDRINUSE)
		fprintf(stderr, "thagd: ports %u to %u are busy; choose one with --port\n",
			options->port, port);
	else if (ret != 0)
		fprintf(stderr, "thagd: can't listen on port %u: %s\n", port, strerror(-ret));
	else if (port != options->port && options->port)
		thag_log_write(THAG_LOG_INFO, "port %u is busy: using %u", options->port, port);
	http->daemon->port = port;
	return ret;
}

static int open_context(struct thag_http *http)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8,
		.foreign_loops = http->loops,
		.user = http,
		.pcontext = &http->context,
		.server_string = "thagd",
		.vhost_name = "localhost",
		.headers = http->headers,
		.max_http_header_data = THAG_HTTP_HEADER_BYTES,
		.max_http_header_pool = THAG_HTTP_CONNECTIONS_MAX,
		.fd_limit_per_thread = THAG_HTTP_CONNECTIONS_MAX + THAG_LWS_FDS,
		.timeout_secs = THAG_HTTP_TIMEOUT_S,
		.timeout_secs_ah_idle = THAG_HTTP_TIMEOUT_S,
		.keepalive_timeout = THAG_HTTP_TIMEOUT_S,
		.gid = -1,
		.uid = -1,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
	http->context = lws_create_context(&info);
	if (http->context)
		http->vhost = lws_get_vhost_by_name(http->context, "localhost");
	if (http->vhost)
		return 0;
	fprintf(stderr, "thagd: libwebsockets does not start; is its libuv plugin installed "
			"(Debian: libwebsockets-evlib-uv)?\n");
	return -EIO;
}

static int tell(int ret)
{
	if (ret != 0)
		fprintf(stderr, "thagd: can't start to serve the page: %s\n", strerror(-ret));
	return ret;
}

int thag_http_start(struct thag_daemon *daemon)
{
	struct thag_http *http = calloc(1, sizeof(*http));
	int ret;

	if (!http)
		return tell(-ENOMEM);
	daemon->http = http;
	*http = (struct thag_http){ .daemon = daemon,
				    .listen = THAG_LISTEN_EMPTY,
				    .loops = { &daemon->loop } };
	ret = open_ports(http);
	if (ret == 0)
		ret = tell(thag_ws_create(&http->ws, daemon));
	fill_headers(http);
	if (ret == 0)
		ret = open_context(http);
	if (ret == 0)
		ret = tell(thag_listen_start(&http->listen, &daemon->loop, on_accepted, http));
	return ret;
}

void thag_http_stop(struct thag_http *http)
{
	if (!http)
		return;
	thag_listen_stop(&http->listen);
	if (http->context)
		lws_context_destroy(http->context);
	/* it closes its handles from the loop, and must find them as it left them */
	for (int i = 0; i < CLOSE_TURNS && http->context; i++)
		uv_run(&http->daemon->loop, UV_RUN_NOWAIT);
	/* the second call frees what the handles needed until they were closed */
	if (http->context)
		lws_context_destroy(http->context);
}

void thag_http_destroy(struct thag_http *http)
{
	if (!http)
		return;
	thag_ws_destroy(http->ws);
	free(http);
}
