/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_timeline_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

int thag_timeline_create(struct thag_timeline **out, const struct thag_timeline_options *options)
{
	struct thag_timeline *timeline = calloc(1, sizeof(*timeline));

	if (!timeline)
		return -ENOMEM;
	timeline->options = *options;
	if (timeline->options.budget_bytes == 0)
		timeline->options.budget_bytes = THAG_TIMELINE_BUDGET;
	timeline->words = malloc(THAG_CHUNK_WORDS * sizeof(*timeline->words));
	if (!timeline->words || thag_chunk_maker_create(&timeline->maker) != 0) {
		thag_timeline_destroy(timeline);
		return -ENOMEM;
	}
	*out = timeline;
	return 0;
}

static void free_ring(struct thag_timeline_lane_ring *ring)
{
	for (uint32_t i = 0; i < THAG_CHUNK_LEVELS_MAX; i++) {
		struct thag_level *level = &ring->levels[i];

		for (uint64_t j = 0; j < level->count; j++)
			thag_entry_free(level->entries[j]);
		free(level->entries);
	}
	free(ring);
}

void thag_timeline_destroy(struct thag_timeline *timeline)
{
	if (!timeline)
		return;
	for (size_t i = 0; i < timeline->ring_count; i++)
		free_ring(timeline->rings[i]);
	free(timeline->rings);
	free(timeline->words);
	thag_chunk_maker_destroy(timeline->maker);
	free(timeline);
}

