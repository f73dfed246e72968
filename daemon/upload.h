/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recordings that a browser sends, to be opened: POST /api/recordings?name=NAME, the file as the
 * body. It is written to a file without a name in the folder for temporary files, which is there as
 * long as its session is. The answer is JSON: {"id", "program", "whole", "message"}, or {"error"}.
 * It comes when all was sent, even where that was in vain.
 *
 * Pieces are written by the pool, and no more is read from the connection meanwhile, so that
 * neither a slow disk nor a fast sender holds up others or takes memory.
 *
 * Thread: main loop.
 */
#ifndef THAG_UPLOAD_H
#define THAG_UPLOAD_H

#include <stddef.h>
#include <stdint.h>

struct lws;
struct thag_daemon;
struct thag_route;
struct thag_upload;

/**
 * Begins one of `bytes` bytes, called `name` (any bytes). Sets route->upload. 0; or an HTTP status,
 * and `why` in words.
 */
unsigned thag_upload_begin(struct lws *wsi, struct thag_daemon *daemon, struct thag_route *route,
			   const char *name, uint64_t bytes, const char **why);

/** More of it. 0, or -1 to close the connection. */
int thag_upload_take(struct thag_upload *upload, const void *data, size_t bytes);

/** That was all: it is opened, and answered. 0, or -1 to close the connection. */
int thag_upload_end(struct thag_upload *upload);

/** Nobody waits for it any more. */
void thag_upload_leave(struct thag_upload *upload);

#endif
