/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory for words that wait to be encoded, of all sessions together: pieces for THAG_CHUNK_WORDS
 * each, no more of them at once than the budget has.
 *
 * Thread: any.
 */
#ifndef THAG_CHUNK_POOL_H
#define THAG_CHUNK_POOL_H

#include <stdint.h>

#include <pthread.h>

#include "thagd_limits.h"

struct thag_chunk_pool {
	pthread_mutex_t lock;
	uint64_t most; /* pieces at once */
	uint32_t taken;
	uint32_t spare_count;
	uint64_t *spares[THAG_POOL_SPARES_MAX]; /* given back, to be taken again */
};

void thag_chunk_pool_init(struct thag_chunk_pool *pool, uint64_t most);

/** After all of it was given back. */
void thag_chunk_pool_fini(struct thag_chunk_pool *pool);

/** Memory for THAG_CHUNK_WORDS; NULL: there is no more. */
uint64_t *thag_chunk_pool_take(struct thag_chunk_pool *pool);

/** Gives it back. NULL is ignored. */
void thag_chunk_pool_give(struct thag_chunk_pool *pool, uint64_t *words);

#endif
