/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What browsers ask about functions. */
#include <errno.h>

#include "ws_private.h"

static void on_done(struct thag_ask_job *job);

/* One of a kind at a time; of those that wait the newest. */
static void start(struct thag_ws *ws, struct thag_ws_client *client, enum thag_ask_kind kind)
{
	struct thag_ws_asking *asking = &client->asking[kind];
	struct thag_session *session = thag_ws_find_session(ws, asking->next.session);

	if (asking->busy || asking->next.session == 0)
		return;
	if (!session)
		thag_ws_send_error(client, "no such session");
	else if (thag_ask_start(ws->daemon, session, kind, &asking->next, client->id, on_done,
				ws) != 0)
		thag_ws_send_error(client, "thagd has no memory for this");
	else
		asking->busy = true;
	asking->next.session = 0;
}

static void on_done(struct thag_ask_job *job)
{
	struct thag_ws *ws = job->context;
	struct thag_ws_client *client = thag_ws_find_client(ws, job->client);

	if (client) {
		client->asking[job->kind].busy = false;
		if (job->error == 0)
			thag_ws_send_json(client, SEND_ASKED + (int)job->kind,
					  json_incref(job->answer));
		else
			thag_ws_send_error(client,
					   job->error == -ENOTSUP
						   ? "thagd keeps no timeline of this session"
						   : "thagd has no memory for this");
		if (!ws->daemon->stopping)
			start(ws, client, job->kind);
	}
	thag_ask_destroy(job);
}

void thag_ws_run_ask(struct thag_ws *ws, struct thag_ws_client *client, enum thag_ask_kind kind,
		     json_t *json)
{
	struct thag_ask parsed;
	const char *why;

	if (thag_ask_parse(&parsed, kind, json, thag_ws_latest(ws), &why) != 0) {
		thag_ws_send_error(client, why);
		return;
	}
	client->asking[kind].next = parsed;
	start(ws, client, kind);
}
