/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The words of a session's rings in chunks, for its timeline (history.h), its recording
 * (recorder.h), or both.
 *
 * Whoever reads a ring copies its words into a chunk, before the program gets their room back: of a
 * recorded session that lies in the recording's journal. A full chunk, or one older than
 * THAG_CHUNKS_AGE_NS, goes to a thread of the session's, which encodes and summarises it, writes it
 * to the recording and adds it to the timeline.
 *
 * When too many wait there: with a recording rings aren't read on, so words stay in them, and the
 * program waits as it does for a slow reader. Without one the chunk is left out of the timeline,
 * which has a gap there and counts its events; nobody waits, until the program is
 * gone. So is what a thread does while more than THAG_CHUNKS_DEPTH_MAX calls are open in it.
 *
 * | part                  | drain thread of a ring | the chunks' thread | others                  |
 * |-----------------------|------------------------|--------------------|-------------------------|
 * | what a ring is filling| under the session's    | never              | under that, exclusive;  |
 * |                       | lock, shared           |                    | or once it is detached  |
 * | the queue             | under its lock         | under its lock     | under its lock          |
 */
#ifndef THAG_CHUNKS_H
#define THAG_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"
#include "thag_chunk.h"

struct thag_chunks;

/**
 * Sets session->chunks, and begins to keep the words that are read from now on, where the session
 * has a recorder or a history. The session is known to nobody else yet, or under its lock,
 * exclusive. 0 or a negative errno.
 */
int thag_chunks_begin(struct thag_session *session);

/**
 * Likewise of a session without a recorder, whose words are then kept for its timeline alone, if
 * it has one and there is memory for that.
 */
void thag_chunks_try_begin(struct thag_session *session);

/*
 * For whoever reads the ring, and only there. All do nothing when its words aren't kept, or not any
 * more.
 */

/** How many words may be read from it at once; 0: none now, the recording must catch up first. */
size_t thag_chunks_room(struct thag_session_ring *ring, uint64_t now_ns);

/** The words from `pos` on are about to be given to the stream. */
void thag_chunks_expect(struct thag_session_ring *ring, uint64_t pos, uint64_t now_ns);

/** The stream took these words. */
void thag_chunks_put(struct thag_session_ring *ring, const uint64_t *words, size_t count);

/** The word at `pos` was never written; the stream is about to be told. */
void thag_chunks_put_hole(struct thag_session_ring *ring, uint64_t pos, uint64_t now_ns);

/** What the stream took may be given back to the program: no event is under way. */
void thag_chunks_publish(struct thag_session_ring *ring);

/** For the stream's `task` callback. */
void thag_chunks_note_task(struct thag_session_ring *ring, const struct thag_task_event *event,
			   const struct thag_task_state *task);

/*
 * Where a recording begins or ends while the program runs. Under the session's lock, exclusive,
 * while it isn't detached, in this order:
 *
 *   thag_chunks_cut     what was read goes to the chunks' thread
 *   the recorder begins or stops to take words
 *   thag_chunks_go_on   the thread is to take a turn when it is done with these chunks; and
 *                       words of events that are under way are kept anew
 *
 * and without the lock
 *
 *   thag_chunks_await   until the turn was taken
 */

/** What the chunks' thread is to do between two chunks, `done` under the queue's lock. */
struct thag_chunks_turn {
	void (*act)(struct thag_session *session);
	bool done;
};

/** The position of the first word of a ring that is not of a whole event that was read. */
uint64_t thag_chunks_cut_pos(const struct thag_session_ring *ring);

void thag_chunks_cut(struct thag_session *session);
void thag_chunks_go_on(struct thag_session *session, struct thag_chunks_turn *turn);

/** Any thread but that of the main loop; blocks. */
void thag_chunks_await(struct thag_session *session, struct thag_chunks_turn *turn);

/**
 * From now on someone waits for the chunks' thread: another takes its place if it gives way to all
 * others, as far as that can be. Any thread, without a lock; blocks.
 */
void thag_chunks_hurry(struct thag_session *session);

/**
 * The session is detached. When rings were left alone because too much waited: does all that waits,
 * and returns true. Any thread; blocks.
 */
bool thag_chunks_catch_up(struct thag_session *session);

/**
 * The session is detached and its words are read: all of them go where they belong. From then on
 * the program's memory is not looked at. Any thread; blocks.
 */
void thag_chunks_drain(struct thag_session *session);

/** Rings that may be filling chunks, by number; 0 once all words are where they belong. Any thread.
 */
uint32_t thag_chunks_rings(struct thag_session *session);

/**
 * Copies what ring number `ring` is filling, whole events of it; `raw`, which is empty, and its
 * words become the caller's, to be freed and ended by thag_openings_fini. False, and nothing to
 * free: there is nothing, or chunks before it are still on their way, or no memory. `ring`: below
 * thag_chunks_rings. Any thread; holds up the drain threads for as long as it takes to copy.
 */
bool thag_chunks_copy(struct thag_session *session, uint32_t ring, struct thag_chunk_raw *raw);

/** Events that are in no chunk for want of time or memory. Any thread. */
uint64_t thag_chunks_dropped(struct thag_session *session);

/** Frees it. */
void thag_chunks_destroy(struct thag_session *session);

#endif
