/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An HTTP response: headers, then a body in pieces. The connection is closed after it, so that
 * nothing is left to be confused with a next request. What all responses have, http.c adds.
 *
 * Thread: main loop.
 */
#ifndef THAG_REPLY_H
#define THAG_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include <libwebsockets.h>

#include "thag_buffer.h"

/** The headers that differ from response to response. */
struct thag_reply_head {
	unsigned status;
	const char *content_type; /* NULL: plain text */
	const char *etag;	  /* NULL: not to be stored */
	const char *file_name;	  /* NULL, or of an attachment: only safe characters */
	bool without_body;	  /* an answer to HEAD */
};

/** All zero is empty. */
struct thag_reply {
	const unsigned char *body; /* borrowed, or in `owned` */
	size_t bytes;
	size_t sent;
	struct thag_buffer owned;
};

/**
 * Sends the headers, and arranges for `reply`'s body to be sent. Returns what the callback of
 * libwebsockets is to return: 0 to go on, -1 to close.
 */
int thag_reply_start(struct lws *wsi, struct thag_reply *reply, const struct thag_reply_head *head);

/** Sends the next piece. The same. */
int thag_reply_continue(struct lws *wsi, struct thag_reply *reply);

/** Sends a short text at once; for when there is no place to keep a reply. Returns -1. */
int thag_reply_short(struct lws *wsi, const struct thag_reply_head *head, const char *text);

/**
 * Closes a connection, a WebSocket too, from outside of libwebsockets' callbacks: soon after. What
 * is left of its reply must be gone.
 */
void thag_reply_abandon(struct lws *wsi);

void thag_reply_fini(struct thag_reply *reply);

#endif
