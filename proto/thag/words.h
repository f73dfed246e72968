/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Event words: what a profiled thread writes into its ring.
 *
 * One event is one aligned 8-byte word; a few kinds are followed by payload words.
 *
 *   event    63                                25 24  22 21 20 19                 0
 *           +------------------------------------+------+-----+--------------------+
 *           |     time, low 39 bits of ticks     | kind |  P  |        arg         |
 *           +------------------------------------+------+-----+--------------------+
 *   payload 63                                       22   21 20 19                 0
 *           +--------------------------------------------+-----+--------------------+
 *           |            payload bits 61..20             |  P  |  payload bits 19..0 |
 *           +--------------------------------------------+-----+--------------------+
 *
 * P is the phase: bits 21 and 20 of the word's free-running position, its lap modulo 4.
 * Positions start at THAG_RING_WORDS (2^20), so the first lap writes P = 1 over zeroed memory. A
 * word is present when its P equals its position's; nothing else is published. One bit would do
 * if every slot were written in every lap; but a slot that a signal handler left by siglongjmp
 * stays as it was two laps ago, and must not pass for this lap's.
 *
 * The phase sits at the position's own bits and the time at the top so that the emit path needs
 * one shift, two masks and no 64-bit constant; see docs/ring.md for the measurements.
 *
 * Every byte may come from a hostile program: decoders mask, then check.
 */
#ifndef THAG_WORDS_H
#define THAG_WORDS_H

#include <stdint.h>

/** Words in one ring, a power of two. The phase lies at its bit, so it is part of the ABI. */
#define THAG_RING_LOG2 20
#define THAG_RING_WORDS (UINT32_C(1) << THAG_RING_LOG2)
#define THAG_RING_MASK (THAG_RING_WORDS - 1)
#define THAG_RING_BYTES (UINT64_C(8) << THAG_RING_LOG2)

#define THAG_WORD_PHASE (UINT64_C(3) << THAG_RING_LOG2)
#define THAG_WORD_ARG_MASK UINT64_C(0xfffff)
#define THAG_WORD_KIND_SHIFT 22
#define THAG_WORD_TIME_SHIFT 25
#define THAG_WORD_TIME_BITS 39

/**
 * What an event word says. The arg is given for each; "index" is a slot of the thread's stack
 * of open frames, counted from 0 at the bottom.
 */
enum thag_kind {
	THAG_KIND_EXT = 0,	     /* arg: enum thag_ext << 12 | 12 bits; payload by its kind */
	THAG_KIND_ENTER = 1,	     /* arg: site; opens a frame at the next index */
	THAG_KIND_EXIT = 2,	     /* arg: index; closes that frame and all above it */
	THAG_KIND_SECTION_BEGIN = 3, /* arg: site; opens a frame at the next index */
	THAG_KIND_SECTION_END = 4,   /* arg: index; that frame ends, those above it stay open */
	THAG_KIND_TIME = 5,	     /* arg: bits 58..39 of the clock; the word's time: the rest */
	THAG_KIND_ALLOC = 6,	     /* arg: size, or THAG_ALLOC_LONG; payload: see below */
	THAG_KIND_FREE = 7,	     /* arg: enum thag_free_bits; payload: see below */
};

/**
 * An ALLOC says that the allocator gave out a block, and comes after that; a FREE comes before the
 * allocator takes it back: so what happens to an address is in order over all rings, by time.
 *
 *   ALLOC  arg: size, below THAG_ALLOC_LONG                 payload: address
 *   ALLOC  arg: THAG_ALLOC_LONG | bits 58..40 of the size   payload: address, THAG_TRACE_SIZE
 *   FREE   arg: THAG_FREE_TRACE or 0                        payload: address[, trace]
 *
 * A reallocation is a FREE with THAG_FREE_MOVES before it, after which the block is in nobody's
 * hands, and an EXT REALLOC of the same thread after it, which says what became of the block.
 *
 * A trace is a stack of native frames, an index of struct thag_shm_trace; 0: none was taken.
 */
#define THAG_ALLOC_LONG (UINT32_C(1) << 19)

enum thag_free_bits {
	THAG_FREE_TRACE = 1 << 19, /* the trace of who frees follows the address */
	THAG_FREE_MOVES = 1 << 18, /* a reallocation begins */
};

/** A trace and the low 40 bits of a size. */
#define THAG_TRACE_BITS 22
#define THAG_TRACE_SIZE(trace, size) \
	(((uint64_t)(size) & ((UINT64_C(1) << 40) - 1)) << THAG_TRACE_BITS | (uint64_t)(trace))

/** What a THAG_EXT_LOST counts, in its lower bits. */
enum thag_lost { THAG_LOST_CALLS = 0, THAG_LOST_MEMORY = 1 /* allocations and frees */ };

/** Kinds of THAG_KIND_EXT, in the upper 8 bits of its arg. The lower 12 are 0 but where said. */
enum thag_ext {
	THAG_EXT_NOP = 0,	   /* fills a reserved word that has nothing to say */
	THAG_EXT_THREAD_START = 1, /* payload: kernel thread id; the stack is empty from here */
	THAG_EXT_THREAD_END = 2,   /* the thread is gone; its open frames are truncated */
	THAG_EXT_LOST = 3,	   /* lower bits: enum thag_lost; payload: dropped since the last */
	THAG_EXT_TASK = 4,	   /* lower bits: enum thag_task_op; payload: see there */
	THAG_EXT_REALLOC = 5,	   /* lower bits: 51..40 of the size; payload: see there */
	THAG_EXT_MAP = 6,   /* lower bits: enum thag_map_op; payload: address, bytes, trace */
	THAG_EXT_MARK = 7,  /* payload: site of kind MARK or FRAME */
	THAG_EXT_VALUE = 8, /* lower bits: the two highest of the value; payload: site, value */
	THAG_EXT_THREAD_NAME = 9, /* payload: site of kind THREAD, which names the thread */
	THAG_EXT_SUSPENDED = 10,  /* payload: so many ticks to here the machine was suspended */
	THAG_EXT_COUNT
};

