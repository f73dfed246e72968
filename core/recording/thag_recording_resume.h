/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Going on with a recording whose writer was killed.
 *
 *   thag_recording_resume        the file: a half block at its end is cut off
 *   thag_recording_remains_open  the journal: the words that were in no chunk yet
 *   thag_recording_writer_put    each remains as a chunk, in their order
 *   thag_recording_journal_create  a new journal in place of the old one
 *
 * Killed anywhere in between, one can begin anew: what is in the file already is told by its
 * position. Afterwards writer->next_pos says for each ring up to where the recording holds its
 * words, and writing goes on with the word there.
 *
 * Thread: one. Allocates; blocks on the disk.
 */
#ifndef THAG_RECORDING_RESUME_H
#define THAG_RECORDING_RESUME_H

#include "thag_recording_journal.h"
#include "thag_recording_writer.h"

/** What was found. */
struct thag_recording_resumed {
	uint64_t session;
	uint64_t kept_bytes;
	uint64_t dropped_bytes; /* of a half block at the end */
	uint64_t missing;	/* words that the file should hold, but can't be read */
};

/**
 * Goes on with the recording in `fd`, open for reading and writing, of the program with that
 * `nonce`. 0; -EBUSY when its writer lives; -ESTALE for another program's; -EALREADY when it has
 * an END; -EBADMSG when its end is damaged other than by a kill: then nothing was changed;
 * otherwise what opening says (-ENODATA: not even its header was written). On success
 * thag_recording_writer_destroy must follow.
 */
int thag_recording_resume(struct thag_recording_writer **out, int fd,
			  const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES],
			  const struct thag_recording_calls *calls,
			  struct thag_recording_resumed *resumed);

#endif
