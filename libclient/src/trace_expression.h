/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* DWARF expressions of unwind information: bytes that nobody vouches for, of any registers. */
#ifndef THAG_TRACE_EXPRESSION_H
#define THAG_TRACE_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "trace_cfi.h"

/** Reads 8 bytes of the stack. False when there are none. */
typedef bool thag_expression_load(void *context, uintptr_t at, uintptr_t *value);

/**
 * What a DWARF expression gives, of those instructions that unwind information uses. `cfa`: what
 * lies on its stack at first; NULL: nothing.
 */
bool thag_expression_evaluate(const uint8_t *code, uint32_t bytes,
			      const uintptr_t registers[THAG_CFI_REGISTERS], const uintptr_t *cfa,
			      thag_expression_load *load, void *context, uintptr_t *result);

#endif
