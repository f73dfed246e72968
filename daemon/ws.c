/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "ws_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

#include "format.h"
#include "life.h"
#include "modes.h"
#include "reply.h"
#include "thag/frames.h"

#define LIST_PERIOD_NS UINT64_C(1000000000) /* counts of live sessions grow all the time */
#define SETTLE_NS UINT64_C(3000000000)	    /* then what happened is in the timeline */
#define OPEN_PERIOD_NS UINT64_C(1000000000) /* so do open calls, without any event */

void thag_ws_send_later(struct thag_ws_client *client, int which, struct thag_blob *blob)
{
	if (!blob)
		return;
	thag_blob_set(&client->waiting[which], blob);
	lws_callback_on_writable(client->wsi);
}

static struct thag_blob *json_blob(json_t *json)
{
	char *text = thag_format_dump(json, JSON_COMPACT);
	struct thag_blob *blob = text ? thag_blob_create(text, strlen(text)) : NULL;

	free(text);
	json_decref(json);
	return blob;
}

void thag_ws_send_json(struct thag_ws_client *client, int which, json_t *json)
{
	struct thag_blob *blob = json_blob(json);

	if (blob)
		thag_ws_send_later(client, which, blob);
	else
		thag_reply_abandon(client->wsi);
	thag_blob_unref(blob);
}

void thag_ws_send_error(struct thag_ws_client *client, const char *message)
{
	/* what could not be made is what it tells of */
	thag_format_is_whole();
	thag_ws_send_json(client, SEND_ERROR,
			  json_pack("{s:s, s:s}", "op", "error", "message", message));
}

/* Why a watch is refused; the page says it beside the text that is at fault. */
static void send_fault(struct thag_ws_client *client, const struct thag_watch_fault *fault)
{
	thag_ws_send_json(client, SEND_ERROR,
			  json_pack("{s:s, s:s, s:s*, s:s*, s:I}", "op", "error", "message",
				    fault->why, "field", fault->field, "text", fault->text, "at",
				    (json_int_t)fault->at));
}

static void make_list(struct thag_ws *ws)
{
	json_t *report = thag_registry_report(&ws->daemon->registry, 0);
	struct thag_blob *list;

	if (report)
		json_object_set_new(report, "op", json_string("sessions"));
	list = json_blob(report);
	if (!list)
		return; /* the one there is stays for now */
	thag_blob_unref(ws->list);
	ws->list = list;
	ws->list_version = ws->daemon->registry.version;
	ws->list_ns = thag_clock_mono_ns();
}

static bool list_is_old(const struct thag_ws *ws)
{
	const struct thag_registry *registry = &ws->daemon->registry;

	return !ws->list || ws->list_version != registry->version ||
	       ((registry->live_count || ws->daemon->openings) &&
		thag_clock_mono_ns() - ws->list_ns > LIST_PERIOD_NS);
}

struct thag_session *thag_ws_find_session(const struct thag_ws *ws, uint64_t id)
{
	const struct thag_registry *registry = &ws->daemon->registry;

	for (uint32_t i = 0; i < registry->count; i++)
		if (registry->sessions[i]->id == id)
			return registry->sessions[i];
	return NULL;
}

uint64_t thag_ws_latest(const struct thag_ws *ws)
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

/* Whether nothing more will come of the range that is watched. */
static bool range_is_over(const struct thag_ws_client *client)
{
	const struct thag_metric_query *metric = &client->watch.metric;

	return metric->metric == THAG_METRIC_TIME && metric->to_ns &&
	       metric->to_ns < UINT64_MAX - SETTLE_NS &&
	       client->seen_duration_ns > metric->to_ns + SETTLE_NS;
}

static bool has_changed(const struct thag_ws_client *client, const struct thag_session *session,
			uint64_t now)
{
	if (range_is_over(client))
		return client->seen_names != names_version(session);
	return client->seen_events != session->counts.events ||
	       client->seen_names != names_version(session) ||
	       client->seen_state != session->state ||
	       (thag_session_is_live(session) && now - client->seen_ns > OPEN_PERIOD_NS);
}

