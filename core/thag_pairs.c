/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_pairs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "thag_pages.h"

#define FIRST_SLOTS 64
#define AHEAD 32				/* slots; half of them are used */
#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio */

void thag_pairs_fini(struct thag_pairs *pairs)
{
	free(pairs->slots);
	*pairs = (struct thag_pairs){ 0 };
}

/** Where a pair is, if it is there and no other came in its way. */
static uint64_t home_of(const struct thag_pairs *pairs, uint32_t a, uint32_t b)
{
	uint64_t key = ((uint64_t)a << 32 | b) ^ pairs->seed;
	unsigned __int128 product = (unsigned __int128)key * MULTIPLIER;

	return ((uint64_t)product ^ (uint64_t)(product >> 64)) & pairs->mask;
}

static struct thag_pair *find_slot(const struct thag_pairs *pairs, uint32_t a, uint32_t b)
{
	uint64_t slot = home_of(pairs, a, b);

	while (pairs->slots[slot].value && (pairs->slots[slot].a != a || pairs->slots[slot].b != b))
		slot = (slot + 1) & pairs->mask;
	return &pairs->slots[slot];
}

/**
 * Puts all of `from` into the larger and empty `into`. Where they go lies all over memory, but is
 * known in advance: asked for that early, it is there when its turn comes.
 */
static void rehash(struct thag_pairs *into, const struct thag_pairs *from)
{
	const struct thag_pair *slots = from->slots;

	for (uint64_t i = 0; slots && i <= from->mask; i++) {
		uint64_t ahead = (i + AHEAD) & from->mask;

		if (slots[ahead].value)
			__builtin_prefetch(
				&into->slots[home_of(into, slots[ahead].a, slots[ahead].b)], 1);
		if (slots[i].value)
			*find_slot(into, slots[i].a, slots[i].b) = slots[i];
	}
}

int thag_pairs_reserve(struct thag_pairs *pairs, uint64_t count)
{
	uint64_t slots = pairs->slots ? pairs->mask + 1 : FIRST_SLOTS;
	struct thag_pairs grown = { .count = pairs->count };

	if (pairs->slots && count * 2 <= slots)
		return 0;
	while (slots < count * 2)
		slots *= 2;
	grown.slots = calloc(slots, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	thag_pages_make(grown.slots, slots * sizeof(*grown.slots));
	grown.mask = slots - 1;
	grown.seed = (uint64_t)(uintptr_t)grown.slots * MULTIPLIER;
	rehash(&grown, pairs);
	thag_pairs_fini(pairs);
	*pairs = grown;
	return 0;
}

uint32_t *thag_pairs_at(struct thag_pairs *pairs, uint32_t a, uint32_t b)
{
	struct thag_pair *slot = find_slot(pairs, a, b);

	if (!slot->value) {
		slot->a = a;
		slot->b = b;
		pairs->count++;
		assert(pairs->count * 2 <= pairs->mask + 1);
	}
	return &slot->value;
}
