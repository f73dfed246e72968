/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How often each word was seen. Thread: owner. */
#ifndef TREESTAT_TABLE_H
#define TREESTAT_TABLE_H

#include <stddef.h>
#include <stdint.h>

/** A word as it stands in a text, not terminated. */
struct span {
	const char *text;
	size_t bytes;
};

struct word {
	char *text; /* NULL: a free slot */
	uint32_t bytes;
	uint32_t hash;
	uint64_t count;
};

struct text_block;

struct table {
	struct word *slots;
	size_t capacity; /* a power of two */
	size_t distinct;
	uint64_t total;
	struct text_block *texts; /* where the words' own texts lie, newest block first */
	size_t text_left;	  /* bytes free at the end of that block */
};

void table_init(struct table *table);
void table_fini(struct table *table);

/** Counts each of `count` words once more. */
void table_add(struct table *table, const struct span *words, size_t count);

/** Adds all of `from` to `into`. */
void table_merge(struct table *into, const struct table *from);

/**
 * The `count` most frequent words, in order, into `out`; equal counts by name. Borrowed. Returns
 * how many there are.
 */
size_t table_top(const struct table *table, struct word *out, size_t count);

#endif
