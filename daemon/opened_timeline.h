/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The timeline of a session that is read from a recording: chunks are there by their heads, and
 * the rest of them is read when it is asked for.
 *
 * Thread: any. Allocates; blocks on the disk.
 */
#ifndef THAG_OPENED_TIMELINE_H
#define THAG_OPENED_TIMELINE_H

#include "session.h"
#include "thag_recording_journal.h"
#include "thag_recording_reader.h"

/**
 * While nobody else knows the session: adds all chunks of the recording `path` that `reader` has
 * open to session->history, if that isn't NULL, and what its journal has: `remainder`, NULL for
 * none. What can't be used is left out.
 */
void thag_opened_timeline_make(struct thag_session *session,
			       const struct thag_recording_reader *reader, const char *path,
			       const struct thag_recording_remainder *remainder);

/** After that: makes what sums them up, which takes longer. Others may ask the timeline meanwhile.
 */
void thag_opened_timeline_complete(struct thag_session *session);

#endif
