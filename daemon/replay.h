/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The words of a recording go through a session's rings once more: into rings of our own, which
 * are read as a program's are (rings.h), so that all comes out as it did when they were recorded.
 *
 * A ring's words are used up to the first that is missing: what comes behind it can't be told. They
 * begin with the ring, or with a prelude (thag_prelude.h).
 *
 * Thread: any, one at a time; others may look at the session. Allocates; blocks on the disk.
 */
#ifndef THAG_REPLAY_H
#define THAG_REPLAY_H

#include "session.h"
#include "thag_recording_journal.h"
#include "thag_recording_reader.h"

struct thag_replay {
	struct thag_session *session; /* new: nothing of its rings was read */
	const struct thag_recording_reader *reader;
	const struct thag_recording_remainder *remainder; /* NULL: none */
	uint64_t unused;  /* outcome: words that could be read, but not used, or not be read */
	uint64_t skipped; /* outcome: words that came before preludes */
	uint64_t ends[THAG_SLOTS_MAX]; /* outcome: position behind the last word of each ring, 0 */
};

/** 0 or -ENOMEM. Afterwards the readers of the session's rings are as they were before. */
int thag_replay_run(struct thag_replay *replay);

#endif
