/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_hist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_pages.h"

void thag_hist_pool_fini(struct thag_hist_pool *pool)
{
	free(pool->blocks);
	free(pool->metas);
	free(pool->carries);
	*pool = (struct thag_hist_pool){ 0 };
}

static void *copy_array(const void *from, size_t count, size_t size)
{
	void *copy = malloc(count * size + 1);

	if (copy)
		thag_pages_make(copy, count * size);
	if (copy && count)
		memcpy(copy, from, count * size);
	return copy;
}

int thag_hist_pool_copy(struct thag_hist_pool *copy, const struct thag_hist_pool *pool)
{
	*copy = (struct thag_hist_pool){ .count = pool->count,
					 .capacity = pool->count,
					 .carry_count = pool->carry_count,
					 .carry_capacity = pool->carry_count };
	copy->blocks = copy_array(pool->blocks, pool->count, sizeof(*pool->blocks));
	copy->metas = copy_array(pool->metas, pool->count, sizeof(*pool->metas));
	copy->carries = copy_array(pool->carries, pool->carry_count, sizeof(*pool->carries));
	if (copy->blocks && copy->metas && copy->carries)
		return 0;
	thag_hist_pool_fini(copy);
	return -ENOMEM;
}

uint64_t thag_hist_pool_bytes(const struct thag_hist_pool *pool)
{
	return pool->capacity * (uint64_t)(sizeof(*pool->blocks) + sizeof(*pool->metas)) +
	       pool->carry_capacity * (uint64_t)sizeof(*pool->carries);
}

uint64_t thag_hist_bucket_low(uint32_t bucket)
{
	uint32_t sub = 1u << THAG_HIST_SUB_LOG2;

	if (bucket < 2 * sub)
		return bucket;
	uint32_t shift = (bucket >> THAG_HIST_SUB_LOG2) - 1;

	return (uint64_t)(sub + bucket % sub) << shift;
}

static int grow(struct thag_hist_pool *pool)
{
	uint32_t capacity = pool->capacity ? pool->capacity * 2 : 16;
	void *grown;

	if (capacity < pool->capacity)
		return -ENOMEM;
	grown = realloc(pool->blocks, capacity * sizeof(*pool->blocks));
	if (!grown)
		return -ENOMEM;
	pool->blocks = grown;
	grown = realloc(pool->metas, capacity * sizeof(*pool->metas));
	if (!grown)
		return -ENOMEM;
	pool->metas = grown;
	pool->capacity = capacity;
	return 0;
}

/* A fresh zero block, not yet in any ring; 0 without memory. */
static uint32_t take_block(struct thag_hist_pool *pool, uint32_t group)
{
	if (pool->count + 1 >= pool->capacity && grow(pool) != 0)
		return 0;
	if (pool->count == 0)
		pool->count = 1;
	uint32_t block = pool->count++;

	pool->blocks[block] = (struct thag_hist_block){ 0 };
	pool->metas[block] = (struct thag_hist_meta){ .next = block, .group = (uint16_t)group };
	return block;
}

static uint32_t find_block(const struct thag_hist_pool *pool, uint32_t hist, uint32_t group)
{
	uint32_t block = hist;

	do {
		if (pool->metas[block].group == group)
			return block;
		block = pool->metas[block].next;
	} while (block != hist);
	return 0;
}

static struct thag_hist_carry *find_carry(const struct thag_hist_pool *pool, uint32_t block,
					  uint32_t bucket)
{
	for (uint32_t i = 0; i < pool->carry_count; i++)
		if (pool->carries[i].block == block && pool->carries[i].bucket == bucket)
			return &pool->carries[i];
	return NULL;
}

