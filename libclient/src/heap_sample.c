/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "heap_sample.h"

#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

#define BUCKETS_LOG2 16
#define BUCKETS (UINT32_C(1) << BUCKETS_LOG2)
#define PLACES 7 /* of a bucket, a cache line */
#define NEIGHBOURS 8

/*
 * A block lies in the bucket of its address's hash, or in one of those after it; that bucket
 * counts those of its own that lie elsewhere, so that most lookups end there. An address is in
 * one thread's hands at a time, so only different ones race for a place.
 */
struct bucket {
	uint64_t elsewhere;
	uint64_t places[PLACES]; /* addresses; 0: free */
};

static struct bucket *buckets;
static uint64_t mean_bytes;

static __thread uint64_t random_state; /* 0: not seeded */
static __thread uint64_t bytes_left;   /* to the next pick */

int thag_heap_sample_begin(uint64_t mean)
{
	void *at = mmap(NULL, BUCKETS * sizeof(*buckets), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -errno;
	madvise(at, BUCKETS * sizeof(*buckets), MADV_WIPEONFORK);
	madvise(at, BUCKETS * sizeof(*buckets), MADV_DONTDUMP);
	buckets = at;
	mean_bytes = mean;
	return 0;
}

/* -log2 of random / 2^64, 32 bits of it behind the point. */
static uint64_t minus_log2(uint64_t random)
{
	unsigned zeros = (unsigned)__builtin_clzll(random);
	uint64_t mantissa = random << zeros, fraction = 0; /* 1 … 2, 63 bits behind the point */

	for (int bit = 31; bit >= 0; bit--) {
		unsigned __int128 square = (unsigned __int128)mantissa * mantissa >> 63;

		if (square >> 64) {
			fraction |= UINT64_C(1) << bit;
			square >>= 1;
		}
		mantissa = (uint64_t)square;
	}
	return ((uint64_t)(zeros + 1) << 32) - fraction;
}

/* No floating point: its state is the program's. */
uint64_t thag_heap_sample_gap(uint64_t random, uint64_t mean)
{
	static const uint64_t ln2 = UINT64_C(2977044472); /* times 2^32 */
	unsigned __int128 minus_ln = (unsigned __int128)minus_log2(random) * ln2 >> 32;

	return (uint64_t)(minus_ln * mean >> 32) + 1;
}

/* Marsaglia's xorshift64, multiplied: Vigna, "An experimental exploration", 2016. */
static uint64_t draw(void)
{
	if (!random_state)
		random_state = (thag_ticks() ^ (uintptr_t)&random_state) | 1;
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * UINT64_C(0x2545f4914f6cdd1d)) | 1;
}

bool thag_heap_sample_picks(size_t size)
{
	if (!random_state)
		bytes_left = thag_heap_sample_gap(draw(), mean_bytes);
	if (size < bytes_left) {
		bytes_left -= size;
		return false;
	}
	/* what is left of the block beyond the pick tells nothing about the next */
	bytes_left = thag_heap_sample_gap(draw(), mean_bytes);
	return true;
}

static uint32_t home_of(uintptr_t address)
{
	return (uint32_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> (64 - BUCKETS_LOG2));
}

static struct bucket *neighbour(uint32_t home, uint32_t away)
{
	return &buckets[(home + away) & (BUCKETS - 1)];
}

static bool swap_in(struct bucket *bucket, uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; i < PLACES; i++) {
		uint64_t expected = from;

		if (__atomic_load_n(&bucket->places[i], __ATOMIC_RELAXED) == from &&
		    __atomic_compare_exchange_n(&bucket->places[i], &expected, to, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

bool thag_heap_sample_keep(const void *block)
{
	uintptr_t address = (uintptr_t)block;
	uint32_t home = home_of(address);

	if (!buckets)
		return false;
	/* its last owner may have freed it while nothing was recorded */
	thag_heap_sample_forget(block);
	if (swap_in(&buckets[home], 0, address))
		return true;
	__atomic_fetch_add(&buckets[home].elsewhere, 1, __ATOMIC_RELAXED);
	for (uint32_t away = 1; away <= NEIGHBOURS; away++)
		if (swap_in(neighbour(home, away), 0, address))
			return true;
	__atomic_fetch_sub(&buckets[home].elsewhere, 1, __ATOMIC_RELAXED);
	return false;
}

bool thag_heap_sample_forget(const void *block)
{
	uintptr_t address = (uintptr_t)block;
	uint32_t home = home_of(address);

	if (!buckets)
		return false;
	if (swap_in(&buckets[home], address, 0))
		return true;
	if (!__atomic_load_n(&buckets[home].elsewhere, __ATOMIC_RELAXED))
		return false;
	for (uint32_t away = 1; away <= NEIGHBOURS; away++)
		if (swap_in(neighbour(home, away), address, 0)) {
			__atomic_fetch_sub(&buckets[home].elsewhere, 1, __ATOMIC_RELAXED);
			return true;
		}
	return false;
}
