/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "ws.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

#include "chart.h"
#include "daemon.h"
#include "modes.h"
#include "thag/frames.h"
#include "view.h"

#define LIST_PERIOD_NS UINT64_C(1000000000) /* counts of live sessions grow all the time */
#define OPEN_PERIOD_NS UINT64_C(1000000000) /* so do open calls, without any event */

/* What waits to be sent, in the order it is sent. */
enum {
	SEND_ERROR,
	SEND_LIST,
	SEND_FLAME,
	SEND_CALLERS,
	SEND_CALLEES,
	SEND_TABLE,
	SEND_DURATIONS,
	SEND_MEMORY,
	SEND_CHART,
	SEND_COUNT
};

/* What a browser sees of a timeline, beside what it watches. */
struct charting {
	struct thag_chart_request request; /* its session 0: nothing */
	bool fresh;			   /* it has not been answered */
	bool busy;			   /* an answer is being made */
	bool follows;			   /* the window reaches the newest events */
	uint64_t seen_events;
	enum thag_session_state seen_state;
	uint32_t seen_names;
	uint64_t rest_until_ns;
};

struct client {
	struct client *next;
	uint64_t id; /* answers that are being made outlive it */
	struct lws *wsi;
	struct thag_blob *waiting[SEND_COUNT]; /* a newer one replaces it */
	uint32_t sequence;
	bool watching;
	bool fresh; /* a request has not been answered */
	struct thag_watch watch;
	uint64_t seen_events;
	enum thag_session_state seen_state;
	uint32_t seen_names;
	uint64_t seen_ns;
	uint64_t rest_until_ns; /* frames that take long are made less often */
	struct charting charting;
	size_t rx_bytes;
	char *rx; /* what came of a request, NULL: nothing */
};

_Static_assert(sizeof(struct client) <= THAG_WS_CLIENT_BYTES, "the room libwebsockets gives");

struct thag_ws {
	struct thag_daemon *daemon;
	uv_timer_t timer;
	struct client *clients;
	uint64_t last_id;
	struct thag_view_job *views[THAG_SESSIONS_LIVE_MAX]; /* jobs under way */
	uint32_t view_count;
	struct thag_blob *list;
	uint64_t list_version;
	uint64_t list_ns;
};

static void send_later(struct client *client, int which, struct thag_blob *blob)
{
	if (!blob)
		return;
	thag_blob_set(&client->waiting[which], blob);
	lws_callback_on_writable(client->wsi);
}

static struct thag_blob *json_blob(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct thag_blob *blob = text ? thag_blob_create(text, strlen(text)) : NULL;

	free(text);
	json_decref(json);
	return blob;
}

static void send_error(struct client *client, const char *message)
{
	struct thag_blob *blob =
		json_blob(json_pack("{s:s, s:s}", "op", "error", "message", message));

	send_later(client, SEND_ERROR, blob);
	thag_blob_unref(blob);
}

/* Why a watch is refused; the page says it beside the text that is at fault. */
static void send_fault(struct client *client, const struct thag_watch_fault *fault)
{
	struct thag_blob *blob = json_blob(
		json_pack("{s:s, s:s, s:s*, s:s*, s:I}", "op", "error", "message", fault->why,
			  "field", fault->field, "text", fault->text, "at", (json_int_t)fault->at));

	send_later(client, SEND_ERROR, blob);
	thag_blob_unref(blob);
}

static void make_list(struct thag_ws *ws)
{
	json_t *report = thag_registry_report(&ws->daemon->registry, 0);

	if (report)
		json_object_set_new(report, "op", json_string("sessions"));
	thag_blob_unref(ws->list);
	ws->list = json_blob(report);
	ws->list_version = ws->daemon->registry.version;
	ws->list_ns = thag_clock_mono_ns();
}

static bool list_is_old(const struct thag_ws *ws)
{
	const struct thag_registry *registry = &ws->daemon->registry;

	return !ws->list || ws->list_version != registry->version ||
	       (registry->live_count && thag_clock_mono_ns() - ws->list_ns > LIST_PERIOD_NS);
}

static struct thag_session *find_session(const struct thag_ws *ws, uint64_t id)
{
	const struct thag_registry *registry = &ws->daemon->registry;

	for (uint32_t i = 0; i < registry->count; i++)
		if (registry->sessions[i]->id == id)
			return registry->sessions[i];
	return NULL;
}

