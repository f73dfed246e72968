/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stored profiles for tests: a node's durations are in no order, so two of them that say the same
 * are the same bytes only once each is in order.
 */
#ifndef STORED_COUNTS_H
#define STORED_COUNTS_H

#include <stdint.h>
#include <stdlib.h>

#include "thag/profile.h"

static inline int stored_counts_compare(const void *a, const void *b)
{
	const struct thag_stored_count *left = a, *right = b;

	return (left->bucket > right->bucket) - (left->bucket < right->bucket);
}

/** Puts the durations of each node into the order of their buckets. The profile makes sense. */
static inline void stored_counts_sort(void *stored)
{
	const struct thag_stored_profile *head = stored;
	const struct thag_stored_name *names = (const void *)(head + 1);
	const uint32_t *files = (const void *)(names + head->names);
	struct thag_stored_node *nodes = (void *)(files + head->files + head->files % 2);
	struct thag_stored_count *counts = (void *)(nodes + head->nodes);

	for (uint32_t i = 0; i < head->nodes; i++) {
		if (nodes[i].counts)
			qsort(counts, nodes[i].counts, sizeof(*counts), stored_counts_compare);
		counts += nodes[i].counts;
	}
}

#endif
