/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of thag_span.c have in common: stacks, as thag_thread.c has them. */
#ifndef THAG_SPAN_PRIVATE_H
#define THAG_SPAN_PRIVATE_H

#include "thag_span.h"

/** An empty stack whose clock runs, in the memory that it has, if any. False without memory. */
bool thag_span_init_stack(struct thag_span *span, struct thag_span_stack *stack, uint32_t floor);

/** Its clock stands still from `now` on, or goes on. Nothing if it does so already. */
void thag_span_pause(struct thag_span_stack *stack, uint64_t now);
void thag_span_go_on(struct thag_span_stack *stack, uint64_t now);

/** All frames of a stack end, as truncated. */
void thag_span_close_all(struct thag_span *span, const struct thag_span_visitor *visitor,
			 struct thag_span_stack *stack, uint64_t now);

/** The frame of that index ends; those above it stay open. */
void thag_span_end_section(struct thag_span *span, const struct thag_span_visitor *visitor,
			   uint32_t index, uint64_t now);

/** As thag_stack_adjust. */
void thag_span_adjust(struct thag_span *span, const struct thag_span_visitor *visitor,
		      struct thag_span_stack *stack, uint32_t indices, uint64_t now);

#endif
