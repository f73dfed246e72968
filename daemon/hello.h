/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program presents itself: its memory is checked and mapped, ours is made, a session begins.
 *
 * Thread: main loop.
 */
#ifndef THAG_HELLO_H
#define THAG_HELLO_H

#include <stdint.h>

#include <sys/socket.h>

#include "thagd_limits.h"
#include "session.h"

struct thag_daemon;

/**
 * `memfd` stays the caller's. On success `*consumer_fd` is a descriptor to send to the program,
 * read-only, and `*id` the session's. Otherwise a negative errno, and `why` says it in a line.
 */
int thag_hello_accept(struct thag_daemon *daemon, int socket_fd, pid_t pid, int memfd,
		      int *consumer_fd, uint64_t *id, char why[static THAG_WHY_BYTES]);

/** Maps and checks a program's memfd. For reattaching as well. 0 or a negative errno. */
int thag_hello_map(int memfd, struct thag_session_memory *memory, struct thag_shm_header *header,
		   char why[static THAG_WHY_BYTES]);

/** An id for a session: none was given out before. Main loop. */
uint64_t thag_hello_take_id(struct thag_daemon *daemon);

#endif
