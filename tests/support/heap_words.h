/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The events of memory in a ring, as they were written: for tests of who writes them. */
#ifndef HEAP_WORDS_H
#define HEAP_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "collector.h"

enum heap_kind {
	HEAP_ALLOC,
	HEAP_FREE,
	HEAP_MOVES, /* a FREE with THAG_FREE_MOVES */
	HEAP_MOVED, /* an EXT REALLOC */
	HEAP_MAPPED,
	HEAP_UNMAPPED,
	HEAP_LOST, /* size: how many */
};

struct heap_event {
	enum heap_kind kind;
	uint64_t ticks;
	uint64_t address;
	uint64_t old; /* of HEAP_MOVED */
	uint64_t size;
	uint32_t trace;
};

struct heap_words {
	size_t count;
	size_t invalid; /* words of no known kind */
	size_t starts;	/* threads that had the ring */
	struct heap_event events[];
};

/** Reads what the dead program of `collector` left in the ring of `slot`, which never wrapped. */
struct heap_words *heap_words_read(const struct collector *collector, uint32_t slot);
void heap_words_destroy(struct heap_words *words);

#endif