static uint64_t latest_id(const struct thag_ws *ws)
{
	const struct thag_session *latest = thag_registry_find(&ws->daemon->registry, "latest");

	return latest ? latest->id : 0;
}

static bool has_view(const struct thag_ws *ws, uint64_t session)
{
	for (uint32_t i = 0; i < ws->view_count; i++)
		if (ws->views[i]->session->id == session)
			return true;
	return false;
}

static void remove_view(struct thag_ws *ws, const struct thag_view_job *view)
{
	for (uint32_t i = 0; i < ws->view_count; i++) {
		if (ws->views[i] != view)
			continue;
		ws->views[i] = ws->views[--ws->view_count];
		return;
	}
}

/* Relaxed: a hint that names came, and when they did the frames are made anew. */
static uint32_t names_version(const struct thag_session *session)
{
	return atomic_load_explicit(&session->naming_counts.version, memory_order_relaxed);
}

static bool is_due(const struct client *client, const struct thag_session *session, uint64_t now)
{
	if (!client->watching || client->watch.session != session->id)
		return false;
	if (client->fresh)
		return true;
	if (client->watch.paused || now < client->rest_until_ns)
		return false;
	return client->seen_events != session->counts.events ||
	       client->seen_names != names_version(session) ||
	       client->seen_state != session->state ||
	       (thag_session_is_live(session) && now - client->seen_ns > OPEN_PERIOD_NS);
}

static void give_frames(struct client *client, const struct thag_view_job *view)
{
	const struct thag_view_wish *query = thag_view_find(view, &client->watch);

	if (!client->watching || !query)
		return;
	client->fresh = false;
	client->seen_events = view->counts.events;
	client->seen_state = view->state;
	client->seen_names = view->names;
	client->seen_ns = thag_clock_mono_ns();
	client->rest_until_ns = client->seen_ns + view->took_ns;
	if (!thag_view_is_whole(query))
		send_error(client, "thagd has no memory for this view");
	send_later(client, SEND_FLAME, query->flame);
	send_later(client, SEND_CALLERS, query->callers);
	send_later(client, SEND_CALLEES, query->callees);
	send_later(client, SEND_TABLE, query->table);
	send_later(client, SEND_DURATIONS, query->durations);
	send_later(client, SEND_MEMORY, query->memory);
}

static void start_view(struct thag_ws *ws, struct thag_session *session);

static void on_view_done(struct thag_view_job *view)
{
	struct thag_ws *ws = view->context;
	struct thag_session *session = find_session(ws, view->session->id);
	bool waiting = false;

	remove_view(ws, view);
	for (struct client *client = ws->clients; client; client = client->next) {
		give_frames(client, view);
		waiting |= client->watching && client->fresh;
	}
	/* who asked while it was made is not kept waiting for the next turn */
	if (waiting && session && !ws->daemon->stopping)
		start_view(ws, session);
	thag_view_destroy(view);
}

/* Makes frames for all who are due, if any and if none are being made. */
static void start_view(struct thag_ws *ws, struct thag_session *session)
{
	uint64_t now = thag_clock_mono_ns();
	struct thag_view_job *view;

	if (ws->view_count == THAG_SESSIONS_LIVE_MAX || has_view(ws, session->id))
		return;
	view = thag_view_create(ws->daemon, session);
	if (!view)
		return;
	for (struct client *client = ws->clients; client; client = client->next)
		if (is_due(client, session, now) && !thag_view_add(view, &client->watch))
			break;
	if (view->query_count == 0) {
		thag_view_destroy(view);
		return;
	}
	ws->views[ws->view_count++] = view;
	thag_view_start(view, on_view_done, ws);
}

/* --- charts --- */

static struct client *find_client(const struct thag_ws *ws, uint64_t id)
{
	for (struct client *client = ws->clients; client; client = client->next)
		if (client->id == id)
			return client;
	return NULL;
}

static bool chart_is_due(const struct client *client, const struct thag_session *session,
			 uint64_t now)
{
	const struct charting *charting = &client->charting;

	if (charting->busy || charting->request.session != session->id)
		return false;
	if (charting->fresh)
		return true;
	if (charting->request.paused || now < charting->rest_until_ns)
		return false;
	return charting->seen_names != names_version(session) ||
	       charting->seen_state != session->state ||
	       (charting->follows && charting->seen_events != session->counts.events);
}

static void start_chart(struct thag_ws *ws, struct client *client, struct thag_session *session);

