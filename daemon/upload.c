/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <libwebsockets.h>

#include "daemon.h"
#include "files.h"
#include "format.h"
#include "opened.h"
#include "routes.h"

#define DEFAULT_FOLDER "/var/tmp" /* on a disk: recordings may be larger than memory */

struct thag_upload {
	struct thag_opened opened; /* its first field */
	uv_work_t work;		   /* that writes */
	struct thag_daemon *daemon;
	struct thag_route *route;
	struct lws *wsi; /* NULL: nobody waits any more */
	int fd;
	unsigned status; /* of the answer */
	const char *why; /* it is refused: what comes is dropped; else NULL */
	int error;	 /* of writing */
	bool counted;	 /* among those of the daemon */
	bool writing;
	bool ended; /* all came */
	bool opening;
	uint64_t bytes_left;
	size_t filled;
	size_t being_written;
	uint8_t *buffers[2]; /* what comes in; what is being written */
	char name[THAG_UPLOAD_NAME_BYTES];
};

static void destroy(struct thag_upload *upload)
{
	if (upload->counted)
		upload->daemon->uploads--;
	if (upload->fd >= 0)
		close(upload->fd);
	free(upload->buffers[0]);
	free(upload->buffers[1]);
	free(upload);
}

static int open_file(void)
{
	const char *folder = getenv("TMPDIR");

	return (int)TEMP_FAILURE_RETRY(open(folder && folder[0] == '/' ? folder : DEFAULT_FOLDER,
					    O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
}

/* Who sends listens when all was sent, and a connection closed before would lose the answer. */
static void refuse(struct thag_upload *upload, unsigned status, const char *why)
{
	upload->status = status;
	upload->why = why;
}

static void prepare(struct thag_upload *upload)
{
	struct thag_daemon *daemon = upload->daemon;

	if (daemon->uploads >= THAG_UPLOADS_MAX) {
		refuse(upload, HTTP_STATUS_SERVICE_UNAVAILABLE,
		       "other recordings are being sent: try again");
		return;
	}
	upload->counted = true;
	daemon->uploads++;
	upload->fd = open_file();
	for (int i = 0; i < 2; i++)
		upload->buffers[i] = malloc(THAG_UPLOAD_PIECE_BYTES);
	if (upload->fd < 0 || !upload->buffers[0] || !upload->buffers[1])
		refuse(upload, HTTP_STATUS_INTERNAL_SERVER_ERROR, "thagd has no room for the file");
}

unsigned thag_upload_begin(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route,
			   const char *name, uint64_t bytes, const char **why)
{
	struct thag_upload *upload;

	*why = "the file is empty, or too large\n";
	if (bytes == 0 || bytes > THAG_UPLOAD_BYTES_MAX)
		return HTTP_STATUS_REQ_ENTITY_TOO_LARGE;
	*why = "thagd has no memory for the file\n";
	upload = calloc(1, sizeof(*upload));
	if (!upload)
		return HTTP_STATUS_INTERNAL_SERVER_ERROR;
	*upload = (struct thag_upload){ .daemon = daemon,
					.route = route,
					.wsi = wsi,
					.fd = -1,
					.status = HTTP_STATUS_OK,
					.bytes_left = bytes };
	snprintf(upload->name, sizeof(upload->name), "%s", name);
	prepare(upload);
	route->upload = upload;
	return 0;
}

/* --- the answer --- */

static void answer(struct thag_upload *upload, json_t *body)
{
	struct thag_reply_head head = { .status = upload->status,
					.content_type = "application/json" };
	struct thag_route *route = upload->route;
	char *text = thag_format_dump(body, JSON_COMPACT);

	json_decref(body);
	route->upload = NULL;
	if (!text || thag_buffer_append(&route->reply.owned, text, strlen(text)) != 0 ||
	    thag_route_send(upload->wsi, route, &head) != 0) {
		thag_reply_fini(&route->reply);
		thag_reply_abandon(upload->wsi);
	}
	free(text);
}

static void on_opened(struct thag_opened *wish)
{
	struct thag_upload *upload = (struct thag_upload *)wish; /* its first field */
	const struct thag_session *session = wish->session;
	char id[24];

	if (upload->wsi && wish->error != 0) {
		answer(upload, json_pack("{s:s}", "error", wish->why));
	} else if (upload->wsi) {
		snprintf(id, sizeof(id), "%llu", (unsigned long long)session->id);
		answer(upload, json_pack("{s:s, s:o, s:b, s:o}", "id", id, "program",
					 thag_format_json(session->program, THAG_PROGRAM_BYTES),
					 "whole", (int)session->opened.whole, "message",
					 thag_format_json(session->message, THAG_MESSAGE_BYTES)));
	}
	destroy(upload);
}

/* --- writing --- */

static void run(uv_work_t *work)
{
	struct thag_upload *upload = work->data;

	upload->error = thag_write_all(upload->fd, upload->buffers[1], upload->being_written);
}

static void go_on(struct thag_upload *upload);

static void after(uv_work_t *work, int status)
{
	struct thag_upload *upload = work->data;
	struct thag_daemon *daemon = upload->daemon;

	(void)status;
	upload->writing = false;
	if (upload->error != 0)
		refuse(upload, HTTP_STATUS_OK, strerror(-upload->error));
	if (upload->wsi)
		go_on(upload);
	else
		destroy(upload);
	thag_daemon_release(daemon);
}

static void begin_writing(struct thag_upload *upload)
{
	uint8_t *full = upload->buffers[0];

	upload->buffers[0] = upload->buffers[1];
	upload->buffers[1] = full;
	upload->being_written = upload->filled;
	upload->filled = 0;
	upload->writing = true;
	upload->work.data = upload;
	thag_daemon_hold(upload->daemon);
	uv_queue_work(&upload->daemon->loop, &upload->work, run, after);
}

static void open_it(struct thag_upload *upload)
{
	int fd = upload->fd;

	upload->fd = -1;
	upload->opening = true;
	lws_set_timeout(upload->wsi, PENDING_TIMEOUT_HTTP_CONTENT, 6 * THAG_HTTP_TIMEOUT_S);
	upload->opened = (struct thag_opened){ .done = on_opened, .early = true };
	thag_opened_start_fd(&upload->opened, upload->daemon, upload->name, fd);
}

/* What is next, when nothing is being written. */
static void go_on(struct thag_upload *upload)
{
	if (upload->why && upload->ended) {
		answer(upload, json_pack("{s:s}", "error", upload->why));
		destroy(upload);
	} else if (upload->ended && upload->filled == 0) {
		open_it(upload);
	} else if (!upload->why &&
		   (upload->ended || upload->filled > THAG_UPLOAD_PIECE_BYTES / 2)) {
		begin_writing(upload);
	} else {
		lws_rx_flow_control(upload->wsi, 1);
	}
}

int thag_upload_take(struct thag_upload *upload, const void *data, size_t bytes)
{
	if (upload->ended || bytes > upload->bytes_left)
		return -1;
	upload->bytes_left -= bytes;
	lws_set_timeout(upload->wsi, PENDING_TIMEOUT_HTTP_CONTENT, THAG_HTTP_TIMEOUT_S);
	if (upload->why)
		return 0;
	if (bytes > THAG_UPLOAD_PIECE_BYTES - upload->filled)
		return -1;
	memcpy(upload->buffers[0] + upload->filled, data, bytes);
	upload->filled += bytes;
	if (upload->filled <= THAG_UPLOAD_PIECE_BYTES / 2)
		return 0;
	/* what it has read already still comes: there is room for that */
	lws_rx_flow_control(upload->wsi, 0);
	if (!upload->writing)
		begin_writing(upload);
	return 0;
}

int thag_upload_end(struct thag_upload *upload)
{
	/* libwebsockets says so again when more comes than was announced */
	if (upload->ended || upload->bytes_left)
		return -1;
	upload->ended = true;
	if (!upload->writing)
		go_on(upload);
	return 0;
}

void thag_upload_leave(struct thag_upload *upload)
{
	upload->wsi = NULL;
	if (!upload->writing && !upload->opening)
		destroy(upload);
}