/*
 * THAG_EXT_REALLOC: the reallocation that a FREE with THAG_FREE_MOVES began is over. Payload: old
 * address, new address, THAG_TRACE_SIZE. New address 0 with a size: it failed, the old block is
 * still there; with size 0: it was freed.
 */

/** What happens to pages of memory, where the program asks the kernel for them itself. */
enum thag_map_op { THAG_MAP_MAPPED = 0, THAG_MAP_UNMAPPED = 1 };

/**
 * What happens to a task. Payload, three words: task id, THAG_TASK_STEP(step, site), open frames.
 *
 * Each task has a stack of its own, whose indices count from THAG_TASK_BASE, whatever thread it
 * runs on. The steps of a task are numbered 0, 1, 2, … over all rings, so a reader that meets
 * step n before it has seen n - 1 (which lies in another ring) knows that it must read that
 * first. A step is over when its ring says that something else runs there, or that its thread
 * ended; CREATE and DESTROY are over at once.
 */
enum thag_task_op {
	THAG_TASK_CREATE = 0, /* step 0 */
	/* from here this ring's calls are the task's; id 0: the thread's own again, the rest is 0
	 */
	THAG_TASK_RUN = 1,
	THAG_TASK_DESTROY = 2, /* the last step; frames it has open are truncated */
};

/** The index of a task's lowest frame. Frames of a thread's own stay below while it runs tasks. */
#define THAG_TASK_BASE (UINT32_C(1) << 19)

/** A task's id: the upper bits make it unique in its session, the lower 20 are a slot. Not 0. */
#define THAG_TASK_SLOT_BITS 20

/** A step and the site that names the task. Steps wrap after 42 bits. */
#define THAG_TASK_STEP(step, site) ((uint64_t)(step) << 20 | (uint64_t)(site))

/** What a site is. */
enum thag_site_kind {
	THAG_SITE_FUNCTION = 1,
	THAG_SITE_SECTION = 2,
	THAG_SITE_MARK = 3,  /* an instant */
	THAG_SITE_FRAME = 4, /* an instant that ends one round of a loop, and begins the next */
	THAG_SITE_VALUE = 5,
	THAG_SITE_THREAD = 6,
	THAG_SITE_TASK = 7,
};

/** Bits of a site's flags. */
enum thag_site_flags {
	THAG_SITE_PRETTY = 1,  /* its name is a compiler's __PRETTY_FUNCTION__ */
	THAG_SITE_ADDRESS = 2, /* it has no name, but an address in a module */
	THAG_SITE_CALL = 4,    /* the address is in a call: what is inlined there, and the line */
};

#define THAG_EXT_SHIFT 12
#define THAG_EXT_PAYLOAD_MAX 3

/** Payload words that follow an EXT word of kind `ext`; -1 when the kind is unknown. */
static inline int thag_ext_payload_words(uint32_t ext)
{
	static const signed char words[THAG_EXT_COUNT] = { 0, 1, 0, 1, 3, 3, 3, 1, 2, 1, 1 };

	return ext < THAG_EXT_COUNT ? words[ext] : -1;
}

/** Payload words that follow a word of kind ALLOC or FREE with that arg. */
static inline int thag_memory_payload_words(uint32_t arg)
{
	return 1 + (int)(arg >> 19 & 1);
}

/** The constant part of an event word: everything but its time and phase. */
#define THAG_WORD(kind, arg) ((uint64_t)(kind) << THAG_WORD_KIND_SHIFT | (uint64_t)(arg))

/** The constant part of an EXT word. */
#define THAG_WORD_EXT(ext) THAG_WORD(THAG_KIND_EXT, (uint64_t)(ext) << THAG_EXT_SHIFT)

static inline uint32_t thag_word_kind(uint64_t word)
{
	return (uint32_t)(word >> THAG_WORD_KIND_SHIFT) & 7;
}

static inline uint32_t thag_word_arg(uint64_t word)
{
	return (uint32_t)(word & THAG_WORD_ARG_MASK);
}

/** The low 39 bits of the clock, in ticks. */
static inline uint64_t thag_word_time(uint64_t word)
{
	return word >> THAG_WORD_TIME_SHIFT;
}

/** Whether `word` is the one written at free-running position `pos`, not an older lap's. */
static inline int thag_word_is_at(uint64_t word, uint64_t pos)
{
	return ((word ^ pos) & THAG_WORD_PHASE) == 0;
}

/** 62 bits of payload, spread around the phase; the two highest of `value` are lost. */
static inline uint64_t thag_payload_pack(uint64_t value)
{
	return (value & ~THAG_WORD_ARG_MASK) << 2 | (value & THAG_WORD_ARG_MASK);
}

static inline uint64_t thag_payload_unpack(uint64_t word)
{
	return (word >> 2 & ~THAG_WORD_ARG_MASK) | (word & THAG_WORD_ARG_MASK);
}

#endif
