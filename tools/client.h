/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Asking thagd: one request, one response, over the control socket (proto/thag/control.h).
 *
 * Thread: any. Blocks, no longer than the timeout.
 */
#ifndef THAG_CLIENT_H
#define THAG_CLIENT_H

#include <jansson.h>

#include "command.h"

#define THAG_CLIENT_TIMEOUT_MS 10000	     /* for what thagd answers at once */
#define THAG_CLIENT_EXPORT_TIMEOUT_MS 120000 /* for big exports on a busy machine */

struct thag_reply {
	int status;    /* as thagd says: 0 or a negative errno */
	json_t *body;  /* an object, never NULL */
	int data_fd;   /* -1: none */
	int thagd_pid; /* as the kernel says; 0 when it is outside our pid namespace */
};

/**
 * Sends `request`, which it takes over, and waits for the response. Returns 0 with `*reply`,
 * which thag_reply_fini must free; or
 *
 *   -ENOENT, -ECONNREFUSED        no thagd is running
 *   -EPERM                        what answers belongs to another user: nothing was sent
 *   -ENAMETOOLONG, -EINVAL        $THAG_SOCKET can't be a socket's path
 *   -ETIMEDOUT, -ECONNRESET       no response
 *   -EPROTO, -EPROTONOSUPPORT     not a response we understand
 *   -ENOMEM and other errors of sockets
 */
int thag_client_ask(json_t *request, int timeout_ms, struct thag_reply *reply);

void thag_reply_fini(struct thag_reply *reply);

/**
 * The answer to "list" or "await": an object with the array "sessions", for the caller to free; or
 * NULL.
 */
json_t *thag_reply_take_list(const struct thag_reply *reply);

/** What thagd said is wrong; never NULL; borrowed from the reply. */
const char *thag_reply_error(const struct thag_reply *reply);

/** Says that in one line. */
void thag_reply_complain(const struct thag_command *command, const struct thag_reply *reply);

/**
 * Asks, and when that fails or thagd refuses says why in one line. Returns THAG_EXIT_OK with
 * `*reply`, or the status to exit with and nothing to free.
 */
int thag_client_command(const struct thag_command *command, json_t *request, int timeout_ms,
			struct thag_reply *reply);

/** Says in one line why thag_client_ask failed; returns the status to exit with. */
int thag_client_complain(const struct thag_command *command, int error);

#endif
