/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recording a session: every word of its rings, as chunks, and its tables, into a file
 * (core/recording).
 *
 * Whoever reads a ring copies its words into a chunk that lies in the recording's journal, before
 * the program gets their room back. A full chunk, or one older than THAG_RECORDER_CHUNK_NS, goes to
 * the recording's own thread, which encodes, compresses and writes it, after what it names. When
 * too many wait there, rings aren't read on: words stay in them, and the program waits as it does
 * for a slow reader.
 *
 * An error in writing ends the recording at its last whole block, and nothing else.
 *
 * | part                  | drain thread of a ring | the recorder's thread | others             |
 * |-----------------------|------------------------|-----------------------|--------------------|
 * | what a ring is filling| yes                    | never                 | once it is detached|
 * | the queue, names      | under its lock         | under its lock        | under its lock     |
 * | the file              | never                  | until drain           | after drain        |
 */
#ifndef THAG_RECORDER_H
#define THAG_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "clock.h"
#include "session.h"
#include "thag_names.h"
#include "thag_recording_writer.h"

struct thag_recorder;

/** An open recording that is to be written. Taken over: all of it on success, else nothing. */
struct thag_recorder_file {
	struct thag_recording_writer *writer;
	int fd;
	int journal_fd;
	char path[THAG_PATH_BYTES]; /* absolute */
};

/**
 * Sets session->recorder, and begins to record the words that are read from now on. The session is
 * known to nobody else yet. `clock` must outlive it. 0 or a negative errno.
 */
int thag_recorder_begin(struct thag_session *session, struct thag_clock_rate *clock,
			const struct thag_recorder_file *file);

/*
 * For whoever reads the ring, and only there. All do nothing when it isn't recorded, or not any
 * more.
 */

/** How many words may be read from it at once; 0: none now, the recording must catch up first. */
size_t thag_recorder_room(struct thag_session_ring *ring, uint64_t now_ns);

/** The words from `pos` on are about to be given to the stream. */
void thag_recorder_expect(struct thag_session_ring *ring, uint64_t pos, uint64_t now_ns);

/** The stream took these words. */
void thag_recorder_put(struct thag_session_ring *ring, const uint64_t *words, size_t count);

/** The word at `pos` was never written; the stream is about to be told. */
void thag_recorder_put_hole(struct thag_session_ring *ring, uint64_t pos, uint64_t now_ns);

/** What the stream took may be given back to the program: no event is under way. */
void thag_recorder_publish(struct thag_session_ring *ring);

/** For the stream's `task` callback. */
void thag_recorder_note_task(struct thag_session_ring *ring, const struct thag_task_event *event,
			     const struct thag_task_state *task);

/** When rings were left alone for the recording to catch up: waits until it did. Else false. */
bool thag_recorder_wait(struct thag_session *session);

/** A site with an address got its name, or none: as thag_naming_put. Under names_lock. */
void thag_recorder_name(struct thag_session *session, uint32_t site, uint32_t status,
			const struct thag_names_frame *frames, uint32_t frame_count);

/**
 * The session is detached and its words are read: writes all of them, and the tables. From then on
 * the program's memory is not looked at. Any thread; blocks.
 */
void thag_recorder_drain(struct thag_session *session);

/**
 * Ends the file, after thag_recorder_drain: names that came since, what is known of the session,
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
