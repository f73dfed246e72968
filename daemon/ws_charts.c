/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What browsers see of timelines. */
#include "ws_private.h"

#include <errno.h>

/* Relaxed: a hint that names came, and when they did the charts are made anew. */
static uint32_t session_names(const struct thag_session *session)
{
	return atomic_load_explicit(&session->naming_counts.version, memory_order_relaxed);
}

struct thag_ws_client *thag_ws_find_client(const struct thag_ws *ws, uint64_t id)
{
	for (struct thag_ws_client *client = ws->clients; client; client = client->next)
		if (client->id == id)
			return client;
	return NULL;
}

static bool chart_is_due(const struct thag_ws_client *client, const struct thag_session *session,
			 uint64_t now)
{
	const struct thag_ws_charting *charting = &client->charting;

	if (charting->busy || charting->request.session != session->id)
		return false;
	if (charting->fresh || charting->refines)
		return true;
	if (charting->request.paused || now < charting->rest_until_ns)
		return false;
	return charting->seen_names != session_names(session) ||
	       charting->seen_state != session->state ||
	       (charting->follows && session->state != THAG_SESSION_OPENING &&
		charting->seen_events != session->counts.events);
}

static void start_chart(struct thag_ws *ws, struct thag_ws_client *client,
			struct thag_session *session);

/* Of an answer to what was asked before, that is over, nothing is sent. */
static void give_chart(struct thag_ws_client *client, const struct thag_chart_job *job)
{
	struct thag_ws_charting *charting = &client->charting;

	charting->rest_until_ns = thag_clock_mono_ns() + job->took_ns;
	charting->follows = job->reaches_end;
	charting->seen_events = job->counts.events;
	charting->seen_state = job->state;
	charting->seen_names = job->names;
	if (charting->fresh)
		return;
	/* what moves on is not waited for */
	charting->refines = job->is_cut && !job->fine &&
			    (!job->reaches_end || !thag_session_is_live(job->session));
	thag_ws_send_later(client, SEND_CHART, job->chart);
	if (job->error == -ENOTSUP)
		thag_ws_send_error(client, "thagd keeps no timeline of this session");
	else if (job->error)
		thag_ws_send_error(client, "thagd has no memory for this chart");
}

static void on_chart_done(struct thag_chart_job *job)
{
	struct thag_ws *ws = job->context;
	struct thag_ws_client *client = thag_ws_find_client(ws, job->client);
	struct thag_session *session;

	if (client) {
		client->charting.busy = false;
		give_chart(client, job);
		session = thag_ws_find_session(ws, client->charting.request.session);
		if ((client->charting.fresh || client->charting.refines) && session &&
		    !ws->daemon->stopping)
			start_chart(ws, client, session);
	}
	thag_chart_job_destroy(job);
}

static void start_chart(struct thag_ws *ws, struct thag_ws_client *client,
			struct thag_session *session)
{
	struct thag_ws_charting *charting = &client->charting;

	if (!chart_is_due(client, session, thag_clock_mono_ns()) ||
	    thag_chart_job_start(ws->daemon, session, &charting->request,
				 charting->refines && !charting->fresh, client->id, on_chart_done,
				 ws) != 0)
		return;
	charting->fresh = charting->refines = false;
	charting->busy = true;
}

void thag_ws_refresh_charts(struct thag_ws *ws)
{
	for (struct thag_ws_client *client = ws->clients; client; client = client->next) {
		struct thag_session *session =
			thag_ws_find_session(ws, client->charting.request.session);

		if (!session)
			continue;
		thag_registry_count(session);
		start_chart(ws, client, session);
	}
}

void thag_ws_run_chart(struct thag_ws *ws, struct thag_ws_client *client, json_t *json)
{
	struct thag_ws_charting *charting = &client->charting;
	struct thag_chart_request request;
	struct thag_session *session;
	const char *why = "thagd has no memory for this chart";

	if (thag_chart_request_parse(&request, json, thag_ws_latest(ws), &why) != 0) {
		thag_ws_send_error(client, why);
		return;
	}
	thag_chart_request_fini(&charting->request);
	charting->request = request;
	charting->fresh = request.session != 0;
	session = thag_ws_find_session(ws, request.session);
	if (session) {
		start_chart(ws, client, session);
		return;
	}
	if (charting->fresh)
		thag_ws_send_error(client, "no such session");
	thag_chart_request_fini(&charting->request);
	charting->fresh = false;
}
