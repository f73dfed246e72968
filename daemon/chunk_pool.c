/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "chunk_pool.h"

#include <stdlib.h>

#include "thag_chunk.h"

_Static_assert(THAG_POOL_CHUNK_BYTES == THAG_CHUNK_WORDS * sizeof(uint64_t), "of each piece");

void thag_chunk_pool_init(struct thag_chunk_pool *pool, uint64_t most)
{
	*pool = (struct thag_chunk_pool){ .most = most };
	pthread_mutex_init(&pool->lock, NULL);
}

void thag_chunk_pool_fini(struct thag_chunk_pool *pool)
{
	while (pool->spare_count)
		free(pool->spares[--pool->spare_count]);
	pthread_mutex_destroy(&pool->lock);
}

uint64_t *thag_chunk_pool_take(struct thag_chunk_pool *pool)
{
	uint64_t *words = NULL;
	bool allowed;

	pthread_mutex_lock(&pool->lock);
	allowed = pool->taken < pool->most;
	if (allowed)
		pool->taken++;
	if (allowed && pool->spare_count)
		words = pool->spares[--pool->spare_count];
	pthread_mutex_unlock(&pool->lock);
	if (!allowed || words)
		return words;
	words = malloc(THAG_CHUNK_WORDS * sizeof(*words));
	if (!words) {
		pthread_mutex_lock(&pool->lock);
		pool->taken--;
		pthread_mutex_unlock(&pool->lock);
	}
	return words;
}

void thag_chunk_pool_give(struct thag_chunk_pool *pool, uint64_t *words)
{
	if (!words)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->taken--;
	if (pool->spare_count < THAG_POOL_SPARES_MAX) {
		pool->spares[pool->spare_count++] = words;
		words = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	free(words);
}
