/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Log-linear histograms of durations, many of them, in little memory.
 *
 * A value falls into one of 8 equal sub-buckets of its power of two, so a bucket's bounds are
 * within 12.5% of each other (the idea of HdrHistogram). Durations of one call path seldom span
 * many powers of two, so counters come in blocks of 32 (four powers of two), chained; a
 * histogram is the index of its first block.
 *
 * Thread: owner. Nothing here blocks or does I/O; only thag_hist_add may allocate.
 */
#ifndef THAG_HIST_H
#define THAG_HIST_H

#include <stdint.h>

#define THAG_HIST_SUB_LOG2 3
#define THAG_HIST_BLOCK_BUCKETS 32
#define THAG_HIST_BUCKETS 512 /* all buckets of a 64-bit value */
#define THAG_HIST_NONE 0      /* "no histogram yet": block 0 is never used */

struct thag_hist_block {
	uint32_t count[THAG_HIST_BLOCK_BUCKETS];
};

struct thag_hist_meta {
	uint32_t next;	/* next block of this histogram, 0 for none */
	uint16_t group; /* its first bucket / THAG_HIST_BLOCK_BUCKETS */
	uint16_t unused;
};

/** Carries out of a 32-bit counter: `bucket` of `block` stands for so many times 2^32 more. */
struct thag_hist_carry {
	uint32_t block;
	uint32_t bucket;
	uint64_t count;
};

/** What a histogram has in one bucket. */
struct thag_hist_count {
	uint32_t bucket;
	uint64_t count;
};

/** Storage of any number of histograms. All zero is a valid, empty pool. */
struct thag_hist_pool {
	struct thag_hist_block *blocks;
	struct thag_hist_meta *metas;
	uint32_t count; /* blocks in use, block 0 included once there is one */
	uint32_t capacity;
	struct thag_hist_carry *carries;
	uint32_t carry_count;
	uint32_t carry_capacity;
};

void thag_hist_pool_fini(struct thag_hist_pool *pool);

/** A copy into the uninitialised `copy`. 0, or -ENOMEM with `copy` empty. */
int thag_hist_pool_copy(struct thag_hist_pool *copy, const struct thag_hist_pool *pool);

/** Bytes the pool holds. */
uint64_t thag_hist_pool_bytes(const struct thag_hist_pool *pool);

/** The bucket (0 … THAG_HIST_BUCKETS - 1) of `value`. */
static inline uint32_t thag_hist_bucket(uint64_t value)
{
	if (value < 1u << THAG_HIST_SUB_LOG2)
		return (uint32_t)value;
	uint32_t log2 = 63u - (uint32_t)__builtin_clzll(value);
	uint32_t shift = log2 - THAG_HIST_SUB_LOG2;

	return (shift << THAG_HIST_SUB_LOG2) + (uint32_t)(value >> shift);
}

/** The smallest value that falls into `bucket`. */
uint64_t thag_hist_bucket_low(uint32_t bucket);

/**
 * Adds `count` to `bucket` of the histogram at `*hist`, which may be THAG_HIST_NONE and is set
 * to the block just used (a histogram is reached from any of its blocks: they form a ring).
 * Returns 0, or -ENOMEM with the value not counted.
 */
int thag_hist_add(struct thag_hist_pool *pool, uint32_t *hist, uint32_t bucket, uint64_t count);

/** Adds the counts of `hist` to `counts`. THAG_HIST_NONE adds nothing. */
void thag_hist_sum(const struct thag_hist_pool *pool, uint32_t hist,
		   uint64_t counts[static THAG_HIST_BUCKETS]);

/**
 * Lists the buckets of `hist` that aren't empty, in no order, and returns how many. None: 0.
 */
uint32_t thag_hist_list(const struct thag_hist_pool *pool, uint32_t hist,
			struct thag_hist_count counts[static THAG_HIST_BUCKETS]);

/**
 * The value below which a share of `permille`/1000 of all counts lies, as the middle of its
 * bucket; 0 when there are no counts.
 */
uint64_t thag_hist_quantile(const uint64_t counts[static THAG_HIST_BUCKETS], uint32_t permille);

#endif
