/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What attributes say against a mark in a function: they may be on any of its declarations.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_INSTRUMENT_ATTRIBUTES_H
#define THAG_INSTRUMENT_ATTRIBUTES_H

#include <stddef.h>

#include <clang-c/Index.h>

struct thag_attributed {
	unsigned declared; /* the hash of the first declaration */
	const char *why;
};

/** All zero is valid and empty. */
struct thag_attributes {
	struct thag_attributed *list;
	size_t count;
	size_t capacity;
	char **resolvers; /* names of functions that choose others, before the program starts */
	size_t resolver_count;
	size_t resolver_capacity;
};

void thag_attributes_fini(struct thag_attributes *attributes);

/** Why what this declaration says speaks against a mark; NULL: it doesn't. */
const char *thag_attributes_of(CXCursor cursor);

/** Notes what a declaration says of its function, and of others. 0 or -ENOMEM. */
int thag_attributes_note(struct thag_attributes *attributes, CXCursor cursor);

/** Why the function of that first declaration can't have a mark, by what was noted; or NULL. */
const char *thag_attributes_find(const struct thag_attributes *attributes, unsigned declared,
				 const char *name);

#endif