/* The other side of a difference; one that has gone has, too. */
static bool base_has_changed(const struct thag_ws *ws, const struct thag_ws_client *client,
			     uint64_t now)
{
	const struct thag_session *base;
	struct thag_view_mark mark;

	if (client->watch.base == 0)
		return false;
	base = thag_ws_find_session(ws, client->watch.base);
	if (!base)
		return true;
	mark = thag_view_mark(base);
	return mark.events != client->seen_base.events || mark.state != client->seen_base.state ||
	       mark.names != client->seen_base.names ||
	       (thag_session_is_live(base) && now - client->seen_ns > OPEN_PERIOD_NS);
}

static bool is_due(const struct thag_ws *ws, const struct thag_ws_client *client,
		   const struct thag_session *session, uint64_t now)
{
	if (!client->watching || client->watch.session != session->id)
		return false;
	if (client->fresh)
		return true;
	if (client->watch.paused || now < client->rest_until_ns)
		return false;
	return has_changed(client, session, now) || base_has_changed(ws, client, now);
}

static const char *why_not_whole(const struct thag_view_wish *query)
{
	return query->watch.base && !query->base ? "the session to compare with is gone"
						 : "thagd has no memory for this view";
}

static void give_frames(struct thag_ws_client *client, const struct thag_view_job *view)
{
	const struct thag_view_wish *query = thag_view_find(view, &client->watch);

	if (!client->watching || !query)
		return;
	client->fresh = false;
	client->seen_events = view->counts.events;
	client->seen_state = view->state;
	client->seen_names = view->names;
	client->seen_duration_ns = view->duration_ns;
	client->seen_ns = thag_clock_mono_ns();
	client->rest_until_ns = client->seen_ns + view->took_ns;
	client->seen_base = query->base_mark;
	if (!thag_view_is_whole(query))
		thag_ws_send_error(client, why_not_whole(query));
	/* it won't come back */
	client->watching = !query->watch.base || query->base;
	thag_ws_send_later(client, SEND_FLAME, query->flame);
	thag_ws_send_later(client, SEND_CALLERS, query->callers);
	thag_ws_send_later(client, SEND_CALLEES, query->callees);
	thag_ws_send_later(client, SEND_TABLE, query->table);
	thag_ws_send_later(client, SEND_DURATIONS, query->durations);
	thag_ws_send_later(client, SEND_MEMORY, query->memory);
}

static void start_view(struct thag_ws *ws, struct thag_session *session);

static void on_view_done(struct thag_view_job *view)
{
	struct thag_ws *ws = view->context;
	struct thag_session *session = thag_ws_find_session(ws, view->session->id);
	bool waiting = false;

	remove_view(ws, view);
	for (struct thag_ws_client *client = ws->clients; client; client = client->next) {
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
	for (struct thag_ws_client *client = ws->clients; client; client = client->next)
		if (is_due(ws, client, session, now) &&
		    !thag_view_add(view, &client->watch,
				   thag_ws_find_session(ws, client->watch.base)))
			break;
	if (view->query_count == 0) {
		thag_view_destroy(view);
		return;
	}
	ws->views[ws->view_count++] = view;
	thag_view_start(view, on_view_done, ws);
}

static bool is_watched(const struct thag_ws *ws, const struct thag_session *session)
{
	for (const struct thag_ws_client *client = ws->clients; client; client = client->next)
		if (client->watching &&
		    (client->watch.session == session->id || client->watch.base == session->id))
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
		for (struct thag_ws_client *client = ws->clients; client; client = client->next)
			thag_ws_send_later(client, SEND_LIST, ws->list);
	}
	refresh_views(ws);
	thag_ws_refresh_charts(ws);
}

static void run_watch(struct thag_ws *ws, struct thag_ws_client *client, json_t *request)
{
	struct thag_session *session;
	struct thag_watch_fault fault;
	struct thag_watch watch;

	if (thag_watch_parse(&watch, request, thag_ws_latest(ws), &fault) != 0) {
		send_fault(client, &fault);
		return;
	}
	session = thag_ws_find_session(ws, watch.session);
	if (!session) {
		client->watching = false;
		thag_ws_send_error(client, "no such session");
		return;
	}
	client->watch = watch;
	client->watching = client->fresh = true;
	start_view(ws, session);
}

