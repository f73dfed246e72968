/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Random programs that allocate, as words in their rings and as a list of what happened. In
 * static memory; for the tests of the heap.
 */
#ifndef THAG_HEAP_PROGRAM_H
#define THAG_HEAP_PROGRAM_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "thag_stream.h"
#include "thag/words.h"

#define RINGS 5
#define WORDS_MAX 32768
#define EVENTS_MAX 8192
#define BLOCKS_MAX 512
#define PATHS_MAX 4096
#define DEPTH_MAX 6
#define SITES 3
#define TRACES 60

static unsigned seed;

static uint64_t roll(uint64_t sides)
{
	return (uint64_t)rand_r(&seed) % sides;
}

/* A path, of calls or of native frames, and what the model knows of it. */
struct path {
	uint32_t kind;
	uint32_t depth;
	uint32_t sites[TRACES];
	struct thag_heap_account sums;
	uint64_t lifetimes[THAG_HIST_BUCKETS];
	uint64_t at_peak;
	uint64_t kept_bytes, kept;
};

static struct path paths[PATHS_MAX];
static uint32_t path_count;

static uint32_t find_path(uint32_t kind, const uint32_t *sites, uint32_t depth)
{
	uint32_t i = 0;

	while (i < path_count && (paths[i].kind != kind || paths[i].depth != depth ||
				  memcmp(paths[i].sites, sites, depth * sizeof(*sites)) != 0))
		i++;
	if (i < path_count)
		return i;
	cr_assert_lt(path_count, PATHS_MAX);
	path_count++;
	memset(&paths[i], 0, sizeof(paths[i]));
	paths[i].kind = kind;
	paths[i].depth = depth;
	memcpy(paths[i].sites, sites, depth * sizeof(*sites));
	return i;
}

/* The program's table of traces. */
static struct thag_shm_trace table[TRACES];

static bool read_trace(void *context, uint32_t trace, struct thag_shm_trace *out)
{
	(void)context;
	if (trace >= TRACES)
		return false;
	*out = table[trace];
	return true;
}

static void make_traces(void)
{
	for (uint32_t i = 1; i < TRACES; i++)
		table[i] = (struct thag_shm_trace){ .parent = (uint32_t)roll(i),
						    .site = 100 + (uint32_t)roll(SITES) };
}

static uint32_t trace_path(uint32_t trace)
{
	uint32_t sites[TRACES], depth = 0;

	for (uint32_t at = trace; at; at = table[at].parent)
		depth++;
	for (uint32_t at = trace, i = depth; at; at = table[at].parent)
		sites[--i] = table[at].site;
	return find_path(THAG_HEAP_TRACES, sites, depth);
}

/* What happened, in the order of time. */
struct event {
	uint64_t ticks;
	enum thag_heap_op op;
	uint32_t ring;
	uint64_t address, old, size;
	uint32_t by[THAG_HEAP_KINDS]; /* paths */
};

static struct event events[EVENTS_MAX];
static uint32_t event_count;

/* The program that is played: rings of words, stacks, and which addresses are taken. */
struct ring {
	uint64_t words[WORDS_MAX];
	size_t count, read;
	uint32_t sites[DEPTH_MAX];
	uint32_t depth;
	uint64_t moving; /* a block that is being reallocated */
	struct thag_thread thread;
	struct thag_heap_queue queue;
	struct thag_stream stream;
};

static struct ring rings[RINGS];
static uint64_t taken[BLOCKS_MAX]; /* addresses, 0: none */
static uint64_t clock_ticks;

static void put(struct ring *ring, uint64_t word)
{
	cr_assert_lt(ring->count, WORDS_MAX);
	ring->words[ring->count++] = word;
}

static void put_event(struct ring *ring, enum thag_kind kind, uint32_t arg)
{
	clock_ticks += 1 + roll(8);
	put(ring, THAG_WORD(kind, arg) | clock_ticks << THAG_WORD_TIME_SHIFT);
}

static struct event *note(struct ring *ring, enum thag_heap_op op, uint32_t trace)
{
	struct event *event = &events[event_count++];

	cr_assert_lt(event_count, EVENTS_MAX);
	*event = (struct event){ .ticks = clock_ticks,
				 .op = op,
				 .ring = (uint32_t)(ring - rings),
				 .by = { find_path(THAG_HEAP_CALLS, ring->sites, ring->depth),
					 trace_path(trace) } };
	return event;
}