/* Of an answer to what was asked before, that is over, nothing is sent. */
static void give_chart(struct client *client, const struct thag_chart_job *job)
{
	struct charting *charting = &client->charting;

	charting->rest_until_ns = thag_clock_mono_ns() + job->took_ns;
	charting->follows = job->reaches_end;
	charting->seen_events = job->counts.events;
	charting->seen_state = job->state;
	charting->seen_names = job->names;
	if (charting->fresh)
		return;
	send_later(client, SEND_CHART, job->chart);
	if (job->error == -ENOTSUP)
		send_error(client, "thagd keeps no timeline of this session");
	else if (job->error)
		send_error(client, "thagd has no memory for this chart");
}

static void on_chart_done(struct thag_chart_job *job)
{
	struct thag_ws *ws = job->context;
	struct client *client = find_client(ws, job->client);
	struct thag_session *session;

	if (client) {
		client->charting.busy = false;
		give_chart(client, job);
		session = find_session(ws, client->charting.request.session);
		if (client->charting.fresh && session && !ws->daemon->stopping)
			start_chart(ws, client, session);
	}
	thag_chart_job_destroy(job);
}

static void start_chart(struct thag_ws *ws, struct client *client, struct thag_session *session)
{
	struct charting *charting = &client->charting;

	if (!chart_is_due(client, session, thag_clock_mono_ns()) ||
	    thag_chart_job_start(ws->daemon, session, &charting->request, client->id, on_chart_done,
				 ws) != 0)
		return;
	charting->fresh = false;
	charting->busy = true;
}

static void refresh_charts(struct thag_ws *ws)
{
	for (struct client *client = ws->clients; client; client = client->next) {
		struct thag_session *session = find_session(ws, client->charting.request.session);

		if (!session)
			continue;
		thag_registry_count(session);
		start_chart(ws, client, session);
	}
}

static void run_chart(struct thag_ws *ws, struct client *client, json_t *json)
{
	struct charting *charting = &client->charting;
	struct thag_chart_request request;
	struct thag_session *session;
	const char *why = "thagd has no memory for this chart";

	if (thag_chart_request_parse(&request, json, latest_id(ws), &why) != 0) {
		send_error(client, why);
		return;
	}
	thag_chart_request_fini(&charting->request);
	charting->request = request;
	charting->fresh = request.session != 0;
	session = find_session(ws, request.session);
	if (session) {
		start_chart(ws, client, session);
		return;
	}
	if (charting->fresh)
		send_error(client, "no such session");
	thag_chart_request_fini(&charting->request);
	charting->fresh = false;
}

static bool is_watched(const struct thag_ws *ws, const struct thag_session *session)
{
	for (const struct client *client = ws->clients; client; client = client->next)
		if (client->watching && client->watch.session == session->id)
			return true;
	return false;
}

