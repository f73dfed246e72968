/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_live.h"

#include <errno.h>
#include <string.h>

#include <sys/mman.h>

#define FIRST_LOG2 3

/* Large pages hold what many small ones would: fewer misses of the TLB at each look-up. */
#define HUGE_WORTH_BYTES (UINT64_C(8) << 20)
#define HUGE_PAGE_BYTES (UINT64_C(2) << 20)

/* The slot of a hash whose upper bits chose the segment. */
static uint32_t home(const struct thag_heap_segment *segment, uint64_t hash)
{
	return (uint32_t)(hash >> 16) & segment->mask;
}

/* --- memory: all segments of a size lie side by side --- */

static uint64_t region_bytes(uint32_t log2)
{
	return (uint64_t)THAG_HEAP_SEGMENTS * sizeof(struct thag_heap_block) << log2;
}

/* Begins with a large page, if it is worth it. NULL without memory. */
static struct thag_heap_block *map_region(uint32_t log2)
{
	uint64_t bytes = region_bytes(log2), spare = 0;
	char *all, *at;

	if (bytes >= HUGE_WORTH_BYTES)
		spare = HUGE_PAGE_BYTES;
	all = mmap(NULL, bytes + spare, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	at = all + (-(uintptr_t)all & (spare ? spare - 1 : 0));
	if (at > all)
		munmap(all, (size_t)(at - all));
	if (at < all + spare)
		munmap(at + bytes, (size_t)(all + spare - at));
	if (spare)
		madvise(at, bytes, MADV_HUGEPAGE);
	return (struct thag_heap_block *)(void *)at;
}

static struct thag_heap_block *take_slots(struct thag_heap_live *live, size_t segment,
					  uint32_t log2)
{
	struct thag_heap_region *region = &live->regions[log2];
	struct thag_heap_block *slots;

	if (!region->slots)
		region->slots = map_region(log2);
	if (!region->slots)
		return NULL;
	region->users++;
	slots = region->slots + (segment << log2);
	/* others may have been there before */
	memset(slots, 0, sizeof(*slots) << log2);
	return slots;
}

static void give_back(struct thag_heap_live *live, uint32_t log2)
{
	struct thag_heap_region *region = &live->regions[log2];

	if (--region->users)
		return;
	munmap(region->slots, region_bytes(log2));
	region->slots = NULL;
}

void thag_heap_live_fini(struct thag_heap_live *live)
{
	for (uint32_t i = 0; i < THAG_HEAP_SIZES; i++)
		if (live->regions[i].slots)
			munmap(live->regions[i].slots, region_bytes(i));
	*live = (struct thag_heap_live){ 0 };
}

/* --- the table --- */

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

static uint32_t log2_of(const struct thag_heap_segment *segment)
{
	return (uint32_t)__builtin_ctz(segment->mask + 1);
}

static int resize(struct thag_heap_live *live, struct thag_heap_segment *segment, uint32_t log2)
{
	struct thag_heap_segment old = *segment;
	struct thag_heap_block *grown = take_slots(live, (size_t)(segment - live->segments), log2);

	if (!grown)
		return -ENOMEM;
	segment->slots = grown;
	segment->mask = (UINT32_C(1) << log2) - 1;
	live->slots += UINT64_C(1) << log2;
	if (!old.slots)
		return 0;
	for (uint32_t i = 0; i <= old.mask; i++) {
		const struct thag_heap_block *block = &old.slots[i];

		if (block->address)
			grown[find_slot(segment, thag_heap_live_hash(live, block->address),
					block->address)] = *block;
	}
	live->slots -= (uint64_t)old.mask + 1;
	give_back(live, log2_of(&old));
	return 0;
}

/* At most five slots of eight are taken. */
static int make_room(struct thag_heap_live *live, struct thag_heap_segment *segment)
{
	if (!segment->slots)
		return resize(live, segment, FIRST_LOG2);
	if ((uint64_t)(segment->count + 1) * 8 <= ((uint64_t)segment->mask + 1) * 5)
		return 0;
	if (log2_of(segment) + 1 == THAG_HEAP_SIZES)
		return -ENOMEM;
	return resize(live, segment, log2_of(segment) + 1);
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
	if (log2_of(segment) > FIRST_LOG2 && segment->count < (segment->mask + 1) / 8)
		(void)resize(live, segment, log2_of(segment) - 1);
	return true;
}
