/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "open_chunks.h"

#include <stdlib.h>

#include "chunks.h"

#define FEW_WORDS 4096

void thag_open_chunks_take(struct thag_open_chunks *open, struct thag_session *session)
{
	uint32_t rings = thag_chunks_rings(session);
	uint64_t words = 0;

	*open = (struct thag_open_chunks){ 0 };
	if (rings == 0)
		return;
	open->list = calloc(rings, sizeof(*open->list));
	open->wanted = calloc(rings, sizeof(*open->wanted));
	for (uint32_t i = 0; open->list && open->wanted && i < rings; i++) {
		struct thag_chunk_raw *raw = &open->list[open->count];

		open->cut = words > THAG_OPEN_WORDS_MAX;
		if (open->cut)
			break;
		if (!thag_chunks_copy(session, i, raw))
			continue;
		words += raw->head.words;
		open->count++;
	}
}

void thag_open_chunks_fini(struct thag_open_chunks *open)
{
	for (uint32_t i = 0; i < open->count; i++) {
		thag_openings_fini(&open->list[i].openings);
		free(open->list[i].words);
	}
	free(open->list);
	free(open->wanted);
	*open = (struct thag_open_chunks){ 0 };
}

static bool is_worth_it(const struct thag_timeline *timeline, const struct thag_chunk_head *head,
			uint64_t ticks, uint32_t columns)
{
	uint64_t length = head->last_ticks - head->base_ticks;

	return head->words <= FEW_WORDS || (unsigned __int128)length * columns >= ticks ||
	       !thag_timeline_has_ring(timeline, head->ring);
}

struct thag_timeline_open thag_open_chunks_select(struct thag_open_chunks *open,
						  const struct thag_timeline *timeline,
						  uint64_t ticks, uint32_t columns)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < open->count; i++)
		if (is_worth_it(timeline, &open->list[i].head, ticks, columns))
			open->wanted[count++] = &open->list[i];
	return (struct thag_timeline_open){ open->wanted, count };
}

struct thag_timeline_open thag_open_chunks_all(struct thag_open_chunks *open)
{
	for (uint32_t i = 0; i < open->count; i++)
		open->wanted[i] = &open->list[i];
	return (struct thag_timeline_open){ open->wanted, open->count };
}
