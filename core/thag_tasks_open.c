/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_tasks.h"

/* Where the frames that are open go. */
struct gathering {
	struct thag_tree *tree;
	uint64_t now;
	struct thag_open *open;
	size_t room;
	size_t count;
};

/* `first`: 0 for a task, whose bottom is a frame, too. */
static void add_frame(struct gathering *to, const struct thag_stack *stack, uint32_t first,
		      uint32_t index)
{
	const struct thag_frame *frame = &stack->frames[index];
	uint64_t clock = thag_stack_clock(stack, to->now);
	uint64_t ran = clock > frame->start ? clock - frame->start : 0;
	uint32_t below = index ? frame[-1].node : THAG_TREE_ROOT;
	uint64_t wait = thag_stack_wait(stack, index, to->now);

	if (frame->node == below || to->count == to->room)
		return;
	to->tree->nodes[frame->node].total += ran;
	if (wait)
		thag_tree_add_wait(to->tree, frame->node, wait);
	/* what a thread's frame carried went to another node; what a task's did, to this one */
	to->open[to->count++] =
		(struct thag_open){ frame->node, ran + (first ? 0 : frame->carried) };
}

static void add_stack(struct gathering *to, const struct thag_stack *stack, uint32_t first)
{
	for (uint32_t i = first; i <= stack->depth; i++)
		add_frame(to, stack, first, i);
}

size_t thag_tasks_count_open(const struct thag_thread *thread)
{
	const struct thag_task_state *task = thread->suspended;
	size_t count = thread->own.depth;

	if (thread->task)
		count += (size_t)thread->task->stack.depth + 1;
	for (uint32_t i = 0; task && i < THAG_TASKS_OPEN_MAX; i++, task = task->next_suspended)
		count += (size_t)task->stack.depth + 1;
	return count;
}

size_t thag_tasks_add_open(const struct thag_thread *thread, struct thag_tree *tree, uint64_t now,
			   struct thag_open *open, size_t room)
{
	struct gathering to = { .tree = tree, .now = now, .open = open, .room = room };
	const struct thag_task_state *task = thread->suspended;

	add_stack(&to, &thread->own, 1);
	if (thread->task)
		add_stack(&to, &thread->task->stack, 0);
	for (uint32_t i = 0; task && i < THAG_TASKS_OPEN_MAX; i++, task = task->next_suspended)
		add_stack(&to, &task->stack, 0);
	return to.count;
}
