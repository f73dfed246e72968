/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_thread.h"

#include <errno.h>
#include <stdlib.h>

#include "thag/words.h"

#define FIRST_STACK 64

/* Of a frame whose section ended below the top; its index is taken until all above it is gone. */
#define ENDED_SITE 0

/* More frames than this are never made up for between known ones: no handler nests so deep. */
#define LOST_FRAMES_MAX 64

int thag_stack_init(struct thag_stack *stack, uint32_t floor, uint32_t capacity)
{
	*stack = (struct thag_stack){ .base = floor, .floor = floor, .capacity = capacity };
	stack->frames = calloc(capacity, sizeof(*stack->frames));
	return stack->frames ? 0 : -ENOMEM;
}

void thag_stack_fini(struct thag_stack *stack)
{
	free(stack->frames);
	free(stack->paused_at);
	*stack = (struct thag_stack){ 0 };
}

uint64_t thag_stack_bytes(const struct thag_stack *stack)
{
	return stack->capacity * (uint64_t)sizeof(*stack->frames) +
	       stack->paused_capacity * (uint64_t)sizeof(*stack->paused_at);
}

int thag_thread_init(struct thag_thread *thread, uint32_t tid, uint32_t node_limit)
{
	*thread = (struct thag_thread){ .tid = tid, .stack = &thread->own };
	if (thag_stack_init(&thread->own, 0, FIRST_STACK) != 0)
		return -ENOMEM;
	if (thag_tree_init(&thread->tree, node_limit) == 0)
		return 0;
	thag_stack_fini(&thread->own);
	return -ENOMEM;
}

void thag_thread_fini(struct thag_thread *thread)
{
	thag_stack_fini(&thread->own);
	thag_tree_fini(&thread->tree);
	free(thread->heap_paths);
	*thread = (struct thag_thread){ 0 };
}

