/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_checkpoint.h"

#include "thag/words.h"

static uint32_t saved_depth(const struct thag_thread *thread)
{
	if (!thread || thread->own.base != 0 || thread->own.depth > THAG_SHM_STACK_DEPTH)
		return THAG_SHM_STACK_UNKNOWN;
	return thread->own.depth;
}

static void save_task(struct thag_shm_stack *to, const struct thag_task_state *task)
{
	const struct thag_stack *stack = &task->stack;

	to->task = task->id;
	to->task_step = THAG_TASK_STEP(task->step, task->site);
	to->task_open = stack->base + stack->depth - THAG_TASK_BASE;
}

bool thag_checkpoint_save(struct thag_shm_stack *to, const struct thag_stream *stream,
			  uint64_t tail)
{
	const struct thag_thread *thread = stream->thread;
	uint32_t depth = saved_depth(thread);

	if (stream->pending_words || stream->blocked)
		return false;
	/* 0 before the rest changes, the tail after it: a later reader sees whole saves only. The
	 * writer is killed, not interrupted, so the order of its stores is all that counts. */
	__atomic_store_n(&to->tail, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	to->ticks = stream->last_ticks;
	to->tid = thread ? thread->tid : 0;
	to->depth = depth;
	to->task = 0;
	if (thread && thread->task)
		save_task(to, thread->task);
	for (uint32_t i = 0; depth != THAG_SHM_STACK_UNKNOWN && i < depth; i++)
		to->sites[i] = thread->own.frames[i + 1].site;
	__atomic_store_n(&to->tail, tail, __ATOMIC_RELEASE);
	return true;
}

static void load_task(const struct thag_shm_stack *from, struct thag_task_event *task)
{
	*task = (struct thag_task_event){ .op = THAG_TASK_RUN,
					  .site = (uint32_t)from->task_step & (THAG_SITES_MAX - 1),
					  .open = from->task_open,
					  .id = from->task,
					  .step = from->task_step >> THAG_TASK_SLOT_BITS,
					  .ticks = from->ticks };
	if (task->site == 0 || task->open > THAG_TASK_BASE)
		task->id = 0;
}

bool thag_checkpoint_load(const struct thag_shm_stack *from, struct thag_thread *thread,
			  uint64_t *tail, uint64_t *ticks, struct thag_task_event *task)
{
	struct thag_shm_stack copy = *from;

	task->id = 0;
	if (copy.tail < *tail || copy.tail - *tail > THAG_RING_WORDS ||
	    copy.depth > THAG_SHM_STACK_DEPTH)
		return false;
	for (uint32_t i = 0; i < copy.depth; i++)
		thag_thread_open(thread, copy.sites[i] & (THAG_SITES_MAX - 1), copy.ticks);
	load_task(&copy, task);
	*tail = copy.tail;
	*ticks = copy.ticks;
	return true;
}
