/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The stored form of words: what they say, split into streams of bytes that are alike, so that a
 * fast compressor can do the rest.
 *
 *   lengths   5 uint32_t: of ops, low, more, args, payload
 *   ops       one byte an event: what it is
 *   sizes     two bits an event that has a time: how many bytes of it are in `more`
 *   low       one byte an event that has a time: the lowest of the ticks since the event before
 *   more      the others, 0, 1, 2 or 4 of them
 *   args      three bytes an op that has an arg of its own
 *   payload   numbers: each payload word less the one in its place of the last event of its kind
 *   padding   4 bytes
 *
 * An op of OP_SITES and more opens a frame of a site that such an op named before, in full. Exits
 * of the frame that was opened last need no index.
 */
#ifndef THAG_CHUNK_WORDS_H
#define THAG_CHUNK_WORDS_H

#include "thag_chunk_private.h"

enum op {
	OP_EXIT_TOP = 0,
	OP_EXIT,
	OP_ENTER,
	OP_SECTION_BEGIN,
	OP_SECTION_END,
	OP_TIME,
	OP_EXT,
	OP_ALLOC,
	OP_FREE,
	OP_HOLE,   /* a word that was never written */
	OP_BROKEN, /* comes before an event; args: a byte whose bits say which payload is a hole */
	OP_SITES = 16,
};

#define OPS_MAX 256
#define SITES_KNOWN (OPS_MAX - OP_SITES)
#define PADDING 4
#define ARG_BYTES 3

#define TIME_MASK ((UINT64_C(1) << THAG_WORD_TIME_BITS) - 1)
#define TIME_BACK (UINT64_C(1) << (THAG_WORD_TIME_BITS - 1)) /* so far ahead is behind */
#define VALUE_MASK ((UINT64_C(1) << 62) - 1)

/* Places whose payload is alike: three of each kind of event. */
#define PAYLOAD_PLACES ((THAG_EXT_COUNT + 2) * THAG_EXT_PAYLOAD_MAX)

/* Bytes in `more`, by size. */
static const uint8_t more_bytes[4] = { 0, 1, 2, 4 };

/* What both sides know as they go along. */
struct state {
	uint64_t last;	/* ticks of the latest event, as thag_stream.h unfolds them */
	uint32_t next;	/* the index that the next frame to be opened should have */
	uint32_t known; /* sites that have an op of their own */
	uint64_t payload[PAYLOAD_PLACES];
};

static inline uint32_t payload_words(uint32_t kind, uint32_t arg)
{
	int words;

	if (kind == THAG_KIND_ALLOC || kind == THAG_KIND_FREE)
		return (uint32_t)thag_memory_payload_words(arg);
	if (kind != THAG_KIND_EXT)
		return 0;
	words = thag_ext_payload_words(arg >> THAG_EXT_SHIFT);
	return words < 0 ? 0 : (uint32_t)words;
}

/* Of an event with payload: that of the last one of its kind. */
static inline uint64_t *payload_before(struct state *state, uint32_t kind, uint32_t arg)
{
	uint32_t event = arg >> THAG_EXT_SHIFT;

	if (kind != THAG_KIND_EXT)
		event = kind == THAG_KIND_ALLOC ? THAG_EXT_COUNT : THAG_EXT_COUNT + 1;
	return &state->payload[event * THAG_EXT_PAYLOAD_MAX];
}

/* Time goes on by `ahead`, unless that is back. A NOP has no time. */
static inline void pass(struct state *state, uint64_t ahead)
{
	state->last += ahead < TIME_BACK ? ahead : 0;
}

static inline void pass_event(struct state *state, uint32_t kind, uint32_t arg, uint64_t ahead)
{
	uint64_t ticks = (uint64_t)arg << THAG_WORD_TIME_BITS | ((state->last + ahead) & TIME_MASK);

	if (kind == THAG_KIND_TIME)
		state->last = ticks > state->last ? ticks : state->last;
	else if (kind != THAG_KIND_EXT ||
		 (arg >> THAG_EXT_SHIFT != THAG_EXT_NOP && arg >> THAG_EXT_SHIFT < THAG_EXT_COUNT))
		pass(state, ahead);
}

#endif
