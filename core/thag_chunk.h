/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Chunks: the words of one ring, piece by piece, in little memory, and what they add up to.
 *
 * A chunk has up to THAG_CHUNK_WORDS consecutive words of a ring, cut between events, with the
 * frames that are open where it begins (thag_openings.h): so it can be read by itself. Word i
 * stands for the ring's free-running position first_pos + i, and has that position's phase; a word
 * that was never written is there as thag_chunk_hole().
 *
 * A chunk goes through three forms:
 *
 *   struct thag_chunk_raw    words as they come from the ring; what is being filled, or decoded
 *   struct thag_chunk        a head and parts, each a string of bytes: the words encoded, and
 *                            summaries of them: call tree, slices to draw, notes
 *   bytes                    head and parts in one: see thag_chunk_pack
 *
 * Four chunks of a ring that follow each other make one of the next level: summaries without words,
 * of a time four times as long. Four of those make one of the level above, and so on.
 *
 * All numbers in stored forms are little-endian, and no stored byte is trusted.
 *
 * Thread: owner. Encoding and decoding allocate, within the limits here; no I/O.
 */
#ifndef THAG_CHUNK_H
#define THAG_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_openings.h"
#include "thag/words.h"

#define THAG_CHUNK_WORDS (UINT32_C(1) << 16)
#define THAG_CHUNK_FANOUT 4 /* chunks that make one of the next level */
#define THAG_CHUNK_LEVELS_MAX \
	20			/* 4^19 chunks are more words than a ring can hold in a lifetime \
				 */
#define THAG_CHUNK_ROWS_MAX 256 /* of a lane: calls that are deeper are in no summary */
#define THAG_CHUNK_RINGS_MAX (UINT32_C(1) << 16)
#define THAG_CHUNK_PART_BYTES_MAX (UINT32_C(256) << 20)
#define THAG_CHUNK_TICKS_MAX (UINT64_C(1) << 62) /* no clock gets there */

/** Lanes that a ring is drawn as: the frames of the threads themselves, and those of tasks. */
enum thag_lane_kind { THAG_LANE_OWN = 0, THAG_LANE_TASKS = 1, THAG_LANE_KINDS };

enum thag_chunk_flags {
	THAG_CHUNK_RESUMED = 1, /* times of the frames open where it begins are not known */
	THAG_CHUNK_GAP = 2,	/* words just before it, or one that it is made of, were not kept */
	THAG_CHUNK_THREAD = 4,	/* a thread writes where it begins: `tid` */
	THAG_CHUNK_PRELUDE = 8, /* what is kept of its ring begins with it: see thag_prelude.h */
};

/**
 * What is known of a chunk without reading it. Stored as it is: see thag_chunk_head_check.
 *
 *   0 first_pos | 8 base_ticks | 16 first_ticks | 24 last_ticks | 32 words | 40 events
 *  48 ring 4, level 4 | 56 tid 4, flags 4 | 64 rows 2 x 4 | 72 reserved
 */
struct thag_chunk_head {
	uint64_t first_pos;   /* position of its first word */
	uint64_t base_ticks;  /* when it begins: the last event before it, as the decoder knew it */
	uint64_t first_ticks; /* of its first event, not before base_ticks */
	uint64_t last_ticks;  /* of its last event; base_ticks when it has none */
	uint64_t words;	      /* of all chunks it stands for, holes included */
	uint64_t events;      /* words that begin an event */
	uint32_t ring;
	uint32_t level;			/* 0: of words; n: of THAG_CHUNK_FANOUT of level n - 1 */
	uint32_t tid;			/* of the thread that writes where it begins */
	uint32_t flags;			/* enum thag_chunk_flags */
	uint32_t rows[THAG_LANE_KINDS]; /* that have slices in it, by lane; see thag_slices.h */
	uint64_t reserved;		/* 0 */
};

