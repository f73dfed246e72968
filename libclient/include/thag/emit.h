/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file emit.h
 * The emit path: what thag.h's macros compile to. Not for use by hand.
 *
 * A span costs two clock reads, and for each one an index taken by a single instruction and one
 * 8-byte store. Everything else (first use, a full ring, a dead daemon, longjmp, fork) is on the
 * cold side, behind three checks: `head < limit`, a known site, and a clock whose upper half is
 * that of the last TIME word (so that one precedes an event whenever 2^32 ticks have passed).
 *
 * The producer's head is one 64-bit word, so that position and depth change together, in one
 * instruction that a signal can't split:
 *
 *     63                              32 31                               0
 *    +----------------------------------+----------------------------------+
 *    | position + depth of open frames  | position of the next word        |
 *    +----------------------------------+----------------------------------+
 *
 * Opening a frame adds (2, 1), closing one adds (0, 1): its word takes a place, and the place
 * kept for its exit is given up. So `head < limit` says that there is room for this word and for
 * the exits of all open frames; an exit needs no check, and frames that were recorded always
 * close. Both halves are rebased long before they wrap.
 */
#ifndef THAG_EMIT_H
#define THAG_EMIT_H

#include <stddef.h>
#include <stdint.h>

#include "thag/words.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <time.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** A place in the source; one static object each, registered by its first event. */
struct thag_site {
	uint32_t word; /* THAG_WORD(kind, id) of its opening event, 0: ask the cold side */
	uint16_t kind; /* enum thag_site_kind */
	uint8_t modes; /* enum thag_mode_bits: recorded when one of them is on */
	uint8_t flags; /* enum thag_site_flags */
	uint32_t line;
	uint32_t
		cold_word; /* the word, once registered, of a site that always asks the cold side */
	const char *name;
	const char *file;
};

/* Values of a span's index that are none. */
#define THAG_SPAN_OFF UINT32_MAX		 /* not recorded: profiling is off */
#define THAG_SPAN_DROPPED (UINT32_MAX - 1)	 /* not recorded: below a call that was dropped */
#define THAG_SPAN_DROP_ROOT (UINT32_MAX - 2)	 /* not recorded: the ring had no room */
#define THAG_SPAN_SLOW_CLOCK (UINT32_C(1) << 30) /* flag: the clock needs a call */

struct thag_span {
	uint32_t index; /* of the frame on its thread's stack */
};

struct thag_producer;

struct thag_section {
	uint32_t index;
	uint16_t ended;	 /* by THAG_END: a second one is a mistake */
	uint16_t serial; /* tells it from whatever has its index after it; never 0 */
	uint64_t owner;	 /* whose stack it is on: a task's id, or a producer */
};

/**
 * One thread's end of its ring. The first page is private to this process: the kernel wipes it
 * on fork (MADV_WIPEONFORK), so that a child starts with limit 0, on the cold side. The rest
 * survives, so that an emit that was interrupted by a handler that forked still has a place to
 * write to.
 */
struct thag_producer {
	uint64_t head;
	uint64_t limit; /* head at which the cold side must look; 0: always; only written there */
	uint32_t time_high; /* upper half of the clock at the last TIME word */
	uint32_t unused;
	uint64_t memory_limit; /* as `limit`, for allocations and frees */
	unsigned char cold[4096 - 32];
	uint64_t *words;       /* THAG_RING_WORDS of them */
	uintptr_t frame_sp[1]; /* really RING_WORDS: stack pointer of each open frame, by index */
};

#define THAG_HEAD_OPEN ((UINT64_C(2) << 32) | 1)
#define THAG_HEAD_CLOSE UINT64_C(1)

/**
 * What is recorded in this process, enum thag_mode_bits; 0: nothing. Written by the library only.
 * Looked at on the cold side alone: where it lacks THAG_MODE_TIME, no producer has room for calls.
 */
extern uint32_t thag_on;

/** The user's wish, in thagd's memory; see THAG_WISH. Points to a 0 while there is no thagd. */
extern const uint64_t *thag_wish;
extern uint64_t thag_wish_heeded;

/** This thread's producer; before its first event one that has no room. Never NULL. */
extern __thread struct thag_producer *thag_this_producer __attribute__((tls_model("initial-exec")));

void thag_start(const char *mode);
uint32_t thag_open_slow(struct thag_site *site) __attribute__((cold));
void thag_close_slow(uint32_t index, uint64_t ticks) __attribute__((cold));
struct thag_section thag_section_open(struct thag_site *site);
void thag_section_close(struct thag_section *section);
void thag_section_misused(void) __attribute__((cold));

/* not instrumented itself where the program is compiled with -finstrument-functions */
#define THAG_INLINE static inline __attribute__((always_inline, unused, no_instrument_function))
#define THAG_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/**
 * The clock, and its upper half apart. On x86-64 the TSC; the cold side sees to machines where
 * that is no clock.
 */
THAG_INLINE uint64_t thag_ticks_halved(uint32_t *high)
{
#if defined(__x86_64__)
	uint64_t low_half, high_half; /* 64 bits wide: the instruction clears the rest */

	__asm__ volatile("rdtsc" : "=a"(low_half), "=d"(high_half));
	*high = (uint32_t)high_half;
	return high_half << 32 | low_half;
#else
	uint64_t ticks;
#if defined(__aarch64__)
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ticks = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
	*high = (uint32_t)(ticks >> 32);
	return ticks;
#endif
}

