/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copies of what is being filled, for whoever looks at it. */
#include <stdlib.h>
#include <string.h>

#include "chunks_private.h"

static int copy_openings(struct thag_openings *to, const struct thag_openings *from)
{
	int ret = thag_buffer_append(&to->stacks, from->stacks.data, from->stacks.bytes);

	if (ret == 0)
		ret = thag_buffer_append(&to->frames, from->frames.data, from->frames.bytes);
	if (ret != 0)
		thag_openings_fini(to);
	return ret;
}

/* Under the session's lock. */
static bool copy_filling(struct thag_chunks *chunks, uint32_t ring, struct thag_chunk_raw *raw)
{
	const struct thag_filling *filling = &chunks->fillings[ring];
	const struct thag_session *session = chunks->session;
	const struct thag_chunk_raw *from = &filling->stage.raw;
	uint64_t unfinished;
	uint32_t waiting;

	if (!session->rings || !filling->open)
		return false;
	pthread_mutex_lock(&chunks->lock);
	waiting = filling->waiting;
	pthread_mutex_unlock(&chunks->lock);
	unfinished = thag_chunks_unfinished(&session->rings[ring].stream);
	if (waiting || from->head.words <= unfinished ||
	    copy_openings(&raw->openings, &from->openings) != 0)
		return false;
	raw->head = from->head;
	raw->head.words -= unfinished;
	if (raw->head.events > raw->head.words)
		raw->head.events = raw->head.words;
	memcpy(raw->words, from->words, raw->head.words * sizeof(*raw->words));
	return true;
}

bool thag_chunks_copy(struct thag_session *session, uint32_t ring, struct thag_chunk_raw *raw)
{
	struct thag_chunks *chunks = session->chunks;
	uint64_t *fitting;
	bool copied;

	raw->words = malloc(THAG_CHUNK_WORDS * sizeof(*raw->words));
	if (!raw->words)
		return false;
	pthread_rwlock_wrlock(&session->lock);
	copied = copy_filling(chunks, ring, raw);
	pthread_rwlock_unlock(&session->lock);
	if (copied) {
		fitting = realloc(raw->words, raw->head.words * sizeof(*raw->words));
		raw->words = fitting ? fitting : raw->words;
		return true;
	}
	free(raw->words);
	raw->words = NULL;
	return false;
}

uint32_t thag_chunks_rings(struct thag_session *session)
{
	uint32_t used = 0;

	if (!session->chunks)
		return 0;
	pthread_rwlock_wrlock(&session->lock);
	if (session->rings && session->memory.shm)
		used = thag_session_rings_used(session);
	pthread_rwlock_unlock(&session->lock);
	return used;
}
