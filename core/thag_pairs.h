/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A hash table from pairs of 32-bit numbers to 32-bit numbers: (parent, name) to child.
 *
 * Thread: owner. Only thag_pairs_reserve allocates.
 */
#ifndef THAG_PAIRS_H
#define THAG_PAIRS_H

#include <stdint.h>

/** Key and value side by side: a look-up touches one cache line. */
struct thag_pair {
	uint32_t a, b;
	uint32_t value; /* 0: the slot is free */
};

/** All zero is valid and empty. */
struct thag_pairs {
	struct thag_pair *slots; /* open addressing */
	uint64_t mask;
	uint64_t count;
	uint64_t seed;
};

void thag_pairs_fini(struct thag_pairs *pairs);

/** Makes room for `count` pairs in all. 0 or -ENOMEM with nothing changed. */
int thag_pairs_reserve(struct thag_pairs *pairs, uint64_t count);

/**
 * The place of the value of (a, b). It is 0 when the pair is new: the caller must set another
 * value before the next look-up. Room must have been reserved.
 */
uint32_t *thag_pairs_at(struct thag_pairs *pairs, uint32_t a, uint32_t b);

#endif
