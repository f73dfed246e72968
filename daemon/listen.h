/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * TCP sockets that listen on this machine's own addresses, and nowhere else.
 *
 * Thread: main loop.
 */
#ifndef THAG_LISTEN_H
#define THAG_LISTEN_H

#include <stdint.h>

#include <uv.h>

/** 127.0.0.1 and, where there is IPv6, ::1; -1 for one that isn't there. */
struct thag_listen {
	int fds[2];
	uv_poll_t polls[2];
	uv_timer_t pause; /* no descriptors left: wait for some */
	uv_loop_t *loop;
	void (*accepted)(void *context, int fd);
	void *context;
};

#define THAG_LISTEN_EMPTY \
	{ \
		.fds = { -1, -1 } \
	}

/**
 * Opens both on `port`, 0 for any that is free on both. Returns 0 with `*port` set, -EADDRINUSE
 * or another negative errno.
 */
int thag_listen_open(struct thag_listen *listen, uint32_t *port);

/** From now on `accepted` is given each new connection's descriptor, and owns it. */
int thag_listen_start(struct thag_listen *listen, uv_loop_t *loop,
		      void (*accepted)(void *context, int fd), void *context);

/** Closes both; the loop must run for that to be done. */
void thag_listen_stop(struct thag_listen *listen);

#endif
