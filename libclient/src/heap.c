/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "heap.h"

#include <errno.h>

static const uint64_t no_wish;
struct thag_heap_gate thag_heap_gate = { .wish = &no_wish };

/* What is asked for; written once, before anything is recorded. */
static struct {
	bool traces;
	bool free_traces;
} asked;

static uint32_t way_of(uint32_t modes)
{
	if (!(modes & THAG_MODE_MEMORY))
		return THAG_HEAP_OFF;
	return asked.traces ? THAG_HEAP_FULL : THAG_HEAP_PLAIN;
}

void thag_heap_switch(void)
{
	uint32_t modes;

	/* of two that switch at a time, both must leave what thag_on says in the end */
	do {
		modes = __atomic_load_n(&thag_on, __ATOMIC_SEQ_CST);
		__atomic_store_n(&thag_heap_gate.way, way_of(modes), __ATOMIC_SEQ_CST);
	} while (__atomic_load_n(&thag_on, __ATOMIC_SEQ_CST) != modes);
}

void thag_heap_configure(const struct thag_config *config)
{
	(void)config;
}

uint32_t thag_heap_heed(void)
{
	int saved = errno;

	if (thag_is_alone)
		return THAG_HEAP_OFF;
	thag_switch_heed();
	errno = saved;
	return __atomic_load_n(&thag_heap_gate.way, __ATOMIC_RELAXED);
}

static void write_event(struct thag_producer *producer, uint64_t word, const uint64_t *payload,
			uint32_t count)
{
	uint64_t ticks = thag_clock_now(), head;

	if ((uint32_t)(ticks >> 32) != producer->time_high)
		thag_time_put(producer, ticks);
	thag_lost_say(producer, ticks);
	head = thag_head_add(producer, thag_head_change(1 + (int64_t)count, 0));
	thag_word_put(producer, head, ticks << THAG_WORD_TIME_SHIFT | word);
	for (uint32_t i = 0; i < count; i++)
		thag_word_put(producer, head + 1 + i, thag_payload_pack(payload[i]));
}

static bool has_room(struct thag_producer *producer, uint32_t words)
{
	return thag_head_get(producer) <
		       __atomic_load_n(&producer->memory_limit, __ATOMIC_RELAXED) ||
	       thag_room_find(producer, words);
}

static bool put(uint64_t word, const uint64_t *payload, uint32_t count)
{
	struct thag_producer *producer = thag_open_ready(THAG_MODE_MEMORY);

	if (!producer)
		return false;
	if (!has_room(producer, 1 + count)) {
		thag_lost_count(producer, THAG_LOST_MEMORY);
		return false;
	}
	write_event(producer, word, payload, count);
	thag_thread_leave_if_over();
	return true;
}

bool thag_heap_put(uint64_t word, uint64_t a, uint64_t b, uint64_t c, uint32_t count)
{
	const uint64_t payload[] = { a, b, c };
	int saved = errno;
	bool done = !thag_is_alone && put(word, payload, count);

	errno = saved;
	return done;
}

void thag_heap_put_kept(uint64_t word, uint64_t a, uint64_t b, uint64_t c)
{
	struct thag_producer *producer = thag_this_producer;
	const uint64_t payload[] = { a, b, c };
	int saved = errno;

	/* not in a child that a handler forked meanwhile, nor once the thread has left its ring */
	if (thag_cold(producer)->live)
		write_event(producer, word, payload, 3);
	errno = saved;
}

/* The first half was recorded, so this is, whatever was switched off meanwhile. */
static void end_move(void *old, void *block, size_t size, uint32_t trace)
{
	uint64_t high = (uint64_t)size >> 40 & ((1u << THAG_EXT_SHIFT) - 1);

	thag_heap_put_kept(THAG_WORD_EXT(THAG_EXT_REALLOC) | high, (uintptr_t)old, (uintptr_t)block,
			   THAG_TRACE_SIZE(trace, size));
}

void thag_heap_moved(void *old, void *block, size_t size, bool begun, void *const *frame)
{
	if (begun)
		end_move(old, block, size, 0);
	else if (block)
		/* where the first half found no room, or memory was switched on meanwhile */
		thag_heap_allocated(block, size, frame);
}

void thag_heap_allocated_full(void *block, size_t size, void *const *frame)
{
	(void)frame;
	thag_heap_emit_long(block, size, 0);
}

void thag_heap_freed_full(void *block, void *const *frame)
{
	(void)frame;
	thag_heap_emit(THAG_WORD(THAG_KIND_FREE, 0), (uintptr_t)block, 0, 0, 1);
}

bool thag_heap_moves_full(void *block, void *const *frame)
{
	(void)frame;
	return thag_heap_emit(THAG_WORD(THAG_KIND_FREE, THAG_FREE_MOVES), (uintptr_t)block, 0, 0,
			      1);
}
