/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "reply.h"

#include <stdio.h>
#include <string.h>

#include "thagd_limits.h"

#define HEAD_BYTES 2048
#define VALUE_BYTES 512

/* Headers being written; `failed` once one didn't fit. */
struct writer {
	struct lws *wsi;
	unsigned char bytes[LWS_PRE + HEAD_BYTES];
	unsigned char *at;
	bool failed;
};

static unsigned char *end_of(struct writer *writer)
{
	return writer->bytes + sizeof(writer->bytes) - 1;
}

static void add(struct writer *writer, const char *name, const char *value)
{
	if (lws_add_http_header_by_name(writer->wsi, (const unsigned char *)name,
					(const unsigned char *)value, (int)strlen(value),
					&writer->at, end_of(writer)))
		writer->failed = true;
}

static void add_content(struct writer *writer, const struct thag_reply_head *head)
{
	char value[VALUE_BYTES];

	add(writer,
	    "content-type:", head->content_type ? head->content_type : "text/plain; charset=utf-8");
	add(writer, "cache-control:", head->etag ? "no-cache" : "no-store");
	if (head->etag)
		add(writer, "etag:", head->etag);
	if (head->status == HTTP_STATUS_METHOD_NOT_ALLOWED)
		add(writer, "allow:", "GET, HEAD");
	if (head->file_name) {
		snprintf(value, sizeof(value), "attachment; filename=\"%s\"", head->file_name);
		add(writer, "content-disposition:", value);
	}
	add(writer, "connection:", "close");
}

static int send_head(struct lws *wsi, const struct thag_reply_head *head, size_t bytes)
{
	struct writer writer = { .wsi = wsi };
	unsigned char *start = writer.bytes + LWS_PRE;

	writer.at = start;
	if (lws_add_http_header_status(wsi, head->status, &writer.at, end_of(&writer)))
		return -1;
	add_content(&writer, head);
	if (lws_add_http_header_content_length(wsi, bytes, &writer.at, end_of(&writer)) ||
	    writer.failed)
		return -1;
	return lws_finalize_write_http_header(wsi, start, &writer.at, end_of(&writer)) ? -1 : 0;
}

static void expect_progress(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, THAG_HTTP_TIMEOUT_S);
}

int thag_reply_start(struct lws *wsi, struct thag_reply *reply, const struct thag_reply_head *head)
{
	if (send_head(wsi, head, reply->bytes) != 0 || head->without_body || reply->bytes == 0)
		return -1;
	expect_progress(wsi);
	lws_callback_on_writable(wsi);
	return 0;
}

int thag_reply_continue(struct lws *wsi, struct thag_reply *reply)
{
	static unsigned char chunk[LWS_PRE + THAG_HTTP_CHUNK_BYTES]; /* the main loop's */
	size_t left = reply->bytes - reply->sent;
	size_t bytes = left < THAG_HTTP_CHUNK_BYTES ? left : THAG_HTTP_CHUNK_BYTES;
	bool last = bytes == left;

	if (bytes == 0)
		return -1;
	memcpy(chunk + LWS_PRE, reply->body + reply->sent, bytes);
	if (lws_write(wsi, chunk + LWS_PRE, bytes, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) <
	    (int)bytes)
		return -1;
	reply->sent += bytes;
	if (last)
		return -1; /* closed once all is out */
	expect_progress(wsi);
	lws_callback_on_writable(wsi);
	return 0;
}

int thag_reply_short(struct lws *wsi, const struct thag_reply_head *head, const char *text)
{
	unsigned char body[LWS_PRE + VALUE_BYTES];
	size_t bytes = strlen(text);

	memcpy(body + LWS_PRE, text, bytes);
	if (send_head(wsi, head, bytes) == 0 && !head->without_body)
		lws_write(wsi, body + LWS_PRE, bytes, LWS_WRITE_HTTP_FINAL);
	return -1;
}

void thag_reply_abandon(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_ASYNC);
	/* libwebsockets looks at its timers when one of its sockets has something to do */
	lws_callback_on_writable(wsi);
}

void thag_reply_fini(struct thag_reply *reply)
{
	thag_buffer_fini(&reply->owned);
	*reply = (struct thag_reply){ 0 };
}
