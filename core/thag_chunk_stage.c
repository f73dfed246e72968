/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_chunk_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_ring.h"

int thag_chunk_stage_init(struct thag_chunk_stage *stage, uint32_t ring, uint64_t *words)
{
	*stage = (struct thag_chunk_stage){ .raw.head.ring = ring, .owns_words = !words };
	stage->raw.words = words ? words : malloc(THAG_CHUNK_WORDS * sizeof(*words));
	return stage->raw.words ? 0 : -ENOMEM;
}

void thag_chunk_stage_fini(struct thag_chunk_stage *stage)
{
	if (stage->owns_words)
		free(stage->raw.words);
	thag_openings_fini(&stage->raw.openings);
	thag_pairs_fini(&stage->steps);
	*stage = (struct thag_chunk_stage){ 0 };
}

/*
 * What is kept of a task's step: never 0, and different where another task got the id. Which may be
 * where steps are missing.
 */
static uint32_t mark_of(const struct thag_task_state *task, uint64_t step)
{
	uint64_t mixed = step ^ task->created_ticks * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed ^ mixed >> 32) | UINT32_C(1) << 31;
}

/*
 * Notes that a task is about to take a step, or takes it; returns whether its step before is in
 * these words. Without memory none is, and the next has its open frames with it.
 */
static bool note_step(struct thag_chunk_stage *stage, const struct thag_task_state *task,
		      uint64_t step)
{
	struct thag_pairs *steps = &stage->steps;
	uint32_t *mark;
	bool follows;

	if (thag_pairs_reserve(steps, steps->count + 1) != 0)
		return false;
	mark = thag_pairs_at(steps, (uint32_t)(task->id >> 32), (uint32_t)task->id);
	follows = *mark == mark_of(task, step - 1);
	*mark = mark_of(task, step);
	return follows;
}

static int add_openings(struct thag_chunk_stage *stage, const struct thag_stream *stream)
{
	const struct thag_thread *thread = stream->thread;
	const struct thag_task_state *task = thread ? thread->task : NULL;
	int error;

	if (!thread)
		return 0;
	error = thag_openings_add_own(&stage->raw.openings, &thread->own, stream->last_ticks);
	if (error != 0 || !task)
		return error;
	error = thag_openings_add_task(&stage->raw.openings, task, task->step, true,
				       stream->last_ticks);
	if (!task->stray)
		note_step(stage, task, task->step);
	return error;
}

int thag_chunk_stage_begin(struct thag_chunk_stage *stage, const struct thag_stream *stream,
			   uint64_t pos, uint32_t flags)
{
	struct thag_chunk_head *head = &stage->raw.head;
	int error;

	*head = (struct thag_chunk_head){ .first_pos = pos,
					  .base_ticks = stream->last_ticks,
					  .first_ticks = stream->last_ticks,
					  .last_ticks = stream->last_ticks,
					  .ring = head->ring,
					  .flags = flags };
	if (stream->thread) {
		head->flags |= THAG_CHUNK_THREAD;
		head->tid = stream->thread->tid;
	}
	stage->events = stream->events;
	thag_openings_clear(&stage->raw.openings);
	thag_pairs_fini(&stage->steps);
	error = add_openings(stage, stream);
	stage->incomplete = error != 0;
	if (error != 0)
		thag_openings_clear(&stage->raw.openings);
	return error;
}

size_t thag_chunk_stage_room(const struct thag_chunk_stage *stage, const struct thag_stream *stream)
{
	size_t room = THAG_CHUNK_WORDS - stage->raw.head.words;

	/* the last words are kept free for what an event needs that is under way by then */
	if (room > 2 * THAG_EXT_PAYLOAD_MAX)
		return room - 2 * THAG_EXT_PAYLOAD_MAX;
	return stream->pending_words;
}

static uint64_t *next_word(struct thag_chunk_stage *stage)
{
	return stage->raw.words + stage->raw.head.words;
}

void thag_chunk_stage_put(struct thag_chunk_stage *stage, const struct thag_stream *stream,
			  const uint64_t *words, size_t count)
{
	struct thag_chunk_head *head = &stage->raw.head;

	memcpy(next_word(stage), words, count * sizeof(*words));
	head->words += count;
	head->events = stream->events - stage->events;
	head->last_ticks = stream->last_ticks;
}

void thag_chunk_stage_hole(struct thag_chunk_stage *stage)
{
	struct thag_chunk_head *head = &stage->raw.head;

	*next_word(stage) = thag_chunk_hole(head->first_pos + head->words);
	head->words++;
}

void thag_chunk_stage_task(struct thag_chunk_stage *stage, const struct thag_task_event *event,
			   const struct thag_task_state *task)
{
	bool known = !task->stray && note_step(stage, task, event->step);

	if (!known && thag_openings_add_task(&stage->raw.openings, task, event->step, false,
					     event->ticks) != 0)
		stage->incomplete = true;
}
