/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Browsers that look on: each gets the list of sessions, and frames of what it watches, the
 * latest of each only. One that reads slowly misses frames, and costs no more memory than one
 * that reads fast.
 *
 * Thread: main loop.
 */
#ifndef THAG_WS_H
#define THAG_WS_H

#include <stddef.h>

#define THAG_WS_PROTOCOL "thag-1"
#define THAG_WS_CLIENT_BYTES 2048 /* room for struct thag_ws_client */

struct lws;
struct thag_daemon;
struct thag_ws;

int thag_ws_create(struct thag_ws **out, struct thag_daemon *daemon);

/** After the loop has closed its handles and all clients are closed. NULL is ignored. */
void thag_ws_destroy(struct thag_ws *ws);

/* The callbacks of libwebsockets; `client` is its zeroed memory for the connection. */
int thag_ws_open(struct thag_ws *ws, void *client, struct lws *wsi);
int thag_ws_receive(struct thag_ws *ws, void *client, const void *data, size_t bytes);
int thag_ws_send(struct thag_ws *ws, void *client);
void thag_ws_close(struct thag_ws *ws, void *client);

#endif
