/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The control socket: programs say hello, commands ask. One exchange a connection.
 *
 * Thread: main loop.
 */
#ifndef THAG_CONTROL_SERVER_H
#define THAG_CONTROL_SERVER_H

#include <jansson.h>

struct thag_daemon;
struct thag_control;
struct thag_connection;

/** Accepts on the runtime's listening socket. 0 or a negative errno. */
int thag_control_start(struct thag_daemon *daemon);

/** Accepts no more; exchanges under way go on. */
void thag_control_stop(struct thag_control *control);

/** Frees it once the loop has closed all its handles. */
void thag_control_destroy(struct thag_control *control);

struct thag_daemon *thag_connection_daemon(const struct thag_connection *connection);

/**
 * Answers a request and closes the connection. Takes over `body` (NULL: {}) and `data_fd` (-1:
 * none). `status`: 0 or a negative errno.
 */
void thag_connection_respond(struct thag_connection *connection, int status, json_t *body,
			     int data_fd);

/** Answers that it didn't work, and why. */
void thag_connection_fail(struct thag_connection *connection, int status, const char *why);

#endif