THAG_INLINE uint64_t thag_ticks(void)
{
	uint32_t high;

	return thag_ticks_halved(&high);
}

/** Whether nothing is recorded, and the user hasn't asked for it since. */
THAG_INLINE int thag_is_off(void)
{
	return !__atomic_load_n(&thag_on, __ATOMIC_RELAXED) &&
	       __atomic_load_n(__atomic_load_n(&thag_wish, __ATOMIC_RELAXED), __ATOMIC_RELAXED) ==
		       __atomic_load_n(&thag_wish_heeded, __ATOMIC_RELAXED);
}

/** Adds to head and returns what it was, in one instruction for this thread and its signals. */
THAG_INLINE uint64_t thag_head_add(struct thag_producer *producer, uint64_t add)
{
#if defined(__x86_64__)
	/* no lock prefix: no other thread writes it */
	__asm__ volatile("xaddq %0, %1" : "+r"(add), "+m"(producer->head) : : "memory", "cc");
	return add;
#else
	return __atomic_fetch_add(&producer->head, add, __ATOMIC_RELAXED);
#endif
}

THAG_INLINE uint64_t thag_head_get(const struct thag_producer *producer)
{
	return __atomic_load_n(&producer->head, __ATOMIC_RELAXED);
}

/** Relaxed: another thread sets it to 0 to switch recording off, which need not be seen at once. */
THAG_INLINE uint64_t thag_limit_get(const struct thag_producer *producer)
{
	return __atomic_load_n(&producer->limit, __ATOMIC_RELAXED);
}

THAG_INLINE uint32_t thag_head_depth(uint64_t head)
{
	return (uint32_t)(head >> 32) - (uint32_t)head;
}

/**
 * Publishes the word for the position in `head`. Relaxed: the reader takes each word by itself,
 * and stops at the first that isn't there yet.
 */
THAG_INLINE void thag_word_put(struct thag_producer *producer, uint64_t head, uint64_t word)
{
	__atomic_store_n(&producer->words[head & THAG_RING_MASK], word | (head & THAG_WORD_PHASE),
			 __ATOMIC_RELAXED);
}

THAG_INLINE void thag_frame_note(struct thag_producer *producer, uint32_t index)
{
#if defined(__x86_64__)
	/* the stack pointer itself: a span that has no address can live in a register */
	__asm__ volatile("movq %%rsp, %0" : "=m"(producer->frame_sp[index]));
#elif defined(__aarch64__)
	uintptr_t sp;

	__asm__ volatile("mov %0, sp" : "=r"(sp));
	producer->frame_sp[index] = sp;
#else
	producer->frame_sp[index] = (uintptr_t)__builtin_frame_address(0);
#endif
}

/*
 * Each cold call below ends its function: nothing lives across it, so the fast side needs no
 * registers saved. (With the cold side called in the middle a pair cost 4% more.)
 */

/** Opens a frame; returns its index, or one of THAG_SPAN_… . */
THAG_INLINE uint32_t thag_open(struct thag_site *site)
{
	struct thag_producer *producer = thag_this_producer;
	uint32_t word = __atomic_load_n(&site->word, __ATOMIC_RELAXED), index, high;
	uint64_t ticks, head;

	if (THAG_UNLIKELY(thag_head_get(producer) >= thag_limit_get(producer) || word == 0)) {
		if (thag_is_off())
			return THAG_SPAN_OFF;
		return thag_open_slow(site);
	}
	ticks = thag_ticks_halved(&high);
	if (THAG_UNLIKELY(high != producer->time_high))
		return thag_open_slow(site);
	head = thag_head_add(producer, THAG_HEAD_OPEN);
	index = thag_head_depth(head);
	thag_frame_note(producer, index);
	thag_word_put(producer, head, ticks << THAG_WORD_TIME_SHIFT | word);
	return index;
}

/** Closes the frame `index`, which was recorded, on top or not. */
THAG_INLINE void thag_close(uint32_t index)
{
	struct thag_producer *producer = thag_this_producer;
	uint32_t high;
	uint64_t ticks = thag_ticks_halved(&high);

	if (THAG_UNLIKELY(thag_head_depth(thag_head_get(producer)) != index + 1 ||
			  high != producer->time_high)) {
		thag_close_slow(index, ticks);
		return;
	}
	thag_word_put(producer, thag_head_add(producer, THAG_HEAD_CLOSE),
		      ticks << THAG_WORD_TIME_SHIFT | THAG_WORD(THAG_KIND_EXIT, index));
}

THAG_INLINE struct thag_span thag_span_enter(struct thag_site *site)
{
	struct thag_span span;

	span.index = thag_open(site);
	return span;
}

THAG_INLINE void thag_span_exit(struct thag_span *span)
{
	if (span->index != THAG_SPAN_OFF)
		thag_close(span->index);
}

THAG_INLINE struct thag_section thag_section_begin(struct thag_site *site)
{
	struct thag_section off = { THAG_SPAN_OFF, 0, 0, 0 };

	return thag_is_off() ? off : thag_section_open(site);
}

THAG_INLINE void thag_section_end(struct thag_section *section)
{
	if (section->index != THAG_SPAN_OFF)
		thag_section_close(section);
}

THAG_INLINE void thag_section_end_early(struct thag_section *section)
{
	if (THAG_UNLIKELY(section->ended))
		thag_section_misused();
	thag_section_end(section);
	section->ended = 1;
}

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
