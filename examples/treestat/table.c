/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include <thag.h>

#include "memory.h"

#define TABLE_START 4096

void table_init(struct table *table)
{
	*table = (struct table){ .capacity = TABLE_START };
	table->slots = memory_zeroed(table->capacity, sizeof(struct word));
}

void table_fini(struct table *table)
{
	for (size_t i = 0; i < table->capacity; i++)
		free(table->slots[i].text);
	free(table->slots);
}

/* FNV-1a. */
static inline uint32_t hash_bytes(const char *text, size_t bytes)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	return hash;
}

static inline struct word *find_slot(const struct table *table, const char *text, size_t bytes,
				     uint32_t hash)
{
	size_t at = hash & (table->capacity - 1);

	for (;; at = (at + 1) & (table->capacity - 1)) {
		struct word *word = &table->slots[at];

		if (!word->text)
			return word;
		if (word->hash == hash && word->bytes == bytes &&
		    memcmp(word->text, text, bytes) == 0)
			return word;
	}
}

static void grow(struct table *table)
{
	struct table bigger = *table;

	bigger.capacity = table->capacity * 2;
	bigger.slots = memory_zeroed(bigger.capacity, sizeof(struct word));
	for (size_t i = 0; i < table->capacity; i++) {
		const struct word *word = &table->slots[i];

		if (word->text)
			*find_slot(&bigger, word->text, word->bytes, word->hash) = *word;
	}
	free(table->slots);
	*table = bigger;
}

void table_add(struct table *table, const char *text, size_t bytes, uint64_t count)
{
	THAG_PROFILED();
	uint32_t hash = hash_bytes(text, bytes);
	struct word *word = find_slot(table, text, bytes, hash);

	table->total += count;
	if (word->text) {
		word->count += count;
		return;
	}
	*word = (struct word){ .bytes = (uint32_t)bytes, .hash = hash, .count = count };
	word->text = memory_resize(NULL, bytes + 1);
	memcpy(word->text, text, bytes);
	word->text[bytes] = '\0';
	if (++table->distinct * 2 > table->capacity)
		grow(table);
}

void table_merge(struct table *into, const struct table *from)
{
	THAG_PROFILED();
	for (size_t i = 0; i < from->capacity; i++) {
		const struct word *word = &from->slots[i];

		if (word->text)
			table_add(into, word->text, word->bytes, word->count);
	}
}

static int compare_words(const void *left, const void *right)
{
	const struct word *a = left, *b = right;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return strcmp(a->text, b->text);
}

size_t table_top(const struct table *table, struct word *out, size_t count)
{
	THAG_PROFILED();
	struct word *words = memory_zeroed(table->distinct + 1, sizeof(*words));
	size_t found = 0;

	for (size_t i = 0; i < table->capacity; i++) {
		if (table->slots[i].text)
			words[found++] = table->slots[i];
	}
	qsort(words, found, sizeof(*words), compare_words);
	if (found > count)
		found = count;
	memcpy(out, words, found * sizeof(*words));
	free(words);
	return found;
}
