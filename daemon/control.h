/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The control socket: programs say hello, commands ask. One exchange a connection.
 *
 * Thread: main loop.
 */
#ifndef THAG_CONTROL_SERVER_H
#define THAG_CONTROL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/** The same with `bytes` bytes of data, copied to a sealed memfd, and a line for who asked, or
 * NULL.
 */
void thag_connection_respond_noted(struct thag_connection *connection, const char *note,
				   const void *data, size_t bytes);

/** The same without a line. */
void thag_connection_respond_data(struct thag_connection *connection, const void *data,
				  size_t bytes);

/** Answers that it didn't work, and why. */
void thag_connection_fail(struct thag_connection *connection, int status, const char *why);

/** Who asked is `gone`, or the limit is over: then the connection must be answered now. */
typedef void thag_connection_over_fn(void *context, bool gone);

/**
 * The answer comes later. `over` is called once, unless it comes before that. 0, or -EBUSY when
 * too many wait already.
 */
int thag_connection_defer(struct thag_connection *connection, uint32_t limit_ms,
			  thag_connection_over_fn *over, void *context);

#endif
