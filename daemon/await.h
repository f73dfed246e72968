/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Requests that are answered when a program is gone and all its sessions are saved. exec makes
 * several sessions of one process.
 *
 * Thread: main loop.
 */
#ifndef THAG_AWAIT_H
#define THAG_AWAIT_H

#include <stdint.h>

#include <sys/types.h>

#include "control.h"

struct thag_daemon;

/**
 * Answers with the sessions of the process `pid`, once they are saved, or after `limit_ms`
 * (THAG_AWAIT_MS_MAX at most) as they are then.
 */
void thag_await_begin(struct thag_connection *connection, pid_t pid, uint32_t limit_ms);

/** A session of that process was saved, or could not be. */
void thag_await_saved(struct thag_daemon *daemon, pid_t pid);

/** thagd ends: all are answered. */
void thag_await_end(struct thag_daemon *daemon);

#endif
