/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_span_private.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_FRAMES 16
#define LOST_FRAMES_MAX 64 /* as in thag_thread.c */

bool thag_span_init_stack(struct thag_span *span, struct thag_span_stack *stack, uint32_t floor)
{
	struct thag_span_frame *frames = stack->frames;
	uint32_t capacity = stack->capacity;

	if (!frames) {
		capacity = FIRST_FRAMES;
		frames = malloc(capacity * sizeof(*frames));
		if (!frames) {
			span->error = -ENOMEM;
			return false;
		}
	}
	frames[0] = (struct thag_span_frame){ 0 };
	*stack = (struct thag_span_stack){
		.frames = frames, .capacity = capacity, .base = floor, .floor = floor
	};
	return true;
}

bool thag_span_grow(struct thag_span *span, struct thag_span_stack *stack)
{
	uint32_t capacity = stack->capacity * 2;
	struct thag_span_frame *grown;

	if (capacity > THAG_STACK_FRAMES_MAX)
		return false;
	grown = reallocarray(stack->frames, capacity, sizeof(*grown));
	if (!grown) {
		span->error = -ENOMEM;
		return false;
	}
	stack->frames = grown;
	stack->capacity = capacity;
	return true;
}

void thag_span_pause(struct thag_span_stack *stack, uint64_t now)
{
	if (stack->is_paused)
		return;
	stack->is_paused = true;
	stack->paused_since = now;
}

void thag_span_go_on(struct thag_span_stack *stack, uint64_t now)
{
	if (!stack->is_paused)
		return;
	stack->lag += now - stack->paused_since;
	stack->is_paused = false;
}

static void close_top(struct thag_span *span, const struct thag_span_visitor *visitor,
		      struct thag_span_stack *stack, enum thag_span_end how, uint64_t now)
{
	if (!(stack->frames[stack->depth].flags & THAG_SPAN_ENDED) && visitor->closed)
		visitor->closed(span->context, span, stack, stack->depth, how, now);
	stack->depth--;
}

void thag_span_close_all(struct thag_span *span, const struct thag_span_visitor *visitor,
			 struct thag_span_stack *stack, uint64_t now)
{
	while (stack->depth)
		close_top(span, visitor, stack, THAG_SPAN_TRUNCATED, now);
	stack->base = stack->floor;
}

/* Puts frames that were never seen opening on top. */
static bool make_up(struct thag_span *span, struct thag_span_stack *stack, uint32_t count,
		    uint64_t now)
{
	while (stack->depth + count + 1 >= stack->capacity)
		if (!thag_span_grow(span, stack))
			return false;
	while (count--) {
		struct thag_span_frame *frame = &stack->frames[++stack->depth];

		*frame = (struct thag_span_frame){ .start = now,
						   .lag = stack->lag,
						   .node = frame[-1].node,
						   .flags = THAG_SPAN_ENDED };
	}
	return true;
}

/* The exit of the top names a higher index than is known: see make_up_for in thag_thread.c. */
static void make_up_below(struct thag_span *span, struct thag_span_stack *stack, uint32_t missing,
			  uint64_t now)
{
	struct thag_span_frame top = stack->frames[stack->depth];

	stack->depth--;
	if (stack->late || missing > LOST_FRAMES_MAX || !make_up(span, stack, missing, now))
		stack->base += missing;
	stack->frames[++stack->depth] = top;
	stack->late = false;
}

static bool is_foreign(const struct thag_span_stack *stack, uint32_t index)
{
	return index < stack->floor ||
	       (stack->floor == 0 && index >= THAG_TASK_BASE && !stack->late &&
		stack->base + stack->depth + LOST_FRAMES_MAX < THAG_TASK_BASE);
}

static void exit_frame(struct thag_span *span, const struct thag_span_visitor *visitor,
		       struct thag_span_stack *stack, uint32_t index, uint64_t now)
{
	if (is_foreign(stack, index)) {
		span->unmatched++;
		return;
	}
	if (stack->depth && index > thag_span_index(stack, stack->depth)) {
		make_up_below(span, stack, index - thag_span_index(stack, stack->depth), now);
		close_top(span, visitor, stack, THAG_SPAN_EXITED, now);
		return;
	}
	while (stack->depth && thag_span_index(stack, stack->depth) > index)
		close_top(span, visitor, stack, THAG_SPAN_UNWOUND, now);
	if (stack->depth && thag_span_index(stack, stack->depth) == index) {
		close_top(span, visitor, stack, THAG_SPAN_EXITED, now);
		return;
	}
	span->unmatched++;
	stack->base = index;
	stack->late = false;
}

/* The stack that `index` is of: while a task runs, the thread's own stands still. */
static struct thag_span_stack *stack_of(struct thag_span *span, uint32_t index)
{
	return index < span->stack->floor ? &span->own : span->stack;
}

void thag_span_exit(struct thag_span *span, const struct thag_span_visitor *visitor, uint32_t index)
{
	exit_frame(span, visitor, stack_of(span, index), index, span->ticks);
}

void thag_span_end_section(struct thag_span *span, const struct thag_span_visitor *visitor,
			   uint32_t index, uint64_t now)
{
	struct thag_span_stack *stack = stack_of(span, index);
	uint32_t at = index - stack->base + 1;
	struct thag_span_frame *frame;

	if (index < stack->base || at > stack->depth) {
		span->unmatched++;
		return;
	}
	if (at == stack->depth) {
		exit_frame(span, visitor, stack, index, now);
		return;
	}
	frame = &stack->frames[at];
	if (frame->flags & THAG_SPAN_ENDED)
		return;
	frame->flags |= THAG_SPAN_SECTION;
	if (visitor->closed)
		visitor->closed(span->context, span, stack, at, THAG_SPAN_EXITED, now);
	frame->flags |= THAG_SPAN_ENDED;
	if (visitor->moved)
		visitor->moved(span->context, span, stack, at, now);
}

void thag_span_adjust(struct thag_span *span, const struct thag_span_visitor *visitor,
		      struct thag_span_stack *stack, uint32_t indices, uint64_t now)
{
	uint32_t wanted = stack->floor + indices, missing;

	while (stack->depth && stack->base + stack->depth > wanted)
		close_top(span, visitor, stack, THAG_SPAN_UNWOUND, now);
	if (stack->depth == 0) {
		stack->base = wanted;
		return;
	}
	missing = wanted - (stack->base + stack->depth);
	if (missing && (missing > LOST_FRAMES_MAX || !make_up(span, stack, missing, now)))
		stack->base += missing;
}
