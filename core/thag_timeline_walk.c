/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_timeline_private.h"

#include <errno.h>

const struct thag_buffer *thag_timeline_part(struct thag_timeline *timeline,
					     struct thag_entry *entry, enum thag_chunk_part part)
{
	const struct thag_timeline_options *options = &timeline->options;
	struct thag_buffer *bytes = &entry->chunk.parts[part];

	if (entry->token)
		thag_timeline_touch(timeline, entry);
	if (entry->present >> part & 1)
		return bytes;
	if (entry->token == 0 || !options->load)
		return NULL;
	if (options->load(options->context, entry->token, &entry->chunk.head, part, bytes) != 0) {
		thag_buffer_fini(bytes);
		return NULL;
	}
	thag_timeline_count_part(timeline, entry, part);
	return bytes;
}

int thag_timeline_words(struct thag_timeline *timeline, struct thag_entry *entry,
			struct thag_chunk_raw *raw)
{
	if (!thag_timeline_part(timeline, entry, THAG_PART_OPENINGS) ||
	    !thag_timeline_part(timeline, entry, THAG_PART_WORDS))
		return -ENODATA;
	return thag_chunk_decode(raw, &entry->chunk, timeline->words);
}

bool thag_place_has_below(const struct thag_place *place)
{
	const struct thag_level *below;

	if (place->level == 0)
		return false;
	below = &place->ring->levels[place->level - 1];
	return place->number * THAG_CHUNK_FANOUT >= below->first &&
	       (place->number + 1) * THAG_CHUNK_FANOUT <= below->first + below->count;
}

static void visit(struct thag_walk *walk, const struct thag_place *place)
{
	const struct thag_chunk_head *head = &thag_place_entry(place)->chunk.head;
	bool has_below = thag_place_has_below(place);
	struct thag_place below;

	if (walk->error || !thag_head_overlaps(head, walk->from, walk->to) ||
	    walk->take(walk, place, has_below) || !has_below)
		return;
	below = thag_place_below(place);
	for (uint32_t i = 0; i < THAG_CHUNK_FANOUT; i++, below.number++)
		visit(walk, &below);
}

static void visit_all(struct thag_walk *walk, const struct thag_timeline_lane_ring *ring,
		      uint32_t level, uint64_t from, uint64_t to)
{
	const struct thag_level *at = &ring->levels[level];
	uint64_t end = at->first + at->count;
	struct thag_place place = { .ring = ring, .level = level };

	place.number = from > at->first ? from : at->first;
	for (; place.number < to && place.number < end; place.number++)
		visit(walk, &place);
}

/*
 * All entries of a level and of those above, but for what is below another: what is older than all
 * above, all that is above, and what is newer.
 */
static void visit_level(struct thag_walk *walk, const struct thag_timeline_lane_ring *ring,
			uint32_t level)
{
	const struct thag_level *above = &ring->levels[level] + 1;

	if (level + 1 == THAG_CHUNK_LEVELS_MAX) {
		visit_all(walk, ring, level, 0, UINT64_MAX);
		return;
	}
	visit_all(walk, ring, level, 0, above->first * THAG_CHUNK_FANOUT);
	visit_level(walk, ring, level + 1);
	visit_all(walk, ring, level, (above->first + above->count) * THAG_CHUNK_FANOUT, UINT64_MAX);
}

void thag_timeline_walk(struct thag_walk *walk, const struct thag_timeline_lane_ring *ring)
{
	visit_level(walk, ring, 0);
}

const struct thag_chunk_raw *thag_timeline_find_open(const struct thag_timeline_open *open,
						     uint32_t ring)
{
	for (size_t i = 0; i < open->count; i++)
		if (open->chunks[i]->head.ring == ring)
			return open->chunks[i];
	return NULL;
}
