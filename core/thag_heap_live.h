/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The blocks that are live, by address: an open-addressed table in many segments, each of which
 * grows and shrinks alone, so that no look-up waits for long. Their hashes are even, so that all
 * have nearly the same size at any time: the memory for a size is mapped as one, in large pages.
 *
 * Thread: owner. Growth allocates. No I/O.
 */
#ifndef THAG_HEAP_LIVE_H
#define THAG_HEAP_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THAG_HEAP_SEGMENTS_LOG2 11
#define THAG_HEAP_SEGMENTS (1u << THAG_HEAP_SEGMENTS_LOG2)
#define THAG_HEAP_SIZE_BITS 48
#define THAG_HEAP_SIZE_MAX ((UINT64_C(1) << THAG_HEAP_SIZE_BITS) - 1)

/** A block. `owner`: the ring that allocated it << THAG_HEAP_SIZE_BITS | bytes asked for. */
struct thag_heap_block {
	uint64_t address; /* 0: none */
	uint64_t owner;
	uint64_t ticks; /* of its allocation */
	uint32_t path;	/* of the call */
	uint32_t trace; /* node in the tree of traces */
};

_Static_assert(sizeof(struct thag_heap_block) == 32, "two to a cache line");

static inline uint64_t thag_heap_block_size(const struct thag_heap_block *block)
{
	return block->owner & THAG_HEAP_SIZE_MAX;
}

static inline uint32_t thag_heap_block_ring(const struct thag_heap_block *block)
{
	return (uint32_t)(block->owner >> THAG_HEAP_SIZE_BITS);
}

struct thag_heap_segment {
	struct thag_heap_block *slots;
	uint32_t mask; /* slots - 1 */
	uint32_t count;
};

#define THAG_HEAP_SIZES 25 /* of segments: by powers of two, below 2^25 slots */

/** Memory for all segments of a size, each at its place; it is there while any has that size. */
struct thag_heap_region {
	struct thag_heap_block *slots;
	uint32_t users;
};

/** Set `seed` to what a program can't know; zero the rest. */
struct thag_heap_live {
	struct thag_heap_segment segments[THAG_HEAP_SEGMENTS];
	struct thag_heap_region regions[THAG_HEAP_SIZES];
	uint64_t seed;
	uint64_t count;
	uint64_t slots; /* of all segments */
};

void thag_heap_live_fini(struct thag_heap_live *live);

static inline uint64_t thag_heap_live_hash(const struct thag_heap_live *live, uint64_t address)
{
	uint64_t hash = (address ^ live->seed) * UINT64_C(0x9e3779b97f4a7c15);

	return (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
}

static inline struct thag_heap_segment *thag_heap_live_segment(struct thag_heap_live *live,
							       uint64_t hash)
{
	return &live->segments[hash >> (64 - THAG_HEAP_SEGMENTS_LOG2)];
}

/**
 * Where a look-up of the address begins, to be prefetched. (A function that
 * does no more than prefetch is dropped by GCC as one without effect.)
 */
static inline const char *thag_heap_live_place(const struct thag_heap_live *live, uint64_t address)
{
	uint64_t hash = thag_heap_live_hash(live, address);
	const struct thag_heap_segment *segment =
		&live->segments[hash >> (64 - THAG_HEAP_SEGMENTS_LOG2)];

	return segment->slots
		       ? (const char *)&segment->slots[(uint32_t)(hash >> 16) & segment->mask]
		       : (const char *)segment;
}

/** The block at `address`, not 0; NULL for none. Valid until the table next changes. */
struct thag_heap_block *thag_heap_live_find(struct thag_heap_live *live, uint64_t address);

/** Puts in a block; `*before` is what it took the place of, or address 0. 0 or -ENOMEM. */
int thag_heap_live_put(struct thag_heap_live *live, const struct thag_heap_block *block,
		       struct thag_heap_block *before);

/** Takes out the block at `address`, if it is there. */
bool thag_heap_live_take(struct thag_heap_live *live, uint64_t address,
			 struct thag_heap_block *out);

#endif
