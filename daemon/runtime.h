/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The daemon's place in the file system: its socket and, beside it and named after it, the lock
 * that makes it the only one, its log, and the records of its sessions.
 *
 *   …/thagd.sock   control socket, 0600      …/thagd.log       log, in the background
 *   …/thagd.lock   flock; "PID PORT"         …/thagd.sessions/ see records.h
 *
 * Nothing there may belong to, or be replaced by, someone else.
 */
#ifndef THAG_RUNTIME_H
#define THAG_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include "thagd_limits.h"

/** All zero with fds -1 is empty: see THAG_RUNTIME_EMPTY. */
struct thag_runtime {
	char socket[THAG_PATH_BYTES];
	char base[THAG_PATH_BYTES]; /* the socket's path without ".sock" */
	int lock_fd;
	int listen_fd;
	int records_fd; /* directory of records */
	bool handed;	/* the socket is the service manager's, and stays when we end */
};

#define THAG_RUNTIME_EMPTY \
	{ \
		.lock_fd = -1, .listen_fd = -1, .records_fd = -1 \
	}

/**
 * Finds the path, makes and checks directories, takes the lock, and listens. `socket` NULL: the
 * default. `handed`: a listening socket that a service manager made, taken over in any case, whose
 * path counts then; -1: none. Returns 0 or a negative errno after one line on stderr; -EALREADY
 * when another thagd has the lock.
 */
int thag_runtime_open(struct thag_runtime *runtime, const char *socket, int handed);

/** Notes where the running daemon is, for those who come later. */
void thag_runtime_announce(const struct thag_runtime *runtime, uint32_t port);

/** Sends stdout and stderr to the log file and stdin to nowhere. 0 or a negative errno. */
int thag_runtime_to_log(const struct thag_runtime *runtime);

/** Removes the socket and lets go of the lock. */
void thag_runtime_close(struct thag_runtime *runtime);

#endif
