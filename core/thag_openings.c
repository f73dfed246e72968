/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_openings.h"

#include <errno.h>

#include "thag/shm.h"
#include "thag_varint.h"

/* Numbers that a stack and a frame take in the stored form, each of a byte at least. */
#define STACK_NUMBERS 8
#define FRAME_NUMBERS 3

#define ALL_FLAGS ((uint32_t)(THAG_OPENING_LATE | THAG_OPENING_STRAY | THAG_OPENING_RUNS))

void thag_openings_fini(struct thag_openings *openings)
{
	thag_buffer_fini(&openings->stacks);
	thag_buffer_fini(&openings->frames);
}

void thag_openings_clear(struct thag_openings *openings)
{
	openings->stacks.bytes = 0;
	openings->frames.bytes = 0;
}

/*
 * When a frame was opened: that, by the stack's clock, is known, and how far the clock was behind,
 * unless it stood still since then and a section ended below the frame.
 */
static struct thag_opening describe(const struct thag_stack *stack, uint32_t index, uint64_t clock)
{
	const struct thag_frame *frame = &stack->frames[index];
	uint64_t behind = index <= stack->marked && index ? stack->paused_at[index] : stack->paused;

	return (struct thag_opening){ .start_ticks = frame->start - frame->carried + behind,
				      .ran_ticks = clock - frame->start + frame->carried,
				      .site = frame->site };
}

/* `from`: all but base, count and the frames. */
static int add(struct thag_openings *openings, const struct thag_stack *stack,
	       struct thag_opening_stack from, uint64_t now)
{
	uint64_t clock = thag_stack_clock(stack, now);
	struct thag_opening *frames;

	from.base = stack->base;
	from.count = stack->depth;
	from.flags |= stack->late ? THAG_OPENING_LATE : 0;
	if (openings->frames.bytes / sizeof(*frames) + stack->depth > THAG_OPENINGS_FRAMES_MAX)
		return -E2BIG;
	if (thag_buffer_reserve(&openings->frames, stack->depth * sizeof(*frames)) != 0 ||
	    thag_buffer_append(&openings->stacks, &from, sizeof(from)) != 0)
		return -ENOMEM;
	frames = (struct thag_opening *)(void *)(openings->frames.data + openings->frames.bytes);
	for (uint32_t i = 0; i < stack->depth; i++)
		frames[i] = describe(stack, i + 1, clock);
	openings->frames.bytes += stack->depth * sizeof(*frames);
	return 0;
}

int thag_openings_add_own(struct thag_openings *openings, const struct thag_stack *own,
			  uint64_t now)
{
	return add(openings, own, (struct thag_opening_stack){ 0 }, now);
}

int thag_openings_add_task(struct thag_openings *openings, const struct thag_task_state *task,
			   uint64_t step, bool runs, uint64_t now)
{
	struct thag_opening_stack stack = {
		.task = task->id,
		.step = step,
		.start_ticks = task->created_ticks,
		.ran_ticks =
			describe(&task->stack, 0, thag_stack_clock(&task->stack, now)).ran_ticks,
		.site = task->site,
		.flags = (task->stray ? (uint32_t)THAG_OPENING_STRAY : 0) |
			 (runs ? (uint32_t)THAG_OPENING_RUNS : 0)
	};

	return add(openings, &task->stack, stack, now);
}

static uint8_t *put_stack(uint8_t *at, const struct thag_opening_stack *stack)
{
	at = thag_varint_put(at, stack->task);
	at = thag_varint_put(at, stack->step);
	at = thag_varint_put(at, stack->start_ticks);
	at = thag_varint_put(at, stack->ran_ticks);
	at = thag_varint_put(at, stack->site);
	at = thag_varint_put(at, stack->base);
	at = thag_varint_put(at, stack->count);
	return thag_varint_put(at, stack->flags);
}

/* Where nothing waited, a frame has run for as much less than that below as it began later. */
static uint8_t *put_frame(uint8_t *at, const struct thag_opening *frame,
			  const struct thag_opening *below)
{
	uint64_t later = frame->start_ticks - below->start_ticks;

	at = thag_varint_put(at, frame->site);
	at = thag_varint_put(at, thag_zigzag(later));
	return thag_varint_put(at, thag_zigzag(below->ran_ticks - frame->ran_ticks - later));
}

