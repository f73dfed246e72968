/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "heap_words.h"

#include <stdlib.h>

#include "thag/words.h"

struct cursor {
	const uint64_t *ring;
	uint64_t position;
	uint64_t high; /* bits 58..39 of the clock, from the last TIME */
};

static int take(struct cursor *cursor, uint64_t *word)
{
	if (cursor->position == 2 * (uint64_t)THAG_RING_WORDS)
		return 0;
	*word = cursor->ring[cursor->position & THAG_RING_MASK];
	if (!thag_word_is_at(*word, cursor->position))
		return 0;
	cursor->position++;
	return 1;
}

static uint64_t take_payload(struct cursor *cursor)
{
	uint64_t word = 0;

	return take(cursor, &word) ? thag_payload_unpack(word) : 0;
}

static void read_traced_size(struct heap_event *event, uint64_t payload, uint64_t high)
{
	event->trace = payload & ((1u << THAG_TRACE_BITS) - 1);
	event->size = payload >> THAG_TRACE_BITS | high << 40;
}

static void read_alloc(struct cursor *cursor, struct heap_event *event, uint32_t arg)
{
	event->kind = HEAP_ALLOC;
	event->address = take_payload(cursor);
	if (arg & THAG_ALLOC_LONG)
		read_traced_size(event, take_payload(cursor), arg & (THAG_ALLOC_LONG - 1));
	else
		event->size = arg;
}

static void read_free(struct cursor *cursor, struct heap_event *event, uint32_t arg)
{
	event->kind = arg & THAG_FREE_MOVES ? HEAP_MOVES : HEAP_FREE;
	event->address = take_payload(cursor);
	if (arg & THAG_FREE_TRACE)
		event->trace = (uint32_t)take_payload(cursor);
}

/* Returns whether it was about memory. */
static int read_ext(struct cursor *cursor, struct heap_event *event, uint32_t arg,
		    struct heap_words *words)
{
	uint32_t ext = arg >> THAG_EXT_SHIFT, low = arg & ((1u << THAG_EXT_SHIFT) - 1);
	int count = thag_ext_payload_words(ext);
	uint64_t payload[THAG_EXT_PAYLOAD_MAX] = { 0 };

	words->invalid += count < 0;
	words->starts += ext == THAG_EXT_THREAD_START;
	for (int i = 0; i < count; i++)
		payload[i] = take_payload(cursor);
	if (ext == THAG_EXT_REALLOC) {
		event->kind = HEAP_MOVED;
		event->old = payload[0];
		event->address = payload[1];
		read_traced_size(event, payload[2], low);
	} else if (ext == THAG_EXT_MAP) {
		event->kind = low == THAG_MAP_MAPPED ? HEAP_MAPPED : HEAP_UNMAPPED;
		event->address = payload[0];
		event->size = payload[1];
		event->trace = (uint32_t)payload[2];
	} else {
		event->kind = HEAP_LOST;
		event->size = payload[0];
		return ext == THAG_EXT_LOST && low == THAG_LOST_MEMORY;
	}
	return 1;
}

static int read_event(struct cursor *cursor, struct heap_event *event, struct heap_words *words,
		      uint64_t word)
{
	uint32_t arg = thag_word_arg(word);

	*event = (struct heap_event){ .ticks = cursor->high << THAG_WORD_TIME_BITS |
					       thag_word_time(word) };
	switch (thag_word_kind(word)) {
	case THAG_KIND_TIME:
		cursor->high = arg;
		return 0;
	case THAG_KIND_ALLOC:
		read_alloc(cursor, event, arg);
		return 1;
	case THAG_KIND_FREE:
		read_free(cursor, event, arg);
		return 1;
	case THAG_KIND_EXT:
		return read_ext(cursor, event, arg, words);
	default:
		return 0;
	}
}

struct heap_words *heap_words_read(const struct collector *collector, uint32_t slot)
{
	struct cursor cursor = { .ring = (const void *)(collector->base + THAG_SHM_RINGS_OFFSET +
							slot * THAG_RING_BYTES),
				 .position = THAG_RING_WORDS };
	struct heap_words *words =
		malloc(sizeof(*words) + THAG_RING_WORDS * sizeof(words->events[0]));
	uint64_t word;

	if (!words)
		abort();
	words->count = words->invalid = words->starts = 0;
	while (take(&cursor, &word))
		words->count +=
			(size_t)read_event(&cursor, &words->events[words->count], words, word);
	return words;
}

void heap_words_destroy(struct heap_words *words)
{
	free(words);
}
