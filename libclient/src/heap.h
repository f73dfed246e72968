/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Events of memory: what the entry points of the allocator say once they have allocated, and
 * before they free.
 *
 * While only calls' own allocations are recorded (THAG_HEAP_PLAIN) the fast side is inline here:
 * one check for room, one for the clock, an index by one instruction, a store a word. Everything
 * is for any thread at any time: before the constructors, in signal handlers, in forked children,
 * in threads that end. errno is kept.
 */
#ifndef THAG_HEAP_EVENTS_H
#define THAG_HEAP_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "internal.h"
#include "trace.h"

/** How memory is recorded. */
enum thag_heap_way {
	THAG_HEAP_OFF = 0,
	THAG_HEAP_PLAIN, /* each allocation, by its size alone */
	THAG_HEAP_FULL,	 /* with traces, or not each */
};

/**
 * What an entry point looks at first. Not part of what programs that were linked against the
 * library share with it: a second copy of the library in a process, behind a preloaded one,
 * passes everything on and records nothing.
 */
struct thag_heap_gate {
	uint32_t way;	      /* enum thag_heap_way */
	const uint64_t *wish; /* as thag_wish and thag_wish_heeded */
	uint64_t heeded;
};

extern struct thag_heap_gate thag_heap_gate;

/** The program's malloc is one that doesn't call ours: what it allocates goes unseen. */
extern bool thag_heap_bypassed;

/** Follows thag_on. */
void thag_heap_switch(void);

/** Takes over what is asked for. 0, or a negative errno. */
int thag_heap_configure(const struct thag_config *config);

/** Heeds a new wish; returns the way from then on. */
uint32_t thag_heap_heed(void) __attribute__((cold));

/**
 * Writes an event of `count` payload words, where the fast side can't. `word`: all but its time.
 * False: it was not recorded.
 */
bool thag_heap_put(uint64_t word, uint64_t a, uint64_t b, uint64_t c, uint32_t count)
	__attribute__((cold));

/** As thag_heap_put, in the place that the first half of the reallocation kept for it. */
void thag_heap_put_kept(uint64_t word, uint64_t a, uint64_t b, uint64_t c) __attribute__((cold));

/** The events below, THAG_HEAP_FULL; `frame`: of the entry point, which keeps a frame pointer. */
void thag_heap_allocated_full(void *block, size_t size, void *const *frame);
void thag_heap_freed_full(void *block, void *const *frame);
bool thag_heap_moves_full(void *block, void *const *frame);
void thag_heap_moved_full(void *old, void *block, size_t size, bool begun, void *const *frame);

/** Whether pages that the program maps itself count. */
bool thag_heap_maps(void);

/** Pages were mapped; or will be unmapped. */
void thag_heap_mapped(void *at, size_t bytes, void *const *frame);
void thag_heap_unmapped(void *at, size_t bytes, void *const *frame);

static inline uint32_t thag_heap_way(void)
{
	uint32_t way = __atomic_load_n(&thag_heap_gate.way, __ATOMIC_RELAXED);

	if (way != THAG_HEAP_OFF ||
	    __atomic_load_n(__atomic_load_n(&thag_heap_gate.wish, __ATOMIC_RELAXED),
			    __ATOMIC_RELAXED) ==
		    __atomic_load_n(&thag_heap_gate.heeded, __ATOMIC_RELAXED))
		return way;
	return thag_heap_heed();
}

/**
 * What an allocator did must be over before the clock is read, on every thread: another may have
 * freed the block just now. Loads of the clock may run ahead of others. (What comes after a FREE
 * can't run ahead of it in the same way: its stores are seen after it is over.)
 */
static inline void thag_heap_fence(void)
{
#if defined(__x86_64__)
	__asm__ volatile("lfence" : : : "memory");
#elif defined(__aarch64__)
	__asm__ volatile("isb" : : : "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/** Writes an event of `count` payload words; `a` is the first. */
THAG_INLINE bool thag_heap_emit(uint64_t word, uint64_t a, uint64_t b, uint64_t c, uint32_t count)
{
	struct thag_producer *producer = thag_this_producer;
	uint64_t ticks, head;
	uint32_t high;

	if (THAG_UNLIKELY(thag_head_get(producer) >=
			  __atomic_load_n(&producer->memory_limit, __ATOMIC_RELAXED)))
		return thag_heap_put(word, a, b, c, count);
	ticks = thag_ticks_halved(&high);
	if (THAG_UNLIKELY(high != producer->time_high))
		return thag_heap_put(word, a, b, c, count);
	head = thag_head_add(producer, thag_head_change(1 + (int64_t)count, 0));
	thag_word_put(producer, head, ticks << THAG_WORD_TIME_SHIFT | word);
	thag_word_put(producer, head + 1, thag_payload_pack(a));
	if (count > 1)
		thag_word_put(producer, head + 2, thag_payload_pack(b));
	if (count > 2)
		thag_word_put(producer, head + 3, thag_payload_pack(c));
	return true;
}

/** An ALLOC with `trace` and a size that may be long. */
THAG_INLINE bool thag_heap_emit_long(void *block, size_t size, uint32_t trace)
{
	uint64_t high = (uint64_t)size >> 40 & (THAG_ALLOC_LONG - 1);

	return thag_heap_emit(THAG_WORD(THAG_KIND_ALLOC, THAG_ALLOC_LONG | high), (uintptr_t)block,
			      THAG_TRACE_SIZE(trace, size), 0, 2);
}

/** Memory of `size` bytes was allocated; NULL: it wasn't. */
THAG_INLINE void thag_heap_allocated(void *block, size_t size, void *const *frame)
{
	uint32_t way = thag_heap_way();

	if (way == THAG_HEAP_OFF || !block)
		return;
	if (THAG_UNLIKELY(way == THAG_HEAP_FULL)) {
		thag_heap_allocated_full(block, size, frame);
		return;
	}
	thag_heap_fence();
	if (THAG_UNLIKELY(size >= THAG_ALLOC_LONG))
		thag_heap_emit_long(block, size, 0);
	else
		thag_heap_emit(THAG_WORD(THAG_KIND_ALLOC, size), (uintptr_t)block, 0, 0, 1);
}

/** The block will be freed; NULL: nothing will. */
THAG_INLINE void thag_heap_freed(void *block, void *const *frame)
{
	uint32_t way = thag_heap_way();

	if (way == THAG_HEAP_OFF || !block)
		return;
	if (THAG_UNLIKELY(way == THAG_HEAP_FULL))
		thag_heap_freed_full(block, frame);
	else
		thag_heap_emit(THAG_WORD(THAG_KIND_FREE, 0), (uintptr_t)block, 0, 0, 1);
}

/** The block, not NULL, will be reallocated. What this returns goes to thag_heap_moved. */
THAG_INLINE bool thag_heap_moves(void *block, void *const *frame)
{
	uint32_t way = thag_heap_way();

	if (way == THAG_HEAP_OFF)
		return false;
	if (THAG_UNLIKELY(way == THAG_HEAP_FULL))
		return thag_heap_moves_full(block, frame);
	return thag_heap_emit(THAG_WORD(THAG_KIND_FREE, THAG_FREE_MOVES), (uintptr_t)block, 0, 0,
			      1);
}

/** It is `block` now, of `size` bytes; NULL: it was freed (size 0), or is what it was. */
void thag_heap_moved(void *old, void *block, size_t size, bool begun, void *const *frame);

#endif
