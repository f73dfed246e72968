/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "heap.h"

#include <errno.h>
#include <malloc.h>

#include "heap_sample.h"

static const uint64_t no_wish;
struct thag_heap_gate thag_heap_gate = { .wish = &no_wish };

bool thag_heap_bypassed;

/* What is asked for; written once, before anything is recorded. */
static struct {
	bool traces;
	bool free_traces;
	bool maps;
	uint64_t threshold; /* only larger allocations are recorded */
	bool sampled;
} asked;

static uint32_t way_of(uint32_t modes)
{
	if (!(modes & THAG_MODE_MEMORY))
		return THAG_HEAP_OFF;
	return asked.traces || asked.threshold || asked.sampled ? THAG_HEAP_FULL : THAG_HEAP_PLAIN;
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

int thag_heap_configure(const struct thag_config *config)
{
	asked.traces = config->detail;
	asked.free_traces = config->detail && config->free_traces;
	asked.maps = config->maps;
	asked.threshold = config->size_threshold;
	asked.sampled = config->sample_bytes != 0;
	return asked.sampled ? thag_heap_sample_begin(config->sample_bytes) : 0;
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

/* Whether the calling thread has a ring; what it allocates is the program's. */
static bool is_ready(void)
{
	int saved = errno;
	bool ready;

	if (thag_is_alone)
		return false;
	if (thag_cold(thag_this_producer)->live)
		return true;
	ready = thag_open_ready(THAG_MODE_MEMORY) != NULL;
	errno = saved;
	return ready;
}

static void skip(size_t size)
{
	struct thag_shm_thread *shared = &thag_process.threads[thag_cold(thag_this_producer)->slot];

	thag_count(&shared->skipped_allocs, 1);
	thag_count(&shared->skipped_bytes, size);
}

/* Whether the allocation is recorded: it isn't too small, and chance has picked it. */
static bool takes(const void *block, size_t size)
{
	if (size <= asked.threshold && asked.threshold) {
		skip(size);
		return false;
	}
	if (!asked.sampled)
		return true;
	if (!thag_heap_sample_picks(size))
		return false;
	if (thag_heap_sample_keep(block))
		return true;
	thag_lost_count(thag_this_producer, THAG_LOST_MEMORY);
	return false;
}

/* Whether the block's allocation may have been recorded. */
static bool has_taken(void *block)
{
	/* it was asked for with at most as many bytes as are usable */
	if (asked.threshold && malloc_usable_size(block) <= asked.threshold)
		return false;
	return !asked.sampled || thag_heap_sample_forget(block);
}

static uint32_t trace_from(void *const *frame)
{
	struct thag_trace_start start = thag_trace_start_of((const uintptr_t *)frame);

	return thag_trace_take(&start);
}

void thag_heap_allocated_full(void *block, size_t size, void *const *frame)
{
	uint32_t trace;
	bool done;

	if (!is_ready() || !takes(block, size))
		return;
	trace = asked.traces ? trace_from(frame) : 0;
	thag_heap_fence();
	if (trace || size >= THAG_ALLOC_LONG)
		done = thag_heap_emit_long(block, size, trace);
	else
		done = thag_heap_emit(THAG_WORD(THAG_KIND_ALLOC, size), (uintptr_t)block, 0, 0, 1);
	if (!done && asked.sampled)
		thag_heap_sample_forget(block);
}

static bool free_full(void *block, uint32_t bits, void *const *frame)
{
	uint32_t trace;

	if (!is_ready() || !has_taken(block))
		return false;
	trace = asked.free_traces ? trace_from(frame) : 0;
	if (trace)
		return thag_heap_emit(THAG_WORD(THAG_KIND_FREE, bits | THAG_FREE_TRACE),
				      (uintptr_t)block, trace, 0, 2);
	return thag_heap_emit(THAG_WORD(THAG_KIND_FREE, bits), (uintptr_t)block, 0, 0, 1);
}

void thag_heap_freed_full(void *block, void *const *frame)
{
	free_full(block, 0, frame);
}

bool thag_heap_moves_full(void *block, void *const *frame)
{
	return free_full(block, THAG_FREE_MOVES, frame);
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
	thag_heap_fence();
	if (!begun) {
		/* too small so far, or no room for the first half, or switched on meanwhile */
		thag_heap_allocated(block, size, frame);
	} else if (!block) {
		if (size && asked.sampled)
			thag_heap_sample_keep(old);
		end_move(old, NULL, size, 0);
	} else if (is_ready() && takes(block, size)) {
		end_move(old, block, size, asked.traces ? trace_from(frame) : 0);
	} else {
		end_move(old, NULL, 0, 0);
	}
}

bool thag_heap_maps(void)
{
	return asked.maps;
}

static void say_map(enum thag_map_op op, void *at, size_t bytes, void *const *frame)
{
	if (is_ready())
		thag_heap_emit(THAG_WORD_EXT(THAG_EXT_MAP) | (uint64_t)op, (uintptr_t)at, bytes,
			       asked.traces ? trace_from(frame) : 0, 3);
}

void thag_heap_mapped(void *at, size_t bytes, void *const *frame)
{
	thag_heap_fence();
	say_map(THAG_MAP_MAPPED, at, bytes, frame);
}

void thag_heap_unmapped(void *at, size_t bytes, void *const *frame)
{
	say_map(THAG_MAP_UNMAPPED, at, bytes, frame);
}