static void refresh_views(struct thag_ws *ws)
{
	struct thag_registry *registry = &ws->daemon->registry;

	for (uint32_t i = 0; i < registry->count; i++) {
		struct thag_session *session = registry->sessions[i];

		if (!is_watched(ws, session))
			continue;
		thag_registry_count(session);
		start_view(ws, session);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct thag_ws *ws = timer->data;

	if (!ws->clients || ws->daemon->stopping)
		return;
	if (list_is_old(ws)) {
		make_list(ws);
		for (struct client *client = ws->clients; client; client = client->next)
			send_later(client, SEND_LIST, ws->list);
	}
	refresh_views(ws);
	refresh_charts(ws);
}

static void run_watch(struct thag_ws *ws, struct client *client, json_t *request)
{
	struct thag_session *session;
	struct thag_watch_fault fault;
	struct thag_watch watch;

	if (thag_watch_parse(&watch, request, latest_id(ws), &fault) != 0) {
		send_fault(client, &fault);
		return;
	}
	session = find_session(ws, watch.session);
	if (!session) {
		client->watching = false;
		send_error(client, "no such session");
		return;
	}
	client->watch = watch;
	client->watching = client->fresh = true;
	start_view(ws, session);
}

/* The answer is the list, which says what is waited for and, in time, what is recorded. */
static void run_switch(struct thag_ws *ws, struct client *client, json_t *request, const char *op)
{
	struct thag_registry *registry = &ws->daemon->registry;
	struct thag_session *session;
	const char *id = "", *kinds = NULL, *why;

	if (json_unpack(request, "{s:s, s?s}", "session", &id, "kinds", &kinds) != 0) {
		send_error(client, "a field of the switch is wrong");
		return;
	}
	session = thag_registry_find(registry, id);
	if (!session)
		send_error(client, "no such session");
	else if (thag_modes_switch(session, op, kinds, &why) != 0)
		send_error(client, why);
	else
		registry->version++;
}

static void run_request(struct thag_ws *ws, struct client *client)
{
	json_t *request = json_loadb(client->rx, client->rx_bytes, 0, NULL);
	const char *op = "";

	if (!request || json_unpack(request, "{s:s}", "op", &op) != 0)
		send_error(client, "not a request");
	else if (strcmp(op, "watch") == 0)
		run_watch(ws, client, request);
	else if (strcmp(op, "chart") == 0)
		run_chart(ws, client, request);
	else if (strcmp(op, "enable") == 0 || strcmp(op, "disable") == 0)
		run_switch(ws, client, request, op);
	else
		send_error(client, "unknown op");
	json_decref(request);
}

static void forget_request(struct client *client)
{
	free(client->rx);
	client->rx = NULL;
	client->rx_bytes = 0;
}

int thag_ws_receive(struct thag_ws *ws, void *user, const void *data, size_t bytes)
{
	struct client *client = user;
	char *grown;

	if (lws_frame_is_binary(client->wsi)) {
		lws_close_reason(client->wsi, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, NULL, 0);
		return -1;
	}
	if (bytes > THAG_WS_MESSAGE_BYTES - client->rx_bytes) {
		lws_close_reason(client->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
		return -1;
	}
	grown = realloc(client->rx, client->rx_bytes + bytes + 1);
	if (!grown)
		return -1;
	client->rx = grown;
	memcpy(client->rx + client->rx_bytes, data, bytes);
	client->rx_bytes += bytes;
	if (!lws_is_final_fragment(client->wsi))
		return 0;
	run_request(ws, client);
	forget_request(client);
	return 0;
}

/* Frames are shared by browsers; only this number is each one's own. */
static void number(struct client *client, struct thag_blob *blob)
{
	memcpy(blob->data + offsetof(struct thag_frame_header, sequence), &client->sequence,
	       sizeof(client->sequence));
	client->sequence++;
}

int thag_ws_send(struct thag_ws *ws, void *user)
{
	struct client *client = user;
	struct thag_blob *blob = NULL;
	int which = 0, sent;

	(void)ws;
	while (which < SEND_COUNT && !client->waiting[which])
		which++;
	if (which == SEND_COUNT)
		return 0;
	blob = client->waiting[which];
	client->waiting[which] = NULL;
	if (which >= SEND_FLAME)
		number(client, blob);
	sent = lws_write(client->wsi, blob->data, blob->bytes,
			 which >= SEND_FLAME ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
	if (sent < (int)blob->bytes) {
		thag_blob_unref(blob);
		return -1;
	}
	thag_blob_unref(blob);
	lws_callback_on_writable(client->wsi); /* for what waits, if anything does */
	return 0;
}

int thag_ws_open(struct thag_ws *ws, void *user, struct lws *wsi)
{
	struct client *client = user;

	client->wsi = wsi;
	client->id = ++ws->last_id;
	client->next = ws->clients;
	ws->clients = client;
	if (list_is_old(ws))
		make_list(ws);
	send_later(client, SEND_LIST, ws->list);
	return 0;
}

void thag_ws_close(struct thag_ws *ws, void *user)
{
	struct client *client = user;

	for (struct client **at = &ws->clients; *at; at = &(*at)->next) {
		if (*at != client)
			continue;
		*at = client->next;
		break;
	}
	for (int i = 0; i < SEND_COUNT; i++)
		thag_blob_set(&client->waiting[i], NULL);
	thag_chart_request_fini(&client->charting.request);
	forget_request(client);
}

int thag_ws_create(struct thag_ws **out, struct thag_daemon *daemon)
{
	struct thag_ws *ws = calloc(1, sizeof(*ws));

	if (!ws)
		return -ENOMEM;
	ws->daemon = daemon;
	uv_timer_init(&daemon->loop, &ws->timer);
	ws->timer.data = ws;
	uv_timer_start(&ws->timer, on_timer, THAG_VIEW_PERIOD_MS, THAG_VIEW_PERIOD_MS);
	*out = ws;
	return 0;
}

void thag_ws_destroy(struct thag_ws *ws)
{
	if (!ws)
		return;
	thag_blob_unref(ws->list);
	free(ws);
}