int thag_stack_grow(struct thag_stack *stack)
{
	uint32_t capacity = stack->capacity * 2;
	struct thag_frame *grown;

	if (capacity > THAG_STACK_FRAMES_MAX)
		return -E2BIG;
	grown = reallocarray(stack->frames, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	stack->frames = grown;
	stack->capacity = capacity;
	return 0;
}

void thag_stack_open(struct thag_thread *thread, struct thag_stack *stack, uint32_t site,
		     uint64_t now)
{
	uint32_t depth = stack->depth;

	thag_thread_enter(thread, stack, site, thag_stack_clock(stack, now));
	if (site == ENDED_SITE && stack->depth > depth)
		stack->frames[stack->depth].node = stack->frames[depth].node;
}

void thag_thread_open(struct thag_thread *thread, uint32_t site, uint64_t now)
{
	thag_stack_open(thread, &thread->own, site, now);
}

/* Without memory the frames that are not marked lose their waits, and nothing else. */
static int reserve_marks(struct thag_stack *stack)
{
	uint64_t *grown;

	if (stack->depth < stack->paused_capacity)
		return 0;
	grown = reallocarray(stack->paused_at, stack->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	stack->paused_at = grown;
	stack->paused_capacity = stack->capacity;
	return 0;
}

/* Each frame is marked once in its life: a switch doesn't cost more on a deeper stack. */
static void mark(struct thag_stack *stack)
{
	if (stack->marked == stack->depth || reserve_marks(stack) != 0)
		return;
	while (stack->marked < stack->depth)
		stack->paused_at[++stack->marked] = stack->paused;
}

void thag_stack_pause(struct thag_stack *stack, uint64_t now)
{
	if (stack->is_paused)
		return;
	mark(stack);
	stack->is_paused = true;
	stack->paused_since = now;
}

/* A clock that is behind another processor's may make `paused` smaller: its own goes on evenly. */
void thag_stack_go_on(struct thag_stack *stack, uint64_t now)
{
	if (!stack->is_paused)
		return;
	stack->paused += now - stack->paused_since;
	stack->is_paused = false;
}

uint64_t thag_stack_wait(const struct thag_stack *stack, uint32_t index, uint64_t now)
{
	uint64_t paused = stack->paused, wait;

	if (index > stack->marked)
		return 0;
	if (stack->is_paused)
		paused += now - stack->paused_since;
	wait = paused - (index ? stack->paused_at[index] : 0);
	return (int64_t)wait < 0 ? 0 : wait;
}

/* Gives the wait of a marked frame to its node. */
static void settle_wait(struct thag_stack *stack, struct thag_tree *tree, uint32_t index)
{
	const struct thag_frame *frame = &stack->frames[index];

	if (index > stack->marked)
		return;
	if (frame->node != frame[-1].node)
		thag_tree_add_wait(tree, frame->node,
				   thag_stack_wait(stack, index, stack->paused_since));
	stack->paused_at[index] = stack->paused;
}

static void close_top(struct thag_thread *thread, struct thag_stack *stack, uint64_t clock)
{
	uint32_t top = stack->depth;

	settle_wait(stack, &thread->tree, top);
	if (stack->marked >= top)
		stack->marked = top - 1;
	thag_stack_close_top(stack, &thread->tree, clock);
}

/* Closes the top, which has no exit of its own; counts it in `*cut_off` unless it was over. */
static void cut_top(struct thag_thread *thread, struct thag_stack *stack, uint64_t clock,
		    uint64_t *cut_off)
{
	if (stack->frames[stack->depth].site == ENDED_SITE)
		thread->calls++;
	else
		++*cut_off;
	close_top(thread, stack, clock);
}

/* Of a stack that stands still: what it waited until `now` is known. */
static void settle_pause(struct thag_stack *stack, uint64_t now)
{
	if (!stack->is_paused)
		return;
	stack->paused += now - stack->paused_since;
	stack->paused_since = now;
}

void thag_stack_close(struct thag_thread *thread, struct thag_stack *stack, uint64_t now)
{
	settle_pause(stack, now);
	while (stack->depth)
		cut_top(thread, stack, thag_stack_clock(stack, now), &thread->truncated);
	stack->base = stack->floor;
}

void thag_thread_close(struct thag_thread *thread)
{
	thag_stack_close(thread, &thread->own, thread->last_ticks);
}

/* Puts frames not told apart from their caller below the top. */
static int insert_below_top(struct thag_stack *stack, uint32_t count, uint64_t clock)
{
	struct thag_frame top = stack->frames[stack->depth];

	while (stack->depth + count + 1 >= stack->capacity)
		if (thag_stack_grow(stack) != 0)
			return -ENOMEM;
	while (count--) {
		struct thag_frame *frame = &stack->frames[stack->depth++];

		*frame = (struct thag_frame){ .start = clock, .node = frame[-1].node };
		frame->site = ENDED_SITE;
	}
	stack->frames[stack->depth] = top;
	return 0;
}

/*
 * The exit of the top names a higher index than we know of. When we joined late, that tells how
 * many frames lie below all we have seen. Else the words that opened some just below the top were
 * lost (a handler interrupted them and left by siglongjmp): others stand in for them.
 */
static void make_up_for(struct thag_thread *thread, struct thag_stack *stack, uint32_t missing,
			uint64_t clock)
{
	/* the top is about to close: what it waited is settled while its place is known */
	settle_wait(stack, &thread->tree, stack->depth);
	if (stack->marked >= stack->depth)
		stack->marked = stack->depth - 1;
	if (stack->late || missing > LOST_FRAMES_MAX ||
	    insert_below_top(stack, missing, clock) != 0)
		stack->base += missing;
	stack->late = false;
}

/* The own frames of a thread are few beside a task's index: such an exit is of no frame here. */
static bool is_foreign(const struct thag_stack *stack, uint32_t index)
{
	return index < stack->floor ||
	       (stack->floor == 0 && index >= THAG_TASK_BASE && !stack->late &&
		stack->base + stack->depth + LOST_FRAMES_MAX < THAG_TASK_BASE);
}

static void exit_slow(struct thag_thread *thread, struct thag_stack *stack, uint32_t index,
		      uint64_t clock)
{
	uint32_t top = stack->base + stack->depth - 1;

	if (is_foreign(stack, index)) {
		thread->unmatched++;
		return;
	}
	if (stack->depth && index > top) {
		make_up_for(thread, stack, index - top, clock);
		close_top(thread, stack, clock);
		thread->calls++;
		return;
	}
	while (stack->depth && stack->base + stack->depth - 1 > index)
		cut_top(thread, stack, clock, &thread->unwound);
	if (stack->depth && stack->base + stack->depth - 1 == index) {
		close_top(thread, stack, clock);
		thread->calls++;
		return;
	}
	thread->unmatched++;
	stack->base = index;
	stack->late = false;
}

/* Whether `index` is of the thread's own stack while a task runs: then that stack stands still. */
static bool is_put_aside(const struct thag_thread *thread, const struct thag_stack *stack,
			 uint32_t index)
{
	return stack != &thread->own && index < stack->floor;
}

void thag_thread_exit_slow(struct thag_thread *thread, struct thag_stack *stack, uint32_t index,
			   uint64_t clock)
{
	if (is_put_aside(thread, stack, index)) {
		uint64_t now = clock + stack->paused;

		stack = &thread->own;
		settle_pause(stack, now);
		clock = thag_stack_clock(stack, now);
	}
	exit_slow(thread, stack, index, clock);
}

/*
 * A section ended below open frames: it leaves the stack, and from now on their time goes to the
 * stack without it. What they took so far stays where it was.
 */
static void move_above(struct thag_tree *tree, struct thag_stack *stack, uint32_t ended,
		       uint64_t clock)
{
	struct thag_frame *frame = &stack->frames[ended];
	uint32_t old_below = frame->node, new_below = frame[-1].node;

	for (uint32_t i = stack->marked; i >= ended; i--)
		settle_wait(stack, tree, i);
	frame->node = new_below;
	frame->site = ENDED_SITE;
	for (frame++; frame <= &stack->frames[stack->depth]; frame++) {
		uint32_t old = frame->node;

		if (old == old_below) {
			frame->node = new_below;
		} else {
			tree->nodes[old].total += clock - frame->start;
			frame->carried += clock - frame->start;
			frame->start = clock;
			frame->node = thag_tree_child(tree, new_below, frame->site);
		}
		old_below = old;
		new_below = frame->node;
	}
}

static uint32_t end_section(struct thag_thread *thread, struct thag_stack *stack, uint32_t index,
			    uint64_t clock)
{
	uint32_t at = index - stack->base + 1;
	const struct thag_frame *frame;

	if (index < stack->base || at > stack->depth) {
		thread->unmatched++;
		return 0;
	}
	if (at == stack->depth) {
		exit_slow(thread, stack, index, clock);
		return 0;
	}
	frame = &stack->frames[at];
	if (frame->node != frame[-1].node)
		thag_tree_add_call(&thread->tree, frame->node,
				   clock - frame->start + frame->carried, clock - frame->start);
	move_above(&thread->tree, stack, at, clock);
	return stack->depth - at;
}

uint32_t thag_thread_end_section(struct thag_thread *thread, uint32_t index, uint64_t clock)
{
	struct thag_stack *stack = thread->stack;

	if (is_put_aside(thread, stack, index)) {
		uint64_t now = clock + stack->paused;

		stack = &thread->own;
		settle_pause(stack, now);
		clock = thag_stack_clock(stack, now);
	}
	return end_section(thread, stack, index, clock);
}

void thag_stack_flush(struct thag_stack *stack, struct thag_tree *tree, uint64_t clock)
{
	uint32_t below = THAG_TREE_ROOT;

	for (uint32_t i = 0; i <= stack->depth; i++) {
		struct thag_frame *frame = &stack->frames[i];
		uint64_t added = clock - frame->start;

		if (frame->node != below) {
			tree->nodes[frame->node].total += added;
			frame->carried += added;
		}
		frame->start = clock;
		below = frame->node;
	}
}

void thag_stack_move(struct thag_stack *stack, struct thag_tree *tree, uint32_t site)
{
	uint32_t old_below = stack->frames[0].node;
	uint32_t new_below = thag_tree_child(tree, THAG_TREE_ROOT, site);

	stack->frames[0].node = new_below;
	for (uint32_t i = 1; i <= stack->depth; i++) {
		struct thag_frame *frame = &stack->frames[i];
		uint32_t old = frame->node;

		if (old != old_below)
			new_below = thag_tree_child(tree, new_below, frame->site);
		frame->node = new_below;
		old_below = old;
	}
}

/* Frames that are open, but whose beginning was lost: others stand in for them, on top. */
static int make_up_on_top(struct thag_stack *stack, uint32_t count, uint64_t clock)
{
	while (stack->depth + count + 1 >= stack->capacity)
		if (thag_stack_grow(stack) != 0)
			return -ENOMEM;
	while (count--) {
		struct thag_frame *frame = &stack->frames[++stack->depth];

		*frame = (struct thag_frame){ .start = clock, .node = frame[-1].node };
		frame->site = ENDED_SITE;
	}
	return 0;
}

void thag_stack_adjust(struct thag_thread *thread, struct thag_stack *stack, uint32_t indices,
		       uint64_t now)
{
	uint64_t clock = thag_stack_clock(stack, now);
	uint32_t wanted = stack->floor + indices, missing;

	while (stack->depth && stack->base + stack->depth > wanted)
		cut_top(thread, stack, clock, &thread->unwound);
	if (stack->depth == 0) {
		stack->base = wanted;
		return;
	}
	missing = wanted - (stack->base + stack->depth);
	if (missing == 0)
		return;
	if (missing > LOST_FRAMES_MAX || make_up_on_top(stack, missing, clock) != 0)
		stack->base += missing;
}