/** What a chunk is made of, beside its head. */
enum thag_chunk_part {
	THAG_PART_OPENINGS = 0, /* level 0 only: thag_openings.h */
	THAG_PART_WORDS = 1,	/* level 0 only */
	THAG_PART_TREE = 2,	/* thag_chunk_tree.h */
	THAG_PART_SLICES = 3,	/* thag_slices.h */
	THAG_PART_NOTES = 4,	/* thag_notes.h */
	THAG_PART_COUNT
};

/** A chunk at rest. A part without bytes isn't there: dropped, or not made yet. All zero is valid
 * and empty. */
struct thag_chunk {
	struct thag_chunk_head head;
	struct thag_buffer parts[THAG_PART_COUNT];
};

/** A chunk as its readers take it. The words belong to whoever made it. */
struct thag_chunk_raw {
	struct thag_chunk_head head;
	uint64_t *words; /* head.words of them */
	struct thag_openings openings;
};

/** What stands for a word at `pos` that was never written: one that isn't that position's. */
static inline uint64_t thag_chunk_hole(uint64_t pos)
{
	return ~pos & THAG_WORD_PHASE;
}

void thag_chunk_fini(struct thag_chunk *chunk);

/** Bytes of memory it holds beside itself. */
uint64_t thag_chunk_bytes(const struct thag_chunk *chunk);

/** Whether a head that was stored makes sense by itself. */
bool thag_chunk_head_check(const struct thag_chunk_head *head);

/**
 * Sets `chunk`, which is empty, to the words and openings of `raw`, encoded, without summaries.
 * Of the head first_pos, base_ticks, ring, tid, flags and words must be set; first_ticks,
 * last_ticks and events are found. 0, -ENOMEM, or -ERANGE: its times are beyond
 * THAG_CHUNK_TICKS_MAX. Then `chunk` is empty.
 */
int thag_chunk_encode(struct thag_chunk *chunk, const struct thag_chunk_raw *raw);

/**
 * The words and openings of a chunk of level 0, whose head was checked. `words`: memory for
 * THAG_CHUNK_WORDS, which `raw` goes on using. Whoever made `raw` ends it by thag_openings_fini.
 * 0, -ENOMEM, or -EBADMSG: what was stored makes no sense, or isn't there.
 */
int thag_chunk_decode(struct thag_chunk_raw *raw, const struct thag_chunk *chunk, uint64_t *words);

/** Adds the summaries of `raw`, which `chunk` was made from. 0 or -ENOMEM. */
int thag_chunk_summarise(struct thag_chunk *chunk, const struct thag_chunk_raw *raw);

/** Memory that is used again from chunk to chunk, for who makes many. One thread at a time. */
struct thag_chunk_maker;

/** 0 or -ENOMEM. */
int thag_chunk_maker_create(struct thag_chunk_maker **out);
void thag_chunk_maker_destroy(struct thag_chunk_maker *maker);

/** thag_chunk_encode and thag_chunk_summarise in one: 0, -ENOMEM or -ERANGE. */
int thag_chunk_make(struct thag_chunk_maker *maker, struct thag_chunk *chunk,
		    const struct thag_chunk_raw *raw);

/**
 * Sets `chunk`, which is empty, to the chunk of the next level that THAG_CHUNK_FANOUT chunks make,
 * which follow each other and have their summaries. 0, -ENOMEM or -EBADMSG.
 */
int thag_chunk_merge(struct thag_chunk_maker *maker, struct thag_chunk *chunk,
		     const struct thag_chunk *const from[static THAG_CHUNK_FANOUT]);

/**
 * Appends a chunk in one: its head, the bytes of each part (THAG_PART_COUNT uint32_t and one of
 * padding), and the parts, without padding between them. 0 or -ENOMEM.
 */
int thag_chunk_pack(const struct thag_chunk *chunk, struct thag_buffer *out);

/**
 * Reads what thag_chunk_pack wrote into `chunk`, which is empty, and copies the parts. The head and
 * the lengths are checked, the parts are where they are used. 0, -ENOMEM or -EBADMSG.
 */
int thag_chunk_parse(struct thag_chunk *chunk, const uint8_t *data, size_t bytes);

#endif
