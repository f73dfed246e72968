/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Native stacks: walked, and each distinct one told to thagd once. */
#ifndef THAG_TRACE_H
#define THAG_TRACE_H

#include <stdint.h>

/** Where a walk begins: in a function, right behind its call of ours. */
struct thag_trace_start {
	uintptr_t pc; /* the return address */
	uintptr_t sp; /* as it is once the call has returned */
	uintptr_t fp; /* the frame pointer, which the function may use for something else */
};

/** Of the function that has called this one, which has a frame pointer because it uses this. */
#define THAG_TRACE_START() (thag_trace_start_of((const uintptr_t *)__builtin_frame_address(0)))

static inline struct thag_trace_start thag_trace_start_of(const uintptr_t *frame)
{
	return (struct thag_trace_start){ frame[1], (uintptr_t)(frame + 2), frame[0] };
}

/**
 * The id of the calling thread's stack from `start` on, which is told to thagd when it is new.
 * 0 when it can't be walked, or no more are taken: counted in the header's lost_traces. The
 * process is attached. Takes no lock, allocates nothing from the heap, may run in a signal
 * handler and in a forked child; keeps errno.
 */
uint32_t thag_trace_take(const struct thag_trace_start *start);

/** Files of code may have been unloaded: others may come to lie at their addresses. Signal-safe. */
void thag_trace_recheck(void);

#endif