/* Where a ring is, or belongs. */
static size_t ring_place(const struct thag_timeline *timeline, uint32_t ring)
{
	size_t low = 0, high = timeline->ring_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (timeline->rings[middle]->ring < ring)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct thag_timeline_lane_ring *thag_timeline_find_ring(const struct thag_timeline *timeline,
							uint32_t ring)
{
	size_t at = ring_place(timeline, ring);

	if (at == timeline->ring_count || timeline->rings[at]->ring != ring)
		return NULL;
	return timeline->rings[at];
}

static struct thag_timeline_lane_ring *add_ring(struct thag_timeline *timeline, uint32_t number)
{
	size_t at = ring_place(timeline, number), capacity = timeline->ring_capacity;
	struct thag_timeline_lane_ring **grown, *ring;

	if (timeline->ring_count == capacity) {
		capacity = capacity ? capacity * 2 : FIRST_CAPACITY;
		grown = reallocarray(timeline->rings, capacity,
				     sizeof(struct thag_timeline_lane_ring *));
		if (!grown)
			return NULL;
		timeline->rings = grown;
		timeline->ring_capacity = capacity;
	}
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return NULL;
	ring->ring = number;
	memmove(timeline->rings + at + 1, timeline->rings + at,
		(timeline->ring_count - at) * sizeof(struct thag_timeline_lane_ring *));
	timeline->rings[at] = ring;
	timeline->ring_count++;
	timeline->bytes += sizeof(*ring);
	return ring;
}

static int reserve_entry(struct thag_level *level)
{
	size_t capacity = level->capacity ? level->capacity * 2 : FIRST_CAPACITY;
	struct thag_entry **grown;

	if (level->count < level->capacity)
		return 0;
	grown = reallocarray(level->entries, capacity, sizeof(struct thag_entry *));
	if (!grown)
		return -ENOMEM;
	level->entries = grown;
	level->capacity = capacity;
	return 0;
}

/* An entry behind the others of its level, that takes `chunk`. NULL without memory. */
static struct thag_entry *append_entry(struct thag_timeline *timeline,
				       struct thag_timeline_lane_ring *ring,
				       struct thag_chunk *chunk, uint64_t token)
{
	struct thag_level *level = &ring->levels[chunk->head.level];
	struct thag_entry *entry;

	if (reserve_entry(level) != 0)
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->chunk = *chunk;
	entry->token = token;
	entry->recorded = token != 0;
	*chunk = (struct thag_chunk){ 0 };
	level->entries[level->count++] = entry;
	timeline->bytes += sizeof(*entry) + sizeof(entry);
	return entry;
}

/* Whether a chunk may be the next of its level. */
static bool follows(const struct thag_level *level, const struct thag_chunk_head *head)
{
	const struct thag_chunk_head *last;

	if (head->words == 0)
		return false;
	if (level->count == 0)
		return true;
	last = &level->entries[level->count - 1]->chunk.head;
	return head->first_pos >= last->first_pos + (head->level ? 1 : last->words) &&
	       head->base_ticks >= last->last_ticks;
}

/* What was open before its first event was so since the chunk before; else nothing was. */
static uint64_t begin_of(const struct thag_chunk_head *head)
{
	return head->flags & THAG_CHUNK_THREAD ? head->base_ticks : head->first_ticks;
}

static void count_chunk(struct thag_timeline *timeline, struct thag_timeline_lane_ring *ring,
			const struct thag_chunk_head *head)
{
	struct thag_timeline_facts *facts = &timeline->facts;

	if (facts->chunks == 0 || begin_of(head) < facts->first_ticks)
		facts->first_ticks = begin_of(head);
	if (head->last_ticks > facts->last_ticks)
		facts->last_ticks = head->last_ticks;
	if (head->flags & THAG_CHUNK_GAP && head->base_ticks > facts->whole_ticks)
		facts->whole_ticks = head->base_ticks;
	facts->chunks++;
	facts->words += head->words;
	facts->events += head->events;
	if (ring->events == 0)
		ring->first_ticks = begin_of(head);
	ring->last_ticks = head->last_ticks;
	ring->events += head->events;
	ring->next_pos = head->first_pos + head->words;
	for (uint32_t i = 0; i < THAG_LANE_KINDS; i++)
		if (head->rows[i] > ring->rows[i])
			ring->rows[i] = head->rows[i];
}

/* An entry without summary, for one that could not be made: those below it are looked at. */
static struct thag_chunk absent_chunk(const struct thag_chunk *const *below)
{
	struct thag_chunk chunk = { .head = below[0]->head };

	chunk.head.level++;
	chunk.head.last_ticks = below[THAG_CHUNK_FANOUT - 1]->head.last_ticks;
	for (uint32_t i = 0; i < THAG_CHUNK_FANOUT; i++)
		chunk.head.flags |= below[i]->head.flags & THAG_CHUNK_GAP;
	return chunk;
}

static void count_parts(struct thag_timeline *timeline, struct thag_entry *entry)
{
	for (uint32_t i = entry->chunk.head.level ? THAG_PART_TREE : 0; i < THAG_PART_COUNT; i++)
		thag_timeline_count_part(timeline, entry, i);
	if (entry->token)
		thag_timeline_touch(timeline, entry);
}

/* What the chunks below an entry are, all there; false: they aren't. */
static bool find_below(struct thag_timeline *timeline, const struct thag_level *level,
		       uint64_t number, const struct thag_chunk **below)
{
	bool whole = true;

	for (uint32_t i = 0; i < THAG_CHUNK_FANOUT; i++) {
		struct thag_entry *entry = thag_level_at(level, number * THAG_CHUNK_FANOUT + i);

		for (uint32_t part = THAG_PART_TREE; part < THAG_PART_COUNT; part++)
			whole = thag_timeline_part(timeline, entry, part) && whole;
		below[i] = &entry->chunk;
	}
	return whole;
}

/* Whether any of those below an entry is. */
static bool are_recorded(const struct thag_level *level, uint64_t number)
{
	bool recorded = false;

	for (uint32_t i = 0; i < THAG_CHUNK_FANOUT; i++)
		recorded |= thag_level_at(level, number * THAG_CHUNK_FANOUT + i)->recorded;
	return recorded;
}

/* Makes the next chunk of the level above `number`, of the four that are behind the last one's. */
static int make_above(struct thag_timeline *timeline, struct thag_timeline_lane_ring *ring,
		      uint32_t number)
{
	const struct thag_chunk *below[THAG_CHUNK_FANOUT];
	struct thag_level *level = &ring->levels[number], *above = level + 1;
	struct thag_chunk chunk = { 0 };
	struct thag_entry *entry;
	uint64_t token = 0;
	bool made = find_below(timeline, level, above->first + above->count, below) &&
		    thag_chunk_merge(timeline->maker, &chunk, below) == 0;

	if (!made)
		chunk = absent_chunk(below);
	else if (timeline->options.made)
		token = timeline->options.made(timeline->options.context, &chunk);
	entry = append_entry(timeline, ring, &chunk, token);
	if (!entry) {
		thag_chunk_fini(&chunk);
		return -ENOMEM;
	}
	entry->recorded |= are_recorded(level, above->first + above->count - 1);
	if (made)
		count_parts(timeline, entry);
	return 0;
}

/* Whether the next entry above a level can be made. */
static bool is_due(struct thag_timeline_lane_ring *ring, uint32_t number)
{
	struct thag_level *level = &ring->levels[number], *above = level + 1;
	uint64_t next = (above->first + above->count) * THAG_CHUNK_FANOUT;

	/* where what it would have been made of was given up, so was all before */
	if (above->count == 0 && level->first > next) {
		above->first = (level->first + THAG_CHUNK_FANOUT - 1) / THAG_CHUNK_FANOUT;
		next = above->first * THAG_CHUNK_FANOUT;
	}
	return level->first <= next && level->first + level->count >= next + THAG_CHUNK_FANOUT;
}

static void make_due(struct thag_timeline *timeline, struct thag_timeline_lane_ring *ring)
{
	for (uint32_t i = 0; i + 1 < THAG_CHUNK_LEVELS_MAX && is_due(ring, i); i++)
		if (make_above(timeline, ring, i) != 0)
			return;
}

/* The ring of a chunk's head, made if need be; NULL without memory. */
static struct thag_timeline_lane_ring *ring_of(struct thag_timeline *timeline,
					       const struct thag_chunk_head *head)
{
	struct thag_timeline_lane_ring *ring = thag_timeline_find_ring(timeline, head->ring);

	return ring ? ring : add_ring(timeline, head->ring);
}

static int add_chunk(struct thag_timeline *timeline, struct thag_chunk *chunk, uint64_t token)
{
	struct thag_timeline_lane_ring *ring;
	struct thag_entry *entry;

	if (chunk->head.level != 0 || !thag_chunk_head_check(&chunk->head))
		return -EINVAL;
	ring = ring_of(timeline, &chunk->head);
	if (!ring)
		return -ENOMEM;
	if (!follows(&ring->levels[0], &chunk->head))
		return -EINVAL;
	entry = append_entry(timeline, ring, chunk, token);
	if (!entry)
		return -ENOMEM;
	count_chunk(timeline, ring, &entry->chunk.head);
	count_parts(timeline, entry);
	make_due(timeline, ring);
	thag_timeline_trim(timeline);
	return 0;
}

int thag_timeline_add(struct thag_timeline *timeline, struct thag_chunk *chunk, uint64_t token)
{
	int error = add_chunk(timeline, chunk, token);

	thag_chunk_fini(chunk);
	return error;
}

/* The number of the chunk of level 0 that begins at a position; false: there is none. */
static bool find_first(const struct thag_level *level, uint64_t pos, uint64_t *number)
{
	uint64_t low = level->first, high = level->first + level->count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (thag_level_at(level, middle)->chunk.head.first_pos < pos)
			low = middle + 1;
		else
			high = middle;
	}
	*number = low;
	return low < level->first + level->count &&
	       thag_level_at(level, low)->chunk.head.first_pos == pos;
}

