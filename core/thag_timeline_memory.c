/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of a timeline take in memory, and which go where that is short. */
#include "thag_timeline_private.h"

#include <stdlib.h>
#include <string.h>

void thag_entry_free(struct thag_entry *entry)
{
	thag_chunk_fini(&entry->chunk);
	free(entry);
}

static void unlink_entry(struct thag_timeline *timeline, struct thag_entry *entry)
{
	if (entry->newer)
		entry->newer->older = entry->older;
	else if (timeline->newest == entry)
		timeline->newest = entry->older;
	if (entry->older)
		entry->older->newer = entry->newer;
	else if (timeline->oldest == entry)
		timeline->oldest = entry->newer;
	entry->newer = entry->older = NULL;
}

void thag_timeline_touch(struct thag_timeline *timeline, struct thag_entry *entry)
{
	unlink_entry(timeline, entry);
	entry->older = timeline->newest;
	if (entry->older)
		entry->older->newer = entry;
	else
		timeline->oldest = entry;
	timeline->newest = entry;
}

static uint32_t class_of(const struct thag_entry *entry, enum thag_chunk_part part)
{
	return part <= THAG_PART_WORDS ? THAG_CLASS_WORDS : 1 + entry->chunk.head.level;
}

void thag_timeline_count_part(struct thag_timeline *timeline, struct thag_entry *entry,
			      enum thag_chunk_part part)
{
	size_t bytes = entry->chunk.parts[part].capacity;

	entry->present |= 1u << part;
	timeline->bytes += bytes;
	if (entry->token == 0)
		timeline->class_bytes[class_of(entry, part)] += bytes;
}

static void drop_part(struct thag_timeline *timeline, struct thag_entry *entry,
		      enum thag_chunk_part part)
{
	size_t bytes = entry->chunk.parts[part].capacity;

	if (!(entry->present >> part & 1))
		return;
	entry->present &= ~(1u << part);
	timeline->bytes -= bytes;
	if (entry->token == 0)
		timeline->class_bytes[class_of(entry, part)] -= bytes;
	thag_buffer_fini(&entry->chunk.parts[part]);
}

/* What can be loaded again goes first, the longest unused before others. */
static bool drop_loaded(struct thag_timeline *timeline)
{
	struct thag_entry *entry = timeline->oldest;

	if (!entry)
		return false;
	for (uint32_t i = 0; i < THAG_PART_COUNT; i++)
		drop_part(timeline, entry, i);
	unlink_entry(timeline, entry);
	return true;
}

/* The ring whose next words to go are the oldest of all; NULL: there are none. */
static struct thag_timeline_lane_ring *oldest_words(const struct thag_timeline *timeline)
{
	struct thag_timeline_lane_ring *oldest = NULL;
	uint64_t ticks = UINT64_MAX;

	for (size_t i = 0; i < timeline->ring_count; i++) {
		struct thag_timeline_lane_ring *ring = timeline->rings[i];
		struct thag_level *level = &ring->levels[0];
		uint64_t end = level->first + level->count;

		while (level->words_first < end &&
		       (level->words_first < level->first ||
			thag_level_at(level, level->words_first)->token))
			level->words_first++;
		if (level->words_first == end)
			continue;
		if (thag_level_at(level, level->words_first)->chunk.head.last_ticks < ticks) {
			ticks = thag_level_at(level, level->words_first)->chunk.head.last_ticks;
			oldest = ring;
		}
	}
	return oldest;
}

static bool drop_words(struct thag_timeline *timeline)
{
	struct thag_timeline_lane_ring *ring = oldest_words(timeline);
	struct thag_entry *entry;

	if (!ring)
		return false;
	entry = thag_level_at(&ring->levels[0], ring->levels[0].words_first++);
	drop_part(timeline, entry, THAG_PART_WORDS);
	drop_part(timeline, entry, THAG_PART_OPENINGS);
	timeline->facts.dropped_chunks++;
	timeline->facts.dropped_words += entry->chunk.head.words;
	if (entry->chunk.head.last_ticks > timeline->facts.whole_ticks)
		timeline->facts.whole_ticks = entry->chunk.head.last_ticks;
	return true;
}

/* The first `count` entries of a level go, words and all. */
static void drop_entries(struct thag_timeline *timeline, struct thag_level *level, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct thag_entry *entry = level->entries[i];

		if (entry->present >> THAG_PART_WORDS & 1) {
			timeline->facts.dropped_chunks++;
			timeline->facts.dropped_words += entry->chunk.head.words;
		}
		for (uint32_t part = 0; part < THAG_PART_COUNT; part++)
			drop_part(timeline, entry, part);
		unlink_entry(timeline, entry);
		timeline->bytes -= sizeof(*entry) + sizeof(entry);
		thag_entry_free(entry);
	}
	level->first += count;
	level->count -= count;
	memmove(level->entries, level->entries + count, level->count * sizeof(struct thag_entry *));
}

