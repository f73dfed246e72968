/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a range of time adds up to: whole chunks by their trees, those at its edges by their words.
 */
#include <errno.h>

#include "thag_chunk_tree.h"
#include "thag_timeline_private.h"

struct adding {
	const struct thag_range_query *query;
	struct thag_range_facts *facts;
	struct thag_chunk_tree tree; /* of a chunk at an edge */
	struct thag_buffer stored;   /* that in its stored form */
};

static int give(struct adding *adding, const uint8_t *data, size_t bytes, uint32_t level,
		uint64_t share)
{
	int error = thag_chunk_tree_give(data, bytes, level, share, adding->query->tree,
					 adding->query->context);

	/* what makes no sense is left out */
	if (error == -EBADMSG) {
		adding->facts->flags |= THAG_RANGE_HOLES;
		return 0;
	}
	return error;
}

/* What words say of the range. */
static int add_words(struct adding *adding, const struct thag_chunk_raw *raw)
{
	const struct thag_range_query *query = adding->query;
	int error;

	adding->facts->words += raw->head.words;
	thag_chunk_tree_clear(&adding->tree);
	error = thag_chunk_tree_add(&adding->tree, raw, query->from, query->to);
	adding->stored.bytes = 0;
	if (error == 0)
		error = thag_chunk_tree_encode(&adding->tree, &adding->stored);
	if (error == 0)
		error = give(adding, adding->stored.data, adding->stored.bytes, 0,
			     THAG_CHUNK_TREE_WHOLE);
	return error;
}

/* Which part of a chunk's time is in the range, in 2^32nds. */
static uint64_t share_of(const struct thag_chunk_head *head, const struct thag_range_query *query)
{
	uint64_t from = head->base_ticks > query->from ? head->base_ticks : query->from;
	uint64_t to = head->last_ticks < query->to ? head->last_ticks : query->to;
	uint64_t ticks = head->last_ticks - head->base_ticks;

	if (ticks == 0)
		return THAG_CHUNK_TREE_WHOLE;
	return (uint64_t)((unsigned __int128)(to - from) * THAG_CHUNK_TREE_WHOLE / ticks);
}

static void count_events(struct adding *adding, const struct thag_chunk_head *head)
{
	adding->facts->events +=
		(uint64_t)((unsigned __int128)head->events * share_of(head, adding->query) >> 32);
}

/* Whether the words of a chunk were added; false where they are gone. */
static bool try_words(struct thag_walk *walk, struct thag_entry *entry)
{
	struct adding *adding = walk->context;
	struct thag_chunk_raw raw;

	if (entry->chunk.head.level != 0 || !thag_entry_has(entry, THAG_PART_WORDS) ||
	    thag_timeline_words(walk->timeline, entry, &raw) != 0)
		return false;
	walk->error = add_words(adding, &raw);
	thag_openings_fini(&raw.openings);
	count_events(adding, &entry->chunk.head);
	return true;
}

static bool take(struct thag_walk *walk, const struct thag_place *place, bool has_below)
{
	struct thag_entry *entry = thag_place_entry(place);
	struct adding *adding = walk->context;
	const struct thag_chunk_head *head = &entry->chunk.head;
	bool whole = head->base_ticks >= walk->from && head->last_ticks < walk->to;
	const struct thag_buffer *stored;

	if (!whole && has_below)
		return false;
	if (head->flags & THAG_CHUNK_GAP)
		adding->facts->flags |= THAG_RANGE_HOLES;
	if (!whole && try_words(walk, entry))
		return true;
	stored = thag_timeline_part(walk->timeline, entry, THAG_PART_TREE);
	if (!stored) {
		adding->facts->flags |= has_below ? 0 : (uint32_t)THAG_RANGE_HOLES;
		return false;
	}
	adding->facts->flags |= whole ? 0 : (uint32_t)THAG_RANGE_ESTIMATED;
	adding->facts->summaries++;
	count_events(adding, head);
	walk->error = give(adding, stored->data, stored->bytes, head->level,
			   whole ? THAG_CHUNK_TREE_WHOLE : share_of(head, adding->query));
	return true;
}

static int add_open(struct adding *adding)
{
	const struct thag_range_query *query = adding->query;
	int error = 0;

	for (size_t i = 0; i < query->open.count && error == 0; i++) {
		const struct thag_chunk_raw *raw = query->open.chunks[i];

		if (!thag_head_overlaps(&raw->head, query->from, query->to))
			continue;
		error = add_words(adding, raw);
		count_events(adding, &raw->head);
	}
	return error;
}

int thag_timeline_tree(struct thag_timeline *timeline, const struct thag_range_query *query,
		       struct thag_range_facts *facts)
{
	struct adding adding = { .query = query, .facts = facts };
	struct thag_walk walk = { .timeline = timeline,
				  .from = query->from,
				  .to = query->to,
				  .take = take,
				  .context = &adding };

	*facts = (struct thag_range_facts){ 0 };
	if (query->from >= query->to)
		return 0;
	if (thag_chunk_tree_init(&adding.tree) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < timeline->ring_count && walk.error == 0; i++) {
		if (thag_ring_lost(timeline->rings[i], query->from, query->to))
			facts->flags |= THAG_RANGE_HOLES;
		thag_timeline_walk(&walk, timeline->rings[i]);
	}
	if (walk.error == 0)
		walk.error = add_open(&adding);
	thag_chunk_tree_fini(&adding.tree);
	thag_buffer_fini(&adding.stored);
	thag_timeline_trim(timeline);
	return walk.error;
}
