/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Recordings that are begun and ended from pages. */
#include <stdlib.h>
#include <string.h>

#include "recording_job.h"
#include "ws_private.h"

struct record_job {
	struct thag_recording_job recording;
	struct thag_ws *ws;
	uint64_t client;
};

/* The answer is the list; who asked is told why not, if it is still there. */
static void on_done(struct thag_recording_job *recording)
{
	struct record_job *job = (struct record_job *)recording; /* its first field */
	struct thag_ws_client *client = thag_ws_find_client(job->ws, job->client);

	if (client && recording->error != 0)
		thag_ws_send_error(client, recording->why);
	free(job);
}

void thag_ws_run_record(struct thag_ws *ws, struct thag_ws_client *client, json_t *json)
{
	struct thag_session *session;
	const char *op = "", *id = "";
	struct record_job *job;
	json_t *request;

	if (json_unpack(json, "{s:s, s:s}", "op", &op, "session", &id) != 0) {
		thag_ws_send_error(client, "record needs a session");
		return;
	}
	session = thag_registry_find(&ws->daemon->registry, id);
	if (!session) {
		thag_ws_send_error(client, "no such session");
		return;
	}
	/* a page doesn't choose where files are written */
	request = json_pack("{s:s}", "op", op);
	job = calloc(1, sizeof(*job));
	if (request && job) {
		job->ws = ws;
		job->client = client->id;
		thag_recording_job_start(&job->recording, ws->daemon, session, request, on_done);
	} else {
		thag_ws_send_error(client, "thagd has no memory for this");
		free(job);
	}
	json_decref(request);
}