static const struct thag_opening *frames_of(const struct thag_openings *openings)
{
	return (const struct thag_opening *)(const void *)openings->frames.data;
}

int thag_openings_encode(const struct thag_openings *openings, struct thag_buffer *out)
{
	const struct thag_opening_stack *stacks =
		(const struct thag_opening_stack *)(const void *)openings->stacks.data;
	const struct thag_opening *frame = frames_of(openings);
	size_t count = thag_openings_count(openings);

	for (size_t i = 0; i < count; i++) {
		struct thag_opening below = { .start_ticks = stacks[i].start_ticks,
					      .ran_ticks = stacks[i].ran_ticks };
		size_t numbers = STACK_NUMBERS + FRAME_NUMBERS * (size_t)stacks[i].count;
		uint8_t *at;

		if (thag_buffer_reserve(out, numbers * THAG_VARINT_MAX) != 0)
			return -ENOMEM;
		at = put_stack(out->data + out->bytes, &stacks[i]);
		for (uint32_t j = 0; j < stacks[i].count; j++, frame++) {
			at = put_frame(at, frame, &below);
			below = *frame;
		}
		out->bytes = (size_t)(at - out->data);
	}
	return 0;
}

static struct thag_opening_stack get_stack(struct thag_cursor *from)
{
	struct thag_opening_stack stack;
	uint64_t left;

	stack.task = thag_varint_get(from);
	stack.step = thag_varint_get(from);
	stack.start_ticks = thag_varint_get(from);
	stack.ran_ticks = thag_varint_get(from);
	stack.site = thag_varint_get32(from);
	stack.base = thag_varint_get32(from);
	stack.count = thag_varint_get32(from);
	stack.flags = thag_varint_get32(from);
	left = (uint64_t)(from->end - from->at);
	if (stack.site >= THAG_SITES_MAX || stack.base > 2 * THAG_TASK_BASE ||
	    (stack.task && stack.base < THAG_TASK_BASE) || stack.flags & ~ALL_FLAGS ||
	    stack.count > THAG_STACK_FRAMES_MAX || (uint64_t)stack.count * FRAME_NUMBERS > left)
		from->bad = true;
	return stack;
}

static struct thag_opening get_frame(struct thag_cursor *from, const struct thag_opening *below)
{
	struct thag_opening frame = { .site = thag_varint_get32(from) };
	uint64_t later = thag_unzigzag(thag_varint_get(from));
	uint64_t waited = thag_unzigzag(thag_varint_get(from));

	if (frame.site >= THAG_SITES_MAX)
		from->bad = true;
	frame.start_ticks = below->start_ticks + later;
	frame.ran_ticks = below->ran_ticks - later - waited;
	return frame;
}

/* One stack and its frames. */
static int decode_stack(struct thag_openings *openings, struct thag_cursor *from)
{
	struct thag_opening_stack stack = get_stack(from);
	struct thag_opening below = { .start_ticks = stack.start_ticks,
				      .ran_ticks = stack.ran_ticks };

	if (from->bad ||
	    openings->frames.bytes / sizeof(below) + stack.count > THAG_OPENINGS_FRAMES_MAX)
		return -EBADMSG;
	if (thag_buffer_append(&openings->stacks, &stack, sizeof(stack)) != 0 ||
	    thag_buffer_reserve(&openings->frames, stack.count * sizeof(below)) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < stack.count; i++) {
		below = get_frame(from, &below);
		thag_buffer_append(&openings->frames, &below, sizeof(below));
	}
	return from->bad ? -EBADMSG : 0;
}

int thag_openings_decode(struct thag_openings *openings, const uint8_t *data, size_t bytes)
{
	struct thag_cursor from = { .at = data, .end = data + bytes };
	int error = 0;

	while (error == 0 && from.at < from.end)
		error = decode_stack(openings, &from);
	if (error != 0)
		thag_openings_fini(openings);
	return error;
}