/* The answer is the list, which says what is waited for and, in time, what is recorded. */
static void run_switch(struct thag_ws *ws, struct thag_ws_client *client, json_t *request,
		       const char *op)
{
	struct thag_registry *registry = &ws->daemon->registry;
	struct thag_session *session;
	const char *id = "", *kinds = NULL, *why;

	if (json_unpack(request, "{s:s, s?s}", "session", &id, "kinds", &kinds) != 0) {
		thag_ws_send_error(client, "a field of the switch is wrong");
		return;
	}
	session = thag_registry_find(registry, id);
	if (!session)
		thag_ws_send_error(client, "no such session");
	else if (thag_modes_switch(session, op, kinds, &why) != 0)
		thag_ws_send_error(client, why);
	else
		registry->version++;
}

/* The answer is the list, without it. */
static void run_forget(struct thag_ws *ws, struct thag_ws_client *client, json_t *request)
{
	const char *id, *why;

	if (json_unpack(request, "{s:s}", "session", &id) != 0)
		thag_ws_send_error(client, "forget needs a session");
	else if (thag_registry_forget(&ws->daemon->registry, id, &why) != 0)
		thag_ws_send_error(client, why);
}

/* The answer is the list, which says that it is being ended, and then that it has. */
static void run_end(struct thag_ws *ws, struct thag_ws_client *client, json_t *request)
{
	struct thag_session *session = NULL;
	const char *id, *why = "no such session";
	int ret = json_unpack(request, "{s:s}", "session", &id);

	if (ret != 0)
		why = "end needs a session";
	else
		session = thag_registry_find(&ws->daemon->registry, id);
	if (!session || thag_life_end(session, &why) != 0)
		thag_ws_send_error(client, why);
}

static void run_request(struct thag_ws *ws, struct thag_ws_client *client)
{
	json_t *request;
	const char *op = "";
	int ret = thag_format_load(&request, client->rx, client->rx_bytes, 0);

	if (ret == -ENOMEM)
		thag_ws_send_error(client, "thagd has no memory for this");
	else if (!request || json_unpack(request, "{s:s}", "op", &op) != 0)
		thag_ws_send_error(client, "not a request");
	else if (strcmp(op, "watch") == 0)
		run_watch(ws, client, request);
	else if (strcmp(op, "chart") == 0)
		thag_ws_run_chart(ws, client, request);
	else if (thag_ask_find_kind(op) != THAG_ASK_KINDS)
		thag_ws_run_ask(ws, client, thag_ask_find_kind(op), request);
	else if (strcmp(op, "enable") == 0 || strcmp(op, "disable") == 0)
		run_switch(ws, client, request, op);
	else if (strcmp(op, "forget") == 0)
		run_forget(ws, client, request);
	else if (strcmp(op, "end") == 0)
		run_end(ws, client, request);
	else if (strcmp(op, "record") == 0 || strcmp(op, "unrecord") == 0)
		thag_ws_run_record(ws, client, request);
	else
		thag_ws_send_error(client, "unknown op");
	json_decref(request);
}

static void forget_request(struct thag_ws_client *client)
{
	free(client->rx);
	client->rx = NULL;
	client->rx_bytes = 0;
}

int thag_ws_receive(struct thag_ws *ws, void *user, const void *data, size_t bytes)
{
	struct thag_ws_client *client = user;
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
static void number(struct thag_ws_client *client, struct thag_blob *blob)
{
	memcpy(blob->data + offsetof(struct thag_frame_header, sequence), &client->sequence,
	       sizeof(client->sequence));
	client->sequence++;
}

int thag_ws_send(struct thag_ws *ws, void *user)
{
	struct thag_ws_client *client = user;
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
	struct thag_ws_client *client = user;

	client->wsi = wsi;
	client->id = ++ws->last_id;
	client->next = ws->clients;
	ws->clients = client;
	if (list_is_old(ws))
		make_list(ws);
	thag_ws_send_later(client, SEND_LIST, ws->list);
	return 0;
}

void thag_ws_close(struct thag_ws *ws, void *user)
{
	struct thag_ws_client *client = user;

	for (struct thag_ws_client **at = &ws->clients; *at; at = &(*at)->next) {
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
