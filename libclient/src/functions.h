/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Functions that the compiler instruments: what libthag-cyg's hooks need of libthag.
 *
 * A hook knows a function by its address. The table says what is recorded for it; open
 * addressing, and the place to begin at is the address itself, so that functions that are near
 * each other in the code are so in the table:
 *
 *   fn ──────────> (fn & PLACE_MASK) / 2 bytes into the table ──> { fn, word, known } 16 bytes
 *
 * Entries stand for 32 bytes of code, in which two instrumented functions don't fit. The fast
 * sides find the word in a few cycles; everything else is here.
 *
 * An exit says which function is left, not which call. So frames that hooks opened note their
 * function beside their stack pointer, which is even otherwise:
 *
 *   frame_sp[i] = stack pointer | THAG_FRAME_FUNCTION  the frame closes when frame_fn[i] exits
 *               | THAG_FRAME_ASKS      the same, but calls of it may be open that weren't
 *                                      recorded (frame_missed[i] of them): ask the cold side
 */
#ifndef THAG_FUNCTIONS_H
#define THAG_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag/emit.h"

struct thag_function {
	uintptr_t fn;	/* 0: the entry is free; never changes after that */
	uint32_t word;	/* of its opening event; 0: ask the cold side; THAG_FUNCTION_FILTERED */
	uint32_t known; /* the word, once registered; 0: not registered */
};

#define THAG_FUNCTION_FILTERED UINT32_C(0x80000000)

#define THAG_FUNCTION_PLACES (UINT32_C(1) << 21)
#define THAG_FUNCTION_PROBES 1024 /* entries a search looks at, at most */
#define THAG_FUNCTION_PLACE_MASK ((uintptr_t)(THAG_FUNCTION_PLACES - 1) * 32)

#define THAG_FRAME_FUNCTION 1
#define THAG_FRAME_ASKS 2
#define THAG_FRAME_BITS ((uintptr_t)7)

/** Where the search for a function begins. */
THAG_INLINE struct thag_function *thag_function_place(struct thag_function *table, uintptr_t fn)
{
	/* two shifts less than by an index */
	return (struct thag_function *)(void *)((char *)table +
						((fn & THAG_FUNCTION_PLACE_MASK) >> 1));
}

/** The functions of open frames, by index. Mapped behind their stack pointers. */
THAG_INLINE uintptr_t *thag_frame_fn(struct thag_producer *producer, uint32_t index)
{
	return producer->frame_sp + THAG_RING_WORDS + index;
}

/** By index: the calls of the frame's own function that are open in it and weren't recorded. */
THAG_INLINE uintptr_t *thag_frame_missed(struct thag_producer *producer, uint32_t index)
{
	return producer->frame_sp + 2 * THAG_RING_WORDS + index;
}

/**
 * Stack pointers of those calls, of all frames that have some, the innermost last. The ones of a
 * frame begin at the upper half of its frame_missed, whose lower half is their number.
 */
THAG_INLINE uintptr_t *thag_missed_sp(struct thag_producer *producer, uint32_t at)
{
	return producer->frame_sp + 3 * THAG_RING_WORDS + (at & THAG_RING_MASK);
}

/** Bytes to map for a producer. */
static inline size_t thag_producer_bytes(void)
{
	return sizeof(struct thag_producer) + 4 * THAG_RING_WORDS * sizeof(uintptr_t);
}

#pragma GCC visibility push(default)

/**
 * Makes the table, and reads which functions are wanted. Once a process.
 *
 * @param sample  an empty call that both hooks come by, to measure what recording it costs
 * @return the table; NULL where nothing may be profiled (setuid) or there is no memory, which is
 *         said in one line on stderr
 */
struct thag_function *thag_functions_prepare(void (*sample)(void));

/** Connects to thagd, and starts recording, as THAG_PROFILER says: by default time. */
void thag_functions_start(void);

/** What the hooks do when they aren't fast. `sp`: the caller's stack pointer. Signal-safe. */
void thag_function_open_slow(uintptr_t fn, uintptr_t sp) __attribute__((cold));
void thag_function_close_slow(uintptr_t fn, uintptr_t sp) __attribute__((cold));

/** Files of code may have been unloaded: others may come to lie at their addresses. */
void thag_functions_recheck(void);

#pragma GCC visibility pop

/** After a longjmp to `sp`: calls that weren't recorded may have been left with it. */
void thag_functions_unwound(struct thag_producer *producer, uintptr_t sp);

/** thag_functions_prepare's sample; NULL where functions aren't instrumented by the compiler. */
extern void (*thag_functions_sample)(void);

#endif