/* A free address: few of them, so that they come again and again. */
static uint64_t take_address(void)
{
	uint32_t at = (uint32_t)roll(BLOCKS_MAX);

	while (taken[at])
		at = (at + 1) % BLOCKS_MAX;
	taken[at] = 0x7f0000000000 + at * UINT64_C(16);
	return taken[at];
}

static uint64_t *some_block(void)
{
	uint32_t at = (uint32_t)roll(BLOCKS_MAX);

	for (uint32_t i = 0; i < BLOCKS_MAX; i++, at = (at + 1) % BLOCKS_MAX)
		if (taken[at])
			return &taken[at];
	return NULL;
}

static uint64_t some_size(void)
{
	static const uint64_t edges[] = { 0, 1, 64, 65, 256, 257, 4096, 65536, 65537, 1 << 19 };

	return roll(2) ? edges[roll(sizeof(edges) / sizeof(*edges))] : roll(1000);
}

static uint32_t some_trace(void)
{
	return roll(3) ? (uint32_t)roll(TRACES) : 0;
}

static void play_alloc(struct ring *ring)
{
	uint64_t address = take_address(), size = some_size();
	uint32_t trace = some_trace();
	struct event *event;

	if (trace || size >= THAG_ALLOC_LONG || roll(2)) {
		put_event(ring, THAG_KIND_ALLOC, THAG_ALLOC_LONG | (uint32_t)(size >> 40));
		put(ring, thag_payload_pack(address));
		put(ring, thag_payload_pack(THAG_TRACE_SIZE(trace, size)));
	} else {
		put_event(ring, THAG_KIND_ALLOC, (uint32_t)size);
		put(ring, thag_payload_pack(address));
	}
	event = note(ring, THAG_HEAP_ALLOC, trace);
	event->address = address;
	event->size = size;
}

static void play_free(struct ring *ring, bool moves)
{
	uint64_t *block = some_block(), unknown = 16;
	uint32_t trace = some_trace();

	if (!block || roll(20) == 0)
		block = &unknown;
	put_event(ring, THAG_KIND_FREE,
		  (trace ? THAG_FREE_TRACE : 0) | (moves ? THAG_FREE_MOVES : 0));
	put(ring, thag_payload_pack(*block));
	if (trace)
		put(ring, thag_payload_pack(trace));
	note(ring, moves ? THAG_HEAP_MOVE : THAG_HEAP_FREE, trace)->address = *block;
	ring->moving = moves ? *block : 0;
	*block = 0;
}

static void play_moved(struct ring *ring)
{
	uint64_t old = ring->moving, size = some_size(), address = 0;
	uint32_t trace = some_trace();
	struct event *event;

	if (roll(4) == 0 && old != 16 && taken[(old - 0x7f0000000000) / 16] == 0) {
		taken[(old - 0x7f0000000000) / 16] = old;
		size = size ? size : 1;
		if (roll(2))
			address = old; /* it stayed where it was; else it failed */
	} else if (roll(4)) {
		address = take_address();
	} else {
		size = 0; /* it was a free */
	}
	put_event(ring, THAG_KIND_EXT, THAG_EXT_REALLOC << THAG_EXT_SHIFT | (uint32_t)(size >> 40));
	put(ring, thag_payload_pack(old));
	put(ring, thag_payload_pack(address));
	put(ring, thag_payload_pack(THAG_TRACE_SIZE(trace, size)));
	event = note(ring, THAG_HEAP_MOVED, trace);
	event->address = address;
	event->old = old;
	event->size = size;
	ring->moving = 0;
}

static void play_call(struct ring *ring)
{
	if (ring->depth < DEPTH_MAX && roll(2)) {
		ring->sites[ring->depth++] = 10 + (uint32_t)roll(SITES);
		put_event(ring, THAG_KIND_ENTER, ring->sites[ring->depth - 1]);
	} else if (ring->depth) {
		put_event(ring, THAG_KIND_EXIT, --ring->depth);
	}
}

static void play(void)
{
	struct ring *ring = &rings[roll(RINGS)];
	uint64_t what = roll(20);

	/* now and then nothing happens for a while */
	clock_ticks += roll(50) ? 0 : 5000;
	if (ring->moving)
		play_moved(ring);
	else if (what < 6)
		play_call(ring);
	else if (what < 13)
		play_alloc(ring);
	else
		play_free(ring, what == 19);
}

#endif
