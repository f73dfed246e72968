/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Each distinct string once, known by a small number: 0, 1, 2 … in order of their first use.
 *
 * The hash is seeded by where the table lies, so that a program can't choose names that collide.
 *
 * Thread: owner, or any number of readers. Allocates.
 */
#ifndef THAG_STRINGS_H
#define THAG_STRINGS_H

#include <stddef.h>
#include <stdint.h>

#define THAG_STRINGS_NONE UINT32_MAX

struct thag_string {
	size_t offset; /* in the text */
	uint32_t bytes;
	uint32_t hash;
};

/** All zero is valid and empty. */
struct thag_strings {
	char *text; /* the strings, each terminated */
	size_t text_bytes;
	size_t text_capacity;
	struct thag_string *list;
	uint32_t count;
	uint32_t capacity;
	uint32_t *slots; /* open addressing: number + 1, 0 for free */
	uint32_t slot_mask;
	uint64_t seed;
};

void thag_strings_fini(struct thag_strings *strings);

/** The number of the string, THAG_STRINGS_NONE when it isn't there. */
uint32_t thag_strings_find(const struct thag_strings *strings, const char *text, uint32_t bytes);

/** The number of the string, added when it isn't there. 0 or -ENOMEM. */
int thag_strings_put(struct thag_strings *strings, const char *text, uint32_t bytes,
		     uint32_t *number);

/** String `number`, terminated; borrowed until the next put. */
const char *thag_strings_get(const struct thag_strings *strings, uint32_t number, size_t *bytes);

/** A deep copy into the uninitialised `copy`. 0 or -ENOMEM. */
int thag_strings_copy(struct thag_strings *copy, const struct thag_strings *strings);

#endif
