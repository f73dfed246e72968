/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include <thag.h>

#include "memory.h"

#define TABLE_START 4096
#define TEXT_BLOCK_BYTES 65536

/* Texts are many, small, and go together: a block of them is one allocation. */
struct text_block {
	struct text_block *next;
	size_t bytes;
	char text[];
};

void table_init(struct table *table)
{
	*table = (struct table){ .capacity = TABLE_START };
	table->slots = memory_zeroed(table->capacity, sizeof(struct word));
}

void table_fini(struct table *table)
{
	while (table->texts) {
		struct text_block *block = table->texts;

		table->texts = block->next;
		free(block);
	}
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

static char *take_text(struct table *table, size_t bytes)
{
	struct text_block *block = table->texts;

	if (bytes > table->text_left) {
		size_t room = bytes < TEXT_BLOCK_BYTES ? TEXT_BLOCK_BYTES : bytes;

		block = memory_resize(NULL, sizeof(*block) + room);
		block->next = table->texts;
		block->bytes = room;
		table->texts = block;
		table->text_left = room;
	}
	table->text_left -= bytes;
	return block->text + block->bytes - table->text_left - bytes;
}

static inline void add_new(struct table *table, struct word *slot, struct span span, uint32_t hash)
{
	*slot = (struct word){ .bytes = (uint32_t)span.bytes, .hash = hash };
	slot->text = take_text(table, span.bytes + 1);
	memcpy(slot->text, span.text, span.bytes);
	slot->text[span.bytes] = '\0';
	table->distinct++;
}

static inline void add(struct table *table, struct span span, uint64_t count)
{
	uint32_t hash = hash_bytes(span.text, span.bytes);
	struct word *word;

	if (table->distinct * 2 >= table->capacity)
		grow(table);
	word = find_slot(table, span.text, span.bytes, hash);
	if (!word->text)
		add_new(table, word, span, hash);
	word->count += count;
	table->total += count;
}

void table_add(struct table *table, const struct span *words, size_t count)
{
	THAG_PROFILED();
	for (size_t i = 0; i < count; i++)
		add(table, words[i], 1);
}

void table_merge(struct table *into, const struct table *from)
{
	THAG_PROFILED();
	for (size_t i = 0; i < from->capacity; i++) {
		const struct word *word = &from->slots[i];

		if (word->text)
			add(into, (struct span){ word->text, word->bytes }, word->count);
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
