/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 8

/* The slot of a hash whose upper bits chose the segment. */
static uint32_t home(const struct thag_heap_segment *segment, uint64_t hash)
{
	return (uint32_t)(hash >> 16) & segment->mask;
}

void thag_heap_live_fini(struct thag_heap_live *live)
{
	for (uint32_t i = 0; i < THAG_HEAP_SEGMENTS; i++)
		free(live->segments[i].slots);
	*live = (struct thag_heap_live){ 0 };
}

/* The slot with the address, or the free one where it belongs. Some slots are always free. */
static uint32_t find_slot(const struct thag_heap_segment *segment, uint64_t hash, uint64_t address)
{
	uint32_t slot = home(segment, hash);

	while (segment->slots[slot].address && segment->slots[slot].address != address)
		slot = (slot + 1) & segment->mask;
	return slot;
}

struct thag_heap_block *thag_heap_live_find(struct thag_heap_live *live, uint64_t address)
{
	uint64_t hash = thag_heap_live_hash(live, address);
	struct thag_heap_segment *segment = thag_heap_live_segment(live, hash);
	struct thag_heap_block *block;

	if (!segment->slots)
		return NULL;
	block = &segment->slots[find_slot(segment, hash, address)];
	return block->address ? block : NULL;
}

static int resize(struct thag_heap_live *live, struct thag_heap_segment *segment, uint32_t slots)
{
	struct thag_heap_segment old = *segment;
	struct thag_heap_block *grown = aligned_alloc(64, slots * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	memset(grown, 0, slots * sizeof(*grown));
	segment->slots = grown;
	segment->mask = slots - 1;
	for (uint32_t i = 0; old.slots && i <= old.mask; i++) {
		const struct thag_heap_block *block = &old.slots[i];

		if (block->address)
			grown[find_slot(segment, thag_heap_live_hash(live, block->address),
					block->address)] = *block;
	}
	live->slots += slots;
	live->slots -= old.slots ? (uint64_t)old.mask + 1 : 0;
	free(old.slots);
	return 0;
}

/* At most five slots of eight are taken. */
static int make_room(struct thag_heap_live *live, struct thag_heap_segment *segment)
{
	if (!segment->slots)
		return resize(live, segment, FIRST_SLOTS);
	if ((uint64_t)(segment->count + 1) * 8 <= ((uint64_t)segment->mask + 1) * 5)
		return 0;
	if (segment->mask > UINT32_MAX / 4)
		return -ENOMEM;
	return resize(live, segment, (segment->mask + 1) * 2);
}

int thag_heap_live_put(struct thag_heap_live *live, const struct thag_heap_block *block,
		       struct thag_heap_block *before)
{
	uint64_t hash = thag_heap_live_hash(live, block->address);
	struct thag_heap_segment *segment = thag_heap_live_segment(live, hash);
	int ret = make_room(live, segment);
	uint32_t slot;

	before->address = 0;
	if (!segment->slots)
		return ret;
	slot = find_slot(segment, hash, block->address);
	*before = segment->slots[slot];
	if (!before->address) {
		if (ret != 0)
			return ret;
		segment->count++;
		live->count++;
	}
	segment->slots[slot] = *block;
	return 0;
}

/* Moves back those behind the slot that aren't where they would be if it had been free. */
static void close_gap(const struct thag_heap_live *live, struct thag_heap_segment *segment,
		      uint32_t gap)
{
	for (uint32_t at = (gap + 1) & segment->mask; segment->slots[at].address;
	     at = (at + 1) & segment->mask) {
		uint32_t wanted =
			home(segment, thag_heap_live_hash(live, segment->slots[at].address));

		if (((at - wanted) & segment->mask) < ((at - gap) & segment->mask))
			continue;
		segment->slots[gap] = segment->slots[at];
		gap = at;
	}
	segment->slots[gap].address = 0;
}

bool thag_heap_live_take(struct thag_heap_live *live, uint64_t address, struct thag_heap_block *out)
{
	uint64_t hash = thag_heap_live_hash(live, address);
	struct thag_heap_segment *segment = thag_heap_live_segment(live, hash);
	uint32_t slot;

	if (!segment->slots)
		return false;
	slot = find_slot(segment, hash, address);
	if (!segment->slots[slot].address)
		return false;
	*out = segment->slots[slot];
	close_gap(live, segment, slot);
	segment->count--;
	live->count--;
	/* without memory it stays as large as it is */
	if (segment->mask >= FIRST_SLOTS && segment->count < (segment->mask + 1) / 8)
		(void)resize(live, segment, (segment->mask + 1) / 2);
	return true;
}
