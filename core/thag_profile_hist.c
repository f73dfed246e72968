/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>

#include "thag_profile_private.h"

/** The block of `hist` for `group`, THAG_HIST_NONE when it has none. */
static uint32_t find_block(const struct thag_hist_pool *pool, uint32_t hist, uint32_t group)
{
	uint32_t block = hist;

	if (hist == THAG_HIST_NONE)
		return THAG_HIST_NONE;
	do {
		if (pool->metas[block].group == group)
			return block;
		block = pool->metas[block].next;
	} while (block != hist);
	return THAG_HIST_NONE;
}

/** Four counters, wherever they lie. */
typedef uint32_t lanes __attribute__((vector_size(16), aligned(4), may_alias));

#define LANES (THAG_HIST_BLOCK_BUCKETS * sizeof(uint32_t) / sizeof(lanes))

/** Adds all counters of a block at once, unless one of them would overflow. */
static bool add_whole(struct thag_hist_block *into, const struct thag_hist_block *from)
{
	lanes *to = (lanes *)into->count;
	const lanes *more = (const lanes *)from->count;
	lanes overflow = { 0 };

	for (size_t i = 0; i < LANES; i++)
		overflow |= (lanes)(to[i] + more[i] < to[i]);
	if (overflow[0] | overflow[1] | overflow[2] | overflow[3])
		return false;
	for (size_t i = 0; i < LANES; i++)
		to[i] += more[i];
	return true;
}

static int add_one_by_one(struct thag_hist_pool *into_pool, uint32_t *into,
			  const struct thag_hist_block *from, uint32_t group)
{
	int ret = 0;

	for (uint32_t i = 0; i < THAG_HIST_BLOCK_BUCKETS && !ret; i++)
		if (from->count[i])
			ret = thag_hist_add(into_pool, into, group * THAG_HIST_BLOCK_BUCKETS + i,
					    from->count[i]);
	return ret;
}

static int add_carries(struct thag_hist_pool *into_pool, uint32_t *into,
		       const struct thag_hist_pool *pool, uint32_t block)
{
	int ret = 0;

	for (uint32_t i = 0; i < pool->carry_count && !ret; i++)
		if (pool->carries[i].block == block)
			ret = thag_hist_add(into_pool, into, pool->carries[i].bucket,
					    pool->carries[i].count << 32);
	return ret;
}

int thag_profile_add_hist(struct thag_hist_pool *into_pool, uint32_t *into,
			  const struct thag_hist_pool *pool, uint32_t from)
{
	uint32_t block = from;
	int ret = 0;

	if (from == THAG_HIST_NONE)
		return 0;
	do {
		uint32_t group = pool->metas[block].group;
		uint32_t target = find_block(into_pool, *into, group);

		if (target == THAG_HIST_NONE ||
		    !add_whole(&into_pool->blocks[target], &pool->blocks[block]))
			ret = add_one_by_one(into_pool, into, &pool->blocks[block], group);
		if (!ret)
			ret = add_carries(into_pool, into, pool, block);
		block = pool->metas[block].next;
	} while (block != from && !ret);
	return ret;
}
