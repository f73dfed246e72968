/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Steps with all registers, for the few frames that need more than two: a signal handler's caller
 * that was interrupted while it made its frame, or what the dynamic linker's resolver is called
 * from. Slow: it walks again, from the function that calls it.
 */
#ifndef THAG_TRACE_FULL_H
#define THAG_TRACE_FULL_H

#include <stdbool.h>
#include <stdint.h>

#include "trace_cfi.h"
#include "trace_walk.h"

/** Steps to the caller. False when that can't be found. Signal-safe; x86-64 only. */
bool thag_walk_step_full(struct thag_walk *walk, struct thag_walk_stack *stack);

/** Reads 8 bytes of the stack. False when there are none. */
typedef bool thag_full_load(void *context, uintptr_t at, uintptr_t *value);

/**
 * What a DWARF expression gives, of those instructions that unwind information uses. `cfa`: what
 * lies on its stack at first; NULL: nothing.
 */
bool thag_full_evaluate(const uint8_t *code, uint32_t bytes,
			const uintptr_t registers[THAG_CFI_REGISTERS], const uintptr_t *cfa,
			thag_full_load *load, void *context, uintptr_t *result);

#endif