static int add_carry(struct thag_hist_pool *pool, uint32_t block, uint32_t bucket, uint64_t count)
{
	struct thag_hist_carry *carry = find_carry(pool, block, bucket);

	if (carry) {
		carry->count += count;
		return 0;
	}
	if (pool->carry_count == pool->carry_capacity) {
		uint32_t capacity = pool->carry_capacity ? pool->carry_capacity * 2 : 8;
		void *grown = realloc(pool->carries, capacity * sizeof(*pool->carries));

		if (!grown)
			return -ENOMEM;
		pool->carries = grown;
		pool->carry_capacity = capacity;
	}
	pool->carries[pool->carry_count++] = (struct thag_hist_carry){ block, bucket, count };
	return 0;
}

static int add_count(struct thag_hist_pool *pool, uint32_t block, uint32_t bucket, uint64_t count)
{
	uint32_t *at = &pool->blocks[block].count[bucket % THAG_HIST_BLOCK_BUCKETS];
	uint64_t sum = *at + count;

	if (sum >> 32 && add_carry(pool, block, bucket, sum >> 32) != 0)
		return -ENOMEM;
	*at = (uint32_t)sum;
	return 0;
}

int thag_hist_add(struct thag_hist_pool *pool, uint32_t *hist, uint32_t bucket, uint64_t count)
{
	uint32_t group = bucket / THAG_HIST_BLOCK_BUCKETS;
	uint32_t block = *hist ? find_block(pool, *hist, group) : 0;

	if (!block) {
		block = take_block(pool, group);
		if (!block)
			return -ENOMEM;
		if (*hist) {
			pool->metas[block].next = pool->metas[*hist].next;
			pool->metas[*hist].next = block;
		}
	}
	*hist = block;
	return add_count(pool, block, bucket, count);
}

uint32_t thag_hist_list(const struct thag_hist_pool *pool, uint32_t hist,
			struct thag_hist_count counts[static THAG_HIST_BUCKETS])
{
	uint32_t block = hist, count = 0;

	if (hist == THAG_HIST_NONE)
		return 0;
	do {
		uint32_t first = pool->metas[block].group * (uint32_t)THAG_HIST_BLOCK_BUCKETS;

		for (uint32_t i = 0; i < THAG_HIST_BLOCK_BUCKETS; i++) {
			uint64_t in_bucket = pool->blocks[block].count[i];
			const struct thag_hist_carry *carry = NULL;

			if (pool->carry_count)
				carry = find_carry(pool, block, first + i);
			if (carry)
				in_bucket += carry->count << 32;
			if (in_bucket)
				counts[count++] = (struct thag_hist_count){ first + i, in_bucket };
		}
		block = pool->metas[block].next;
	} while (block != hist);
	return count;
}

void thag_hist_sum(const struct thag_hist_pool *pool, uint32_t hist,
		   uint64_t counts[static THAG_HIST_BUCKETS])
{
	struct thag_hist_count list[THAG_HIST_BUCKETS];
	uint32_t count = thag_hist_list(pool, hist, list);

	for (uint32_t i = 0; i < count; i++)
		counts[list[i].bucket] += list[i].count;
}

uint64_t thag_hist_quantile(const uint64_t counts[static THAG_HIST_BUCKETS], uint32_t permille)
{
	uint64_t all = 0, below = 0, low;
	uint32_t bucket = 0;

	for (uint32_t i = 0; i < THAG_HIST_BUCKETS; i++)
		all += counts[i];
	if (all == 0)
		return 0;
	/* the rank of the wanted value, from 1; in parts, as all * permille may overflow */
	uint64_t rank = all / 1000 * permille + (all % 1000 * permille + 999) / 1000;

	if (rank == 0)
		rank = 1;
	for (; bucket < THAG_HIST_BUCKETS - 1; bucket++) {
		below += counts[bucket];
		if (below >= rank)
			break;
	}
	low = thag_hist_bucket_low(bucket);
	if (bucket + 1 >= thag_hist_bucket(UINT64_MAX))
		return low;
	return low + (thag_hist_bucket_low(bucket + 1) - 1 - low) / 2;
}
