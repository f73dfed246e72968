/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The web page and what it asks for, on 127.0.0.1 and ::1, by libwebsockets on the main loop.
 *
 * Thread: main loop.
 */
#ifndef THAG_HTTP_H
#define THAG_HTTP_H

#include <stdbool.h>

struct lws;
struct thag_daemon;
struct thag_http;

/** Listens, and sets the daemon's port. 0, -EADDRINUSE or another negative errno, after a line. */
int thag_http_start(struct thag_daemon *daemon);

/** Closes all connections; the loop must run for that to be done. NULL is ignored. */
void thag_http_stop(struct thag_http *http);

void thag_http_destroy(struct thag_http *http);

/** Whether the connection comes from another user of this machine. */
bool thag_http_is_foreign(struct lws *wsi);

#endif
