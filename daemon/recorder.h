/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recording a session: the chunks of its rings (chunks.h), and its tables, into a file
 * (core/recording).
 *
 * Words lie in the recording's journal before the program gets their room back. Their chunks are
 * written by the chunks' thread, after what they name.
 *
 * An error in writing ends the recording at its last whole block, and nothing else.
 *
 * A recording may begin and end while the program runs, and another one may follow: see
 * recorder_join.c. One that has ended stays until the session goes, for those who ask about it.
 *
 * | part                  | drain thread of a ring | the chunks' thread    | others             |
 * |-----------------------|------------------------|-----------------------|--------------------|
 * | the journal           | yes                    | yes                   | once it is detached|
 * | names                 | under its lock         | under its lock        | under its lock     |
 * | the file              | never                  | until drained         | after that         |
 */
#ifndef THAG_RECORDER_H
#define THAG_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "clock.h"
#include "session.h"
#include "thag_chunk.h"
#include "thag_names.h"
#include "thag_recording_journal.h"
#include "thag_recording_writer.h"

struct thag_recorder;

/** An open recording that is to be written. Taken over: all of it on success, else nothing. */
struct thag_recorder_file {
	struct thag_recording_writer *writer;
	int fd;
	int journal_fd;
	char path[THAG_PATH_BYTES]; /* absolute */
	/* what was when it began, of one that began while its program ran, as the fact "before" in
	 * docs/recordings.md; NULL: it began with its program */
	json_t *before;
};

/**
 * Sets session->recorder and session->chunks: words that are read from now on are recorded. The
 * session is known to nobody else yet. `clock` must outlive it. 0 or a negative errno.
 */
int thag_recorder_begin(struct thag_session *session, struct thag_clock_rate *clock,
			const struct thag_recorder_file *file);

/**
 * Begins to record a session that others know: with the words that are read from now on. Where
 * there was a recording before, it has ended. `*taken`: whether `file` is the session's now, which
 * may be so when it fails: then thag_recorder_leave ends it. 0; -ESRCH: its program is gone;
 * -EALREADY: it is being recorded; or what writing says. Any thread but that of the main loop;
 * blocks.
 */
int thag_recorder_join(struct thag_session *session, struct thag_clock_rate *clock,
		       const struct thag_recorder_file *file, bool *taken);

/**
 * Ends the recording of a session that goes on: behind what was read until now. 0; -ESRCH: its
 * program is gone; -ENOENT: it isn't recorded; or what stopped it, now or before. Likewise.
 */
int thag_recorder_leave(struct thag_session *session);

/** Whether it has a recording that has not ended, be it that it failed. Any thread. */
bool thag_recorder_is_open(const struct thag_session *session);

/** Whether words that are read now will be in it. Any thread. */
bool thag_recorder_is_on(const struct thag_session *session);

/** It is to end with that error. Any thread. */
void thag_recorder_stop(struct thag_session *session, int error);

/**
 * A slot of the journal for words of ring number `ring` from `pos` on; NULL: it is not on, or not
 * any more. Whoever reads the ring.
 */
struct thag_recording_slot *thag_recorder_take_slot(struct thag_session *session, uint32_t ring,
						    uint64_t pos);

/** Gives back a slot whose words are written, or are not to be. */
void thag_recorder_give_slot(struct thag_session *session, struct thag_recording_slot *slot);

/**
 * Writes what there is of tables, and the chunk, if it isn't NULL. Returns where in the file that
 * lies; 0: it doesn't. The chunks' thread; blocks on the disk.
 */
uint64_t thag_recorder_put(struct thag_session *session, const struct thag_chunk *chunk);

/** All chunks are written. From then on the program's memory is not looked at. */
void thag_recorder_drained(struct thag_session *session);

/** A site with an address got its name, or none: as thag_naming_put. Under names_lock. */
void thag_recorder_name(struct thag_session *session, uint32_t site, uint32_t status,
			const struct thag_names_frame *frames, uint32_t frame_count);

/**
 * Ends the file, after thag_recorder_drained: names that came since, what is known of the session,
 * and how it ended. `ending`: enum thag_recording_ending. Any thread, while nobody changes the
 * session; blocks.
 */
void thag_recorder_end(struct thag_session *session, uint32_t ending);

/** What stopped it: 0 or a negative errno. Any thread. */
int thag_recorder_error(const struct thag_session *session);

/** "" when the session isn't recorded. Fixed. */
const char *thag_recorder_path(const struct thag_session *session);

/** Frees it. A file that wasn't ended can be gone on with. */
void thag_recorder_destroy(struct thag_session *session);

#endif
