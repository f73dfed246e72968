/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of thag_timeline.c have in common. */
#ifndef THAG_TIMELINE_PRIVATE_H
#define THAG_TIMELINE_PRIVATE_H

#include "thag_timeline.h"

/** A chunk in the timeline. */
struct thag_entry {
	struct thag_chunk chunk;
	uint64_t token;	  /* by which its parts can be loaded, 0: not at all */
	uint32_t present; /* bits of enum thag_chunk_part: in memory, though it may have no bytes */
	bool recorded;	  /* it has a token, or one below it had when it was made */
	struct thag_entry *newer, *older; /* of those with a token: by when they were last used */
};

/** Entry n of a level stands for entries FANOUT * n and on of the one below. */
struct thag_level {
	struct thag_entry **entries; /* from number `first` on */
	uint64_t first;		     /* those before are gone */
	uint64_t count;		     /* of those that are there */
	size_t capacity;
	uint64_t words_first; /* of level 0: words before it were dropped */
};

struct thag_timeline_lane_ring {
	uint32_t ring;
	uint32_t rows[THAG_LANE_KINDS];
	uint64_t first_ticks, last_ticks;
	uint64_t lost_ticks; /* before it nothing is left */
	uint64_t events;
	uint64_t next_pos;
	struct thag_level levels[THAG_CHUNK_LEVELS_MAX];
};

/* What goes together when memory is short: words, or the summaries of a level. */
#define THAG_CLASS_WORDS 0
#define THAG_CLASSES (1 + THAG_CHUNK_LEVELS_MAX)

struct thag_timeline {
	struct thag_timeline_options options;
	struct thag_chunk_maker *maker;
	struct thag_timeline_lane_ring **rings; /* by number */
	size_t ring_count;
	size_t ring_capacity;
	uint64_t bytes;			    /* of everything */
	uint64_t class_bytes[THAG_CLASSES]; /* of what can't be loaded again */
	struct thag_entry *newest, *oldest; /* of those with a token that have parts in memory */
	struct thag_timeline_facts facts;
	uint64_t *words; /* of a chunk that is being decoded: THAG_CHUNK_WORDS */
};

/** The ring of that number, NULL for none. */
struct thag_timeline_lane_ring *thag_timeline_find_ring(const struct thag_timeline *timeline,
							uint32_t ring);

/** A part of an entry, loaded if need be. NULL: it is gone. It stays until thag_timeline_trim. */
const struct thag_buffer *thag_timeline_part(struct thag_timeline *timeline,
					     struct thag_entry *entry, enum thag_chunk_part part);

/** Whether the entry has a part, or could load it. */
static inline bool thag_entry_has(const struct thag_entry *entry, enum thag_chunk_part part)
{
	return entry->token != 0 || (entry->present >> part & 1);
}

/** The words of an entry of level 0, which are valid until the next are asked for. */
int thag_timeline_words(struct thag_timeline *timeline, struct thag_entry *entry,
			struct thag_chunk_raw *raw);

void thag_entry_free(struct thag_entry *entry);

/** A part's bytes are in memory from now on. */
void thag_timeline_count_part(struct thag_timeline *timeline, struct thag_entry *entry,
			      enum thag_chunk_part part);

/** An entry with a token was used. */
void thag_timeline_touch(struct thag_timeline *timeline, struct thag_entry *entry);

/** Gives back what is beyond the budget. At the end of whatever adds or loads. */
void thag_timeline_trim(struct thag_timeline *timeline);

static inline struct thag_entry *thag_level_at(const struct thag_level *level, uint64_t number)
{
	return level->entries[number - level->first];
}

/** An entry, and where it is. */
struct thag_place {
	const struct thag_timeline_lane_ring *ring;
	uint32_t level;
	uint64_t number;
};

static inline struct thag_entry *thag_place_entry(const struct thag_place *place)
{
	return thag_level_at(&place->ring->levels[place->level], place->number);
}

/** Whether the entries that it is made of are there. */
bool thag_place_has_below(const struct thag_place *place);

/** Where the first of them is; the others follow. */
static inline struct thag_place thag_place_below(const struct thag_place *place)
{
	return (struct thag_place){ place->ring, place->level - 1,
				    place->number * THAG_CHUNK_FANOUT };
}

/**
 * A walk over what a ring has in a time: from the highest level down, in the order of time, as deep
 * as `take` wants.
 */
struct thag_walk {
	struct thag_timeline *timeline;
	uint64_t from, to; /* ticks, the end exclusive */
	/** Whether the entry was all that was wanted. Else those below it come, if it `has_below`.
	 */
	bool (*take)(struct thag_walk *walk, const struct thag_place *place, bool has_below);
	void *context;
	int error; /* set by `take`: no more is wanted */
};

void thag_timeline_walk(struct thag_walk *walk, const struct thag_timeline_lane_ring *ring);

/** Whether a chunk has anything to say of a time. */
static inline bool thag_head_overlaps(const struct thag_chunk_head *head, uint64_t from,
				      uint64_t to)
{
	return head->base_ticks < to && head->last_ticks >= from;
}

/** Whether a ring had something in a time of which nothing is left. */
static inline bool thag_ring_lost(const struct thag_timeline_lane_ring *ring, uint64_t from,
				  uint64_t to)
{
	return from < ring->lost_ticks && to > ring->first_ticks;
}

/** The chunk of `ring` among the open ones, NULL for none. */
const struct thag_chunk_raw *thag_timeline_find_open(const struct thag_timeline_open *open,
						     uint32_t ring);

#endif
