/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_pairs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define FIRST_SLOTS 64
#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio */

void thag_pairs_fini(struct thag_pairs *pairs)
{
	free(pairs->keys);
	free(pairs->values);
	*pairs = (struct thag_pairs){ 0 };
}

static uint64_t find_slot(const struct thag_pairs *pairs, uint64_t key)
{
	unsigned __int128 product = (unsigned __int128)(key ^ pairs->seed) * MULTIPLIER;
	uint64_t slot = ((uint64_t)product ^ (uint64_t)(product >> 64)) & pairs->mask;

	while (pairs->values[slot] && pairs->keys[slot] != key)
		slot = (slot + 1) & pairs->mask;
	return slot;
}

/** Puts all of `from` into the larger and empty `into`. */
static void rehash(struct thag_pairs *into, const struct thag_pairs *from)
{
	for (uint64_t i = 0; from->values && i <= from->mask; i++) {
		if (!from->values[i])
			continue;
		uint64_t slot = find_slot(into, from->keys[i]);

		into->keys[slot] = from->keys[i];
		into->values[slot] = from->values[i];
	}
}

int thag_pairs_reserve(struct thag_pairs *pairs, uint64_t count)
{
	uint64_t slots = pairs->values ? pairs->mask + 1 : FIRST_SLOTS;
	struct thag_pairs grown = { .count = pairs->count };

	if (pairs->values && count * 2 <= slots)
		return 0;
	while (slots < count * 2)
		slots *= 2;
	grown.keys = malloc(slots * sizeof(*grown.keys));
	grown.values = calloc(slots, sizeof(*grown.values));
	grown.mask = slots - 1;
	if (!grown.keys || !grown.values) {
		thag_pairs_fini(&grown);
		return -ENOMEM;
	}
	grown.seed = (uint64_t)(uintptr_t)grown.keys * MULTIPLIER;
	rehash(&grown, pairs);
	thag_pairs_fini(pairs);
	*pairs = grown;
	return 0;
}

uint32_t *thag_pairs_at(struct thag_pairs *pairs, uint32_t a, uint32_t b)
{
	uint64_t key = (uint64_t)a << 32 | b;
	uint64_t slot = find_slot(pairs, key);

	if (!pairs->values[slot]) {
		pairs->keys[slot] = key;
		pairs->count++;
		assert(pairs->count * 2 <= pairs->mask + 1);
	}
	return &pairs->values[slot];
}
