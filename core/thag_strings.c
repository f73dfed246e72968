/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_strings.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64
#define FIRST_STRINGS 32
#define FIRST_TEXT 1024

/** Any odd numbers with about half their bits set. */
#define MULTIPLIER UINT64_C(0x9fb21c651e98df25)
#define SEED_MULTIPLIER UINT64_C(0xd6e8feb86659fd93)

void thag_strings_fini(struct thag_strings *strings)
{
	free(strings->text);
	free(strings->list);
	free(strings->slots);
	*strings = (struct thag_strings){ 0 };
}

/** Folds the 128-bit product of both into 64 bits. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t hash_text(uint64_t seed, const char *text, uint32_t bytes)
{
	uint64_t hash = seed ^ bytes;

	for (; bytes >= 8; bytes -= 8, text += 8) {
		uint64_t word;

		memcpy(&word, text, 8);
		hash = fold(hash ^ word, MULTIPLIER) + seed;
	}
	uint64_t word = 0;
	memcpy(&word, text, bytes);
	hash = fold(hash ^ word, MULTIPLIER);
	return (uint32_t)(hash ^ hash >> 32);
}

/** The slot that names the string, or the free one where it would go. */
static uint32_t find_slot(const struct thag_strings *strings, uint32_t hash, const char *text,
			  uint32_t bytes)
{
	uint32_t slot = hash & strings->slot_mask;

	for (; strings->slots[slot]; slot = (slot + 1) & strings->slot_mask) {
		const struct thag_string *one = &strings->list[strings->slots[slot] - 1];

		if (one->hash == hash && one->bytes == bytes &&
		    memcmp(strings->text + one->offset, text, bytes) == 0)
			break;
	}
	return slot;
}

uint32_t thag_strings_find(const struct thag_strings *strings, const char *text, uint32_t bytes)
{
	if (!strings->slots)
		return THAG_STRINGS_NONE;
	uint32_t hash = hash_text(strings->seed, text, bytes);

	/* a free slot holds 0, one less than the number of nothing */
	return strings->slots[find_slot(strings, hash, text, bytes)] - 1;
}

static int grow_slots(struct thag_strings *strings)
{
	uint32_t slots = strings->slots ? (strings->slot_mask + 1) * 2 : FIRST_SLOTS;
	uint32_t *grown = calloc(slots, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	if (!strings->slots)
		strings->seed = (uint64_t)(uintptr_t)strings * SEED_MULTIPLIER;
	for (uint32_t i = 0; i < strings->count; i++) {
		uint32_t slot = strings->list[i].hash & (slots - 1);

		while (grown[slot])
			slot = (slot + 1) & (slots - 1);
		grown[slot] = i + 1;
	}
	free(strings->slots);
	strings->slots = grown;
	strings->slot_mask = slots - 1;
	return 0;
}

static int grow_list(struct thag_strings *strings)
{
	uint32_t capacity = strings->capacity ? strings->capacity * 2 : FIRST_STRINGS;
	struct thag_string *grown = reallocarray(strings->list, capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	strings->list = grown;
	strings->capacity = capacity;
	return 0;
}

static int grow_text(struct thag_strings *strings, size_t more)
{
	size_t capacity = strings->text_capacity ? strings->text_capacity : FIRST_TEXT;

	while (capacity - strings->text_bytes < more)
		capacity *= 2;
	char *grown = realloc(strings->text, capacity);
	if (!grown)
		return -ENOMEM;
	strings->text = grown;
	strings->text_capacity = capacity;
	return 0;
}

/** Makes room for one more string of `bytes` bytes in all three places. */
static int reserve(struct thag_strings *strings, uint32_t bytes)
{
	size_t more = (size_t)bytes + 1;
	int ret = 0;

	if (!strings->slots || strings->count + 1 > strings->slot_mask / 2)
		ret = grow_slots(strings);
	if (!ret && strings->count == strings->capacity)
		ret = grow_list(strings);
	if (!ret && more > strings->text_capacity - strings->text_bytes)
		ret = grow_text(strings, more);
	return ret;
}

int thag_strings_put(struct thag_strings *strings, const char *text, uint32_t bytes,
		     uint32_t *number)
{
	int ret = reserve(strings, bytes);

	if (ret)
		return ret;
	if (bytes == 0)
		text = ""; /* NULL, maybe, which memcpy must not be given */
	uint32_t hash = hash_text(strings->seed, text, bytes);
	uint32_t slot = find_slot(strings, hash, text, bytes);

	if (!strings->slots[slot]) {
		char *at = strings->text + strings->text_bytes;

		strings->list[strings->count++] =
			(struct thag_string){ strings->text_bytes, bytes, hash };
		memcpy(at, text, bytes);
		at[bytes] = '\0';
		strings->text_bytes += (size_t)bytes + 1;
		strings->slots[slot] = strings->count;
	}
	*number = strings->slots[slot] - 1;
	return 0;
}

const char *thag_strings_get(const struct thag_strings *strings, uint32_t number, size_t *bytes)
{
	assert(number < strings->count);
	*bytes = strings->list[number].bytes;
	return strings->text + strings->list[number].offset;
}

/** A copy of the first `used` bytes of `data`, NULL without memory or when `*failed`. */
static void *duplicate(const void *data, size_t used, int *failed)
{
	void *copy = *failed ? NULL : malloc(used ? used : 1);

	if (!copy)
		*failed = 1;
	else if (used)
		memcpy(copy, data, used);
	return copy;
}

int thag_strings_copy(struct thag_strings *copy, const struct thag_strings *strings)
{
	size_t slots = strings->slots ? (size_t)strings->slot_mask + 1 : 0;
	int failed = 0;

	*copy = (struct thag_strings){ 0 };
	if (!slots)
		return 0;
	*copy = *strings;
	copy->capacity = strings->count;
	copy->text_capacity = strings->text_bytes;
	copy->text = duplicate(strings->text, strings->text_bytes, &failed);
	copy->list = duplicate(strings->list, strings->count * sizeof(*copy->list), &failed);
	copy->slots = duplicate(strings->slots, slots * sizeof(*copy->slots), &failed);
	if (!failed)
		return 0;
	thag_strings_fini(copy);
	return -ENOMEM;
}
