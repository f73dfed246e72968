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

/**
 * The id of the calling thread's stack from `start` on, which is told to thagd when it is new.
 * 0 when it can't be walked, or no more are taken: counted in the header's lost_traces. The
 * process is attached. Takes no lock, allocates nothing from the heap, may run in a signal
 * handler and in a forked child; keeps errno.
 */
uint32_t thag_trace_take(const struct thag_trace_start *start);

#endif
