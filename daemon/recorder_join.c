/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recordings that begin, or end, while the program runs.
 *
 * Both happen between two words of each ring, at one moment, while nobody reads any. What was read
 * before is in chunks that the chunks' thread has to do with first; then, in its turn, it writes
 * what the recording begins with (the facts, the tables, and each ring's prelude: thag_prelude.h),
 * or its end. So no word is written before what it needs, and none after the end.
 *
 * A recording that begins is of no use before that turn: killed until then, the next thagd knows
 * nothing of it, as whoever asked for it was told nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "chunks.h"
#include "recorder_private.h"
#include "thag_prelude.h"

/* --- beginning --- */

static bool has_words_before(const struct thag_session_ring *ring)
{
	return thag_chunks_cut_pos(ring) > THAG_RING_WORDS;
}

static uint64_t prelude_ticks(const struct thag_session_ring *ring)
{
	uint64_t pos = ring->reader.tail, now = thag_clock_ticks(ring->session->header.clock);
	/* acquire: a word that isn't there yet is written after the look at the clock */
	uint64_t word =
		__atomic_load_n(&ring->reader.words[pos & THAG_RING_MASK], __ATOMIC_ACQUIRE);
	bool present = thag_word_is_at(word, pos);

	/* behind a hole there are words from before that look */
	if (!present && thag_ring_has_hole(&ring->reader))
		now = ring->stream.last_ticks;
	return thag_prelude_ticks(&ring->stream, word, present, now);
}

/* The ring whose prelude has the tasks of threads that ended: what they have open needs a thread.
 */
static uint32_t ring_of_others(const struct thag_session *session, uint32_t used)
{
	uint32_t first = used;

	for (uint32_t i = 0; i < used; i++) {
		if (!has_words_before(&session->rings[i]))
			continue;
		if (session->rings[i].stream.thread)
			return i;
		first = first == used ? i : first;
	}
	return first;
}

/* The preludes of all rings that were used; `*since`: when the first of them is. */
static int make_preludes(struct thag_recorder *recorder, uint64_t *since)
{
	struct thag_session *session = recorder->session;
	uint32_t used = thag_session_rings_used(session);
	uint32_t others = ring_of_others(session, used);
	int ret = 0;

	recorder->preludes = calloc(used ? used : 1, sizeof(*recorder->preludes));
	if (!recorder->preludes)
		return -ENOMEM;
	*since = thag_clock_ticks(session->header.clock);
	for (uint32_t i = 0; ret == 0 && i < used; i++) {
		const struct thag_session_ring *ring = &session->rings[i];
		uint64_t ticks = prelude_ticks(ring);

		if (!has_words_before(ring))
			continue;
		*since = ticks < *since ? ticks : *since;
		ret = thag_prelude_make(&recorder->preludes[recorder->prelude_count], &ring->stream,
					i, thag_chunks_cut_pos(ring), ticks, i == others);
		recorder->prelude_count += ret == 0;
	}
	return ret;
}

static int note_before(struct thag_recorder *recorder, uint64_t since)
{
	json_t *before = thag_recorder_counts(recorder->session);

	if (!before || json_object_set_new(before, "ticks", json_integer((json_int_t)since)) != 0) {
		json_decref(before);
		return -ENOMEM;
	}
	recorder->file.before = before;
	return 0;
}

bool thag_recorder_is_open(const struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;
	bool ended;

	if (!recorder)
		return false;
	pthread_mutex_lock(&recorder->lock);
	ended = recorder->ended;
	pthread_mutex_unlock(&recorder->lock);
	return !ended;
}

/* Its turn: from here on what is written can be understood. */
static void write_beginning(struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;
	int ret = thag_recorder_write_facts(recorder, true);

	if (ret == 0)
		ret = thag_recorder_write_tables(recorder);
	for (uint32_t i = 0; ret == 0 && i < recorder->prelude_count; i++)
		ret = thag_recorder_write_chunk(recorder, &recorder->preludes[i], NULL);
	for (uint32_t i = 0; i < recorder->prelude_count; i++)
		thag_chunk_fini(&recorder->preludes[i]);
	recorder->prelude_count = 0;
	if (ret != 0)
		thag_recorder_fail(recorder, ret);
}

/* Under the session's locks. */
static int join(struct thag_recorder *recorder, struct thag_chunks_turn *turn)
{
	struct thag_session *session = recorder->session;
	struct thag_recorder *previous = session->recorder;
	uint64_t since = 0;
	int ret = 0;

	if (session->detached)
		return -ESRCH;
	if (thag_recorder_is_open(session))
		return -EALREADY;
	if (!session->chunks)
		ret = thag_chunks_begin(session);
	if (ret == 0)
		ret = make_preludes(recorder, &since);
	if (ret == 0)
		ret = note_before(recorder, since);
	if (ret != 0)
		return ret;
	thag_chunks_cut(session);
	recorder->previous = previous;
	session->recorder = recorder;
	thag_chunks_go_on(session, turn);
	return 0;
}

int thag_recorder_join(struct thag_session *session, struct thag_clock_rate *clock,
		       const struct thag_recorder_file *file, bool *taken)
{
	struct thag_chunks_turn turn = { .act = write_beginning };
	struct thag_session_counts counts;
	struct thag_recorder *recorder = NULL;
	int ret;

	*taken = false;
	if (thag_recorder_is_open(session))
		return -EALREADY;
	ret = thag_recorder_create(&recorder, session, clock, file);
	if (ret != 0)
		return ret;
	thag_session_count(session, &counts); /* what the program counts is known anew */
	pthread_mutex_lock(&session->names_lock);
	ret = thag_recorder_take_names(recorder);
	if (ret == 0) {
		pthread_rwlock_wrlock(&session->lock);
		ret = join(recorder, &turn);
		pthread_rwlock_unlock(&session->lock);
	}
	pthread_mutex_unlock(&session->names_lock);
	if (ret != 0) {
		thag_recorder_free(recorder);
		return ret;
	}
	*taken = true;
	thag_chunks_hurry(session);
	thag_chunks_await(session, &turn);
	return thag_recorder_error(session);
}

/* --- ending --- */

static void write_end(struct thag_session *session)
{
	thag_recorder_end(session, THAG_RECORDING_STOPPED);
}

static int leave(struct thag_session *session, struct thag_chunks_turn *turn)
{
	struct thag_recorder *recorder = session->recorder;

	if (!thag_recorder_is_open(session))
		return -ENOENT;
	if (session->detached)
		return -ESRCH;
	thag_chunks_cut(session);
	/* relaxed: who reads rings sees it by the session's lock */
	atomic_store_explicit(&recorder->stopped, true, memory_order_relaxed);
	thag_chunks_go_on(session, turn);
	return 0;
}

int thag_recorder_leave(struct thag_session *session)
{
	struct thag_chunks_turn turn = { .act = write_end };
	int ret;

	pthread_rwlock_wrlock(&session->lock);
	ret = leave(session, &turn);
	pthread_rwlock_unlock(&session->lock);
	if (ret != 0)
		return ret;
	thag_chunks_await(session, &turn);
	return thag_recorder_error(session);
}
