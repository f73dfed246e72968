/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which allocations are recorded when not each is: a Poisson process over the bytes that a thread
 * allocates picks them, so one of s bytes is with probability 1 - exp(-s / mean), whatever came
 * before it. Of the frees only those of blocks that were picked are recorded, so their addresses
 * are kept here.
 *
 * Any thread, any time; lock-free. A forked child begins with no block.
 */
#ifndef THAG_HEAP_SAMPLE_H
#define THAG_HEAP_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Sampling once in `mean` bytes from now on, 1 … 2^40. Once a process. 0, or a negative errno. */
int thag_heap_sample_begin(uint64_t mean);

/** Whether an allocation of so many bytes is picked. */
bool thag_heap_sample_picks(size_t size);

/** Remembers a block that was picked; false: there is no room for it. */
bool thag_heap_sample_keep(const void *block);

/** Forgets a block; returns whether it was one that was picked. */
bool thag_heap_sample_forget(const void *block);

/** Bytes to the next pick where chance is `random`, uniform over all but 0. Exponential. */
uint64_t thag_heap_sample_gap(uint64_t random, uint64_t mean);

#endif