/* Makes entries for those that were lost, until the level has `end`. */
static int skip_entries(struct thag_timeline *timeline, struct thag_timeline_lane_ring *ring,
			uint32_t level, uint64_t end)
{
	struct thag_level *at = &ring->levels[level];

	while (at->first + at->count < end) {
		uint64_t first = (at->first + at->count) * THAG_CHUNK_FANOUT;
		const struct thag_chunk *below[THAG_CHUNK_FANOUT];
		struct thag_chunk chunk;

		for (uint32_t i = 0; i < THAG_CHUNK_FANOUT; i++)
			below[i] = &thag_level_at(at - 1, first + i)->chunk;
		chunk = absent_chunk(below);
		if (!append_entry(timeline, ring, &chunk, 0))
			return -ENOMEM;
	}
	return 0;
}

/* Whether what a chunk of a higher level is made of is there, and it is the next one. */
static int prepare_level(struct thag_timeline *timeline, struct thag_timeline_lane_ring *ring,
			 const struct thag_chunk_head *head)
{
	const struct thag_level *lowest = &ring->levels[0], *level = &ring->levels[head->level];
	uint64_t first, chunks = UINT64_C(1) << 2 * head->level;
	int error = 0;

	if (!find_first(lowest, head->first_pos, &first) || first % chunks ||
	    first + chunks > lowest->first + lowest->count ||
	    first / chunks < level->first + level->count)
		return -EINVAL;
	for (uint32_t i = 1; i < head->level && error == 0; i++)
		error = skip_entries(timeline, ring, i, (first + chunks) >> 2 * i);
	return error ? error : skip_entries(timeline, ring, head->level, first / chunks);
}

