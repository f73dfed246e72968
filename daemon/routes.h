/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a browser may get:
 *
 *   /, /app.js, …                      the page, from within the program
 *   /api/sessions                      {"sessions":[…]}
 *   /api/sessions/ID/export?format=folded&thread=TID&raw=1
 *
 * With ?token=TOKEN of thagd --token for other users than thagd's.
 * By GET and HEAD, which change nothing. And by POST, from our page only,
 *
 *   /api/recordings?name=NAME          opens a recording that comes along: see upload.h
 *
 * Thread: main loop.
 */
#ifndef THAG_ROUTES_H
#define THAG_ROUTES_H

#include "reply.h"

struct thag_daemon;
struct thag_route_job;
struct thag_upload;

/** A request under way: libwebsockets keeps one, all zero at first, for each connection. */
struct thag_route {
	struct thag_reply reply;
	struct thag_route_job *job; /* a profile is being made */
	struct thag_upload *upload; /* a recording comes in */
};

/**
 * Why a request is not let in: 0, or an HTTP status. `from_page`: it must come from our page, as
 * what changes something must.
 */
unsigned thag_route_refuse(struct lws *wsi, const struct thag_daemon *daemon, bool from_page);

/** Answers a request. Returns what the callback is to return. */
int thag_route_run(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route);

/** Sends what is in the reply's own buffer. As thag_reply_start. */
int thag_route_send(struct lws *wsi, struct thag_route *route, const struct thag_reply_head *head);

/** The connection is gone. */
void thag_route_fini(struct thag_route *route);

#endif
