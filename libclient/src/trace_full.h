/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Steps with all registers, for the few frames that need more than two: a signal handler's caller
 * that was interrupted while it made its frame, or what the dynamic linker's resolver is called
 * from. Slow: it walks again, from the function that calls it.
 */
#ifndef THAG_TRACE_FULL_H
#define THAG_TRACE_FULL_H

#include <stdbool.h>

#include "trace_walk.h"

/** Steps to the caller. False when that can't be found. Signal-safe; x86-64 only. */
bool thag_walk_step_full(struct thag_walk *walk, struct thag_walk_stack *stack);

#endif
