/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Names for sites that have addresses: a thread that goes round the sessions, asks the cache and
 * the process that reads symbols, and puts names in as they come. Nobody else waits for a file.
 *
 * One batch of one session, then the next session: a program whose files are hard to read holds
 * up the others for one request at most. What ended the reading process is not read again but
 * for its table of symbols, then not at all; a session that ended it too often gets no more names.
 */
#ifndef THAG_SYMBOLS_H
#define THAG_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "session.h"

struct thag_symbols;

/**
 * Starts the thread; no process is started before it is needed. `served` is sent whenever all that
 * was requested for a session is done. 0 or a negative errno.
 */
int thag_symbols_start(struct thag_symbols **out, uv_async_t *served);

/** Ends both, after keeping what was found. */
void thag_symbols_stop(struct thag_symbols *symbols);

/** Sees to it that sites registered until now get names. Any thread; doesn't block. */
void thag_symbols_request(struct thag_symbols *symbols, struct thag_session *session);

/** Whether all that was requested for the session is done. Any thread. */
bool thag_symbols_is_done(struct thag_symbols *symbols, const struct thag_session *session);

/** Requests, and waits until it is done or `until_ns` of the monotonic clock. Any other thread. */
void thag_symbols_wait(struct thag_symbols *symbols, struct thag_session *session,
		       uint64_t until_ns);

#endif
