/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* All rings at one moment, where a recording begins or ends while the program runs. */
#include <assert.h>
#include <string.h>

#include "chunks_private.h"
#include "clock.h"

uint64_t thag_chunks_cut_pos(const struct thag_session_ring *ring)
{
	return ring->reader.tail - thag_chunks_unfinished(&ring->stream);
}

/* Leaves off what lies behind `pos`; what it is filled up to may lie before that. */
static void shorten(struct thag_chunk_head *head, uint64_t pos)
{
	if (head->first_pos + head->words > pos)
		head->words = pos > head->first_pos ? pos - head->first_pos : 0;
	if (head->events > head->words)
		head->events = head->words;
}

static void cut_ring(struct thag_chunks *chunks, uint32_t index)
{
	struct thag_session *session = chunks->session;
	struct thag_filling *filling = &chunks->fillings[index];
	struct thag_filled filled = { filling->stage.raw, filling->slot, filling, NULL };

	if (!filling->open)
		return;
	thag_filling_close(filling);
	shorten(&filled.raw.head, thag_chunks_cut_pos(&session->rings[index]));
	if (filled.raw.head.words == 0) {
		thag_filled_free(session, &filled);
		return;
	}
	pthread_mutex_lock(&chunks->lock);
	assert(chunks->count < chunks->capacity);
	thag_chunks_push(chunks, &filled);
	pthread_mutex_unlock(&chunks->lock);
}

void thag_chunks_cut(struct thag_session *session)
{
	for (uint32_t i = 0; i < session->header.slots; i++)
		cut_ring(session->chunks, i);
}

/* They are in the ring still: nothing of an event is given back before all of it is read. */
static void keep_unfinished(struct thag_chunks *chunks, struct thag_session_ring *ring)
{
	struct thag_filling *filling = &chunks->fillings[ring - ring->session->rings];
	uint64_t words[1 + THAG_EXT_PAYLOAD_MAX], pos = thag_chunks_cut_pos(ring);
	uint64_t count = thag_chunks_unfinished(&ring->stream);

	if (count == 0)
		return;
	for (uint64_t i = 0; i < count; i++) {
		words[i] = __atomic_load_n(&ring->reader.words[(pos + i) & THAG_RING_MASK],
					   __ATOMIC_RELAXED);
		if (!thag_word_is_at(words[i], pos + i))
			words[i] = thag_chunk_hole(pos + i);
	}
	thag_chunks_open(chunks, ring, pos, thag_clock_mono_ns());
	if (filling->open)
		thag_chunk_stage_put(&filling->stage, &ring->stream, words, count);
}

void thag_chunks_go_on(struct thag_session *session, struct thag_chunks_turn *turn)
{
	struct thag_chunks *chunks = session->chunks;
	struct thag_filled filled = { .turn = turn };

	pthread_mutex_lock(&chunks->lock);
	assert(chunks->count < chunks->capacity);
	thag_chunks_push(chunks, &filled);
	pthread_mutex_unlock(&chunks->lock);
	for (uint32_t i = 0; i < session->header.slots; i++)
		keep_unfinished(chunks, &session->rings[i]);
}

void thag_chunks_await(struct thag_session *session, struct thag_chunks_turn *turn)
{
	struct thag_chunks *chunks = session->chunks;

	pthread_mutex_lock(&chunks->lock);
	while (!turn->done)
		pthread_cond_wait(&chunks->turned, &chunks->lock);
	pthread_mutex_unlock(&chunks->lock);
}
