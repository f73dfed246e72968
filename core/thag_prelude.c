/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_prelude.h"

#include <errno.h>

/* --- making --- */

uint64_t thag_prelude_ticks(const struct thag_stream *stream, uint64_t word, bool present,
			    uint64_t now)
{
	uint64_t last = stream->last_ticks, ticks = last;
	uint32_t kind = thag_word_kind(word), arg = thag_word_arg(word);
	uint64_t ahead = (thag_word_time(word) - last) << (64 - THAG_WORD_TIME_BITS);

	/* an event that is under way is the next, and its time is the stream's */
	if (stream->pending_words || stream->blocked)
		return last;
	if (!present)
		return now > last ? now : last;
	if (kind == THAG_KIND_TIME)
		ticks = (uint64_t)arg << THAG_WORD_TIME_BITS | thag_word_time(word);
	else if ((int64_t)ahead >= 0 &&
		 (kind != THAG_KIND_EXT || arg >> THAG_EXT_SHIFT != THAG_EXT_NOP))
		ticks = last + (ahead >> (64 - THAG_WORD_TIME_BITS));
	return ticks > last ? ticks : last;
}

/* Of a thread that is gone, or none: no ring's prelude has it. */
static bool is_other(const struct thag_task_state *task)
{
	return !task->runs && (!task->thread || task->thread->ended);
}

static int add_suspended(struct thag_openings *openings, const struct thag_task_state *task,
			 uint64_t ticks)
{
	return thag_openings_add_task(openings, task, task->next_step, false, ticks);
}

static int add_thread(struct thag_openings *openings, const struct thag_thread *thread,
		      uint64_t ticks)
{
	const struct thag_task_state *task = thread->suspended;
	struct thag_opening_stack *own;
	int ret = thag_openings_add_own(openings, &thread->own, ticks);

	if (ret != 0)
		return ret;
	own = (struct thag_opening_stack *)(void *)openings->stacks.data;
	own->site = thread->name_site;
	if (thread->task)
		ret = thag_openings_add_task(openings, thread->task, thread->task->step, true,
					     ticks);
	for (; ret == 0 && task; task = task->next_suspended)
		ret = add_suspended(openings, task, ticks);
	return ret;
}

static int add_others(struct thag_openings *openings, const struct thag_tasks *tasks,
		      uint64_t ticks)
{
	const struct thag_task_state *task = tasks ? tasks->newest : NULL;
	int ret = 0;

	for (; ret == 0 && task; task = task->older)
		if (is_other(task))
			ret = add_suspended(openings, task, ticks);
	return ret;
}

int thag_prelude_make(struct thag_chunk *chunk, const struct thag_stream *stream, uint32_t ring,
		      uint64_t pos, uint64_t ticks, bool others)
{
	uint64_t word =
		THAG_WORD(THAG_KIND_TIME, ticks >> THAG_WORD_TIME_BITS & THAG_WORD_ARG_MASK) |
		((pos - 1) & THAG_WORD_PHASE) | ticks << THAG_WORD_TIME_SHIFT;
	struct thag_chunk_raw raw = { .head = { .first_pos = pos - 1,
						.base_ticks = ticks,
						.first_ticks = ticks,
						.last_ticks = ticks,
						.words = 1,
						.ring = ring,
						.flags = THAG_CHUNK_PRELUDE },
				      .words = &word };
	int ret = 0;

	if (stream->thread) {
		raw.head.flags |= THAG_CHUNK_THREAD;
		raw.head.tid = stream->thread->tid;
		ret = add_thread(&raw.openings, stream->thread, ticks);
	}
	if (ret == 0 && others)
		ret = add_others(&raw.openings, stream->tasks, ticks);
	if (ret == 0)
		ret = thag_chunk_encode(chunk, &raw);
	if (ret == 0)
		ret = thag_chunk_summarise(chunk, &raw);
	if (ret != 0)
		thag_chunk_fini(chunk);
	thag_openings_fini(&raw.openings);
	return ret;
}

/* --- playing --- */

static void open_frames(struct thag_thread *thread, struct thag_stack *stack,
			const struct thag_opening_stack *from, const struct thag_opening *frames,
			uint64_t now)
{
	stack->base = from->base;
	for (uint32_t i = 0; i < from->count; i++)
		thag_stack_open(thread, stack, frames[i].site, now);
	stack->late = from->flags & THAG_OPENING_LATE;
}

static void play_own(struct thag_stream *stream, const struct thag_opening_stack *from,
		     const struct thag_opening *frames)
{
	struct thag_thread *thread = stream->thread;

	if (!thread || thread->own.depth || thread->task)
		return;
	thread->name_site = from->site;
	open_frames(thread, &thread->own, from, frames, stream->last_ticks);
}

static void play_task(struct thag_stream *stream, const struct thag_opening_stack *from,
		      const struct thag_opening *frames)
{
	struct thag_task_event event = { .op = THAG_TASK_RUN,
					 .site = from->site,
					 .id = from->task,
					 .step = from->step,
					 .ticks = stream->last_ticks };
	bool runs = from->flags & THAG_OPENING_RUNS, stray = from->flags & THAG_OPENING_STRAY;
	/* before its first step a task is on no thread */
	struct thag_thread *thread = runs || from->step > 1 ? stream->thread : NULL;
	struct thag_task_state *task;

	if (!stream->tasks || from->site == 0 || (stray && !runs) ||
	    (runs && thread && thread->task))
		return;
	task = thag_tasks_adopt(stream->tasks, thread, &event, runs, stray);
	if (!task)
		return;
	open_frames(thread, &task->stack, from, frames, stream->last_ticks);
	thag_tasks_adopted(stream->tasks, thread, task, stream->last_ticks);
}

void thag_prelude_play(struct thag_stream *stream, const struct thag_chunk_raw *prelude)
{
	const struct thag_opening_stack *stack =
		(const struct thag_opening_stack *)(const void *)prelude->openings.stacks.data;
	const struct thag_opening *frames =
		(const struct thag_opening *)(const void *)prelude->openings.frames.data;
	size_t count = thag_openings_count(&prelude->openings);

	stream->last_ticks = prelude->head.base_ticks;
	if (prelude->head.flags & THAG_CHUNK_THREAD)
		stream->thread = stream->thread_start(stream->context, prelude->head.tid);
	if (stream->thread)
		stream->thread->first_ticks = stream->thread->last_ticks = stream->last_ticks;
	for (size_t i = 0; i < count; i++, stack++) {
		if (stack->task == 0)
			play_own(stream, stack, frames);
		else
			play_task(stream, stack, frames);
		frames += stack->count;
	}
}