/* Whether words that the first entries of a level stand for can be loaded. */
static bool is_recorded(const struct thag_level *level)
{
	bool recorded = false;

	for (uint64_t i = 0; i < THAG_CHUNK_FANOUT && i < level->count; i++)
		recorded |= level->entries[i]->recorded;
	return recorded;
}

/* Whether the first entries of a level are all below one of the next, which has its summary. */
static bool is_covered(const struct thag_timeline_lane_ring *ring, uint32_t number)
{
	const struct thag_level *level = &ring->levels[number], *above = level + 1;
	uint64_t parent = level->first / THAG_CHUNK_FANOUT;

	if (number + 1 == THAG_CHUNK_LEVELS_MAX || level->count < THAG_CHUNK_FANOUT ||
	    parent < above->first || parent >= above->first + above->count)
		return false;
	return thag_level_at(above, parent)->present >> THAG_PART_SLICES & 1 &&
	       level->entries[0]->token == 0;
}

/* Entries of a level go, those before number `end`, and all that is below them. */
static void drop_until(struct thag_timeline *timeline, struct thag_timeline_lane_ring *ring,
		       uint32_t level, uint64_t end)
{
	for (uint32_t i = 0; i <= level; i++) {
		struct thag_level *at = &ring->levels[i];
		uint64_t until = end << 2 * (level - i);

		if (until > at->first)
			drop_entries(timeline, at,
				     until - at->first < at->count ? until - at->first : at->count);
	}
}

/*
 * The oldest entries of a level that are covered; false: there are none. `spare`: not those below
 * which there are words of a recording, which would be out of reach.
 */
static bool drop_summaries(struct thag_timeline *timeline, uint32_t number, bool spare)
{
	struct thag_timeline_lane_ring *oldest = NULL;

	for (size_t i = 0; i < timeline->ring_count; i++) {
		struct thag_timeline_lane_ring *ring = timeline->rings[i];

		if (is_covered(ring, number) && !(spare && is_recorded(&ring->levels[number])) &&
		    (!oldest || ring->levels[number].entries[0]->chunk.head.last_ticks <
					oldest->levels[number].entries[0]->chunk.head.last_ticks))
			oldest = ring;
	}
	if (!oldest)
		return false;
	drop_until(timeline, oldest, number, oldest->levels[number].first + THAG_CHUNK_FANOUT);
	return true;
}

static bool drop_class(struct thag_timeline *timeline, uint32_t class, bool spare)
{
	return class == THAG_CLASS_WORDS ? drop_words(timeline)
					 : drop_summaries(timeline, class - 1, spare);
}

/* Where the oldest time of a ring is, in context. */
static bool take_first(struct thag_walk *walk, const struct thag_place *place, bool has_below)
{
	(void)has_below;
	*(struct thag_place *)walk->context = *place;
	walk->error = 1;
	return true;
}

/* The oldest time of any ring is given up, with whatever is left of it on any level. */
static bool give_up(struct thag_timeline *timeline)
{
	struct thag_timeline_lane_ring *oldest = NULL;
	struct thag_place first = { 0 };
	uint64_t ticks = UINT64_MAX;

	for (size_t i = 0; i < timeline->ring_count; i++) {
		struct thag_place place;
		struct thag_walk walk = { .timeline = timeline,
					  .to = UINT64_MAX,
					  .take = take_first,
					  .context = &place };

		thag_timeline_walk(&walk, timeline->rings[i]);
		if (walk.error && thag_place_entry(&place)->chunk.head.last_ticks < ticks) {
			oldest = timeline->rings[i];
			first = place;
			ticks = thag_place_entry(&place)->chunk.head.last_ticks;
		}
	}
	if (!oldest)
		return false;
	timeline->facts.lost_chunks += UINT64_C(1) << 2 * first.level;
	oldest->lost_ticks = ticks;
	drop_until(timeline, oldest, first.level, first.number + 1);
	return true;
}

/*
 * Words may have half of the budget, summaries of the lowest level a quarter, those of the next an
 * eighth, and so on: what is most above its share gives first.
 */
static bool drop_most(struct thag_timeline *timeline, bool spare)
{
	uint32_t tried = 0;

	for (uint32_t i = 0; i < THAG_CLASSES; i++) {
		uint32_t most = THAG_CLASSES;

		for (uint32_t class = 0; class < THAG_CLASSES; class ++)
			if (!(tried >> class & 1) && timeline->class_bytes[class] &&
			    (most == THAG_CLASSES || timeline->class_bytes[class] << class >
							     timeline->class_bytes[most] << most))
				most = class;
		if (most == THAG_CLASSES)
			return false;
		if (drop_class(timeline, most, spare))
			return true;
		tried |= 1u << most;
	}
	return false;
}

void thag_timeline_shrink(struct thag_timeline *timeline, uint64_t bytes)
{
	while (timeline->bytes > bytes)
		if (!drop_loaded(timeline) && !drop_most(timeline, true) &&
		    !drop_most(timeline, false) && !give_up(timeline))
			return;
}

void thag_timeline_trim(struct thag_timeline *timeline)
{
	thag_timeline_shrink(timeline, timeline->options.budget_bytes);
}