int thag_timeline_add_stored(struct thag_timeline *timeline, const struct thag_chunk_head *head,
			     uint64_t token)
{
	struct thag_chunk chunk = { .head = *head };
	struct thag_timeline_lane_ring *ring;
	int error = 0;

	if (!thag_chunk_head_check(head) || token == 0)
		return -EINVAL;
	ring = ring_of(timeline, head);
	if (!ring)
		return -ENOMEM;
	if (!follows(&ring->levels[head->level], head))
		return -EINVAL;
	if (head->level)
		error = prepare_level(timeline, ring, head);
	if (error == 0 && !append_entry(timeline, ring, &chunk, token))
		error = -ENOMEM;
	if (error == 0 && head->level == 0)
		count_chunk(timeline, ring, head);
	thag_timeline_trim(timeline);
	return error;
}

int thag_timeline_complete(struct thag_timeline *timeline)
{
	for (size_t i = 0; i < timeline->ring_count; i++)
		for (uint32_t j = 0; j + 1 < THAG_CHUNK_LEVELS_MAX; j++) {
			if (!is_due(timeline->rings[i], j))
				continue;
			if (make_above(timeline, timeline->rings[i], j) != 0)
				return -ENOMEM;
			thag_timeline_trim(timeline);
			return 1;
		}
	return 0;
}

void thag_timeline_facts(const struct thag_timeline *timeline, struct thag_timeline_facts *facts)
{
	*facts = timeline->facts;
	facts->bytes = timeline->bytes;
}

size_t thag_timeline_rings(const struct thag_timeline *timeline, struct thag_timeline_ring *out,
			   size_t room)
{
	for (size_t i = 0; i < timeline->ring_count && i < room; i++) {
		const struct thag_timeline_lane_ring *ring = timeline->rings[i];

		out[i] = (struct thag_timeline_ring){ .ring = ring->ring,
						      .events = ring->events,
						      .next_pos = ring->next_pos,
						      .first_ticks = ring->first_ticks,
						      .last_ticks = ring->last_ticks };
		memcpy(out[i].rows, ring->rows, sizeof(out[i].rows));
	}
	return timeline->ring_count;
}

bool thag_timeline_has_ring(const struct thag_timeline *timeline, uint32_t ring)
{
	return thag_timeline_find_ring(timeline, ring) != NULL;
}
