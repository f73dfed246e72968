/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_span_private.h"

#include <errno.h>
#include <stdlib.h>

#include "thag/shm.h"

#define NO_TASK UINT32_MAX /* of an id that was looked for */

/*
 * Openings.
 */

/* Sets `lag` of a frame that began at `start` and ran for `ran` ticks of a stack's clock. */
static uint64_t lag_of(const struct thag_span_stack *stack, uint64_t start, uint64_t ran,
		       uint64_t now)
{
	return ran + start - (now - stack->lag);
}

static void open_frames(struct thag_span *span, struct thag_span_stack *stack,
			const struct thag_opening_stack *opening, uint64_t now)
{
	const struct thag_opening *from = span->opening_frames;

	stack->base = opening->base;
	stack->late = opening->flags & THAG_OPENING_LATE;
	while (opening->count + 2 > stack->capacity)
		if (!thag_span_grow(span, stack))
			return;
	for (uint32_t i = 0; i < opening->count; i++)
		stack->frames[i + 1] = (struct thag_span_frame){
			.start = from[i].start_ticks,
			.lag = lag_of(stack, from[i].start_ticks, from[i].ran_ticks, now),
			.site = from[i].site,
			.flags = THAG_SPAN_BEFORE | (from[i].site ? 0 : THAG_SPAN_ENDED)
		};
	stack->depth = opening->count;
}

/* The next opening is used up. Nothing says that there are as many frames as stacks say. */
static void take_opening(struct thag_span *span, struct thag_span_stack *stack, uint64_t now)
{
	const struct thag_opening_stack *opening = span->openings++;

	stack->task = opening->task;
	stack->step = opening->step;
	stack->site = opening->site;
	stack->stray = opening->flags & THAG_OPENING_STRAY;
	stack->frames[0].start = opening->start_ticks;
	stack->frames[0].lag = lag_of(stack, opening->start_ticks, opening->ran_ticks, now);
	open_frames(span, stack, opening, now);
	span->opening_frames += opening->count;
}

static void tell_entered(struct thag_span *span, const struct thag_span_visitor *visitor)
{
	if (visitor->entered)
		visitor->entered(span->context, span, span->ticks);
}

static void tell_left(struct thag_span *span, const struct thag_span_visitor *visitor)
{
	if (visitor->left)
		visitor->left(span->context, span, span->ticks);
}

/*
 * Tasks.
 */
static struct thag_span_stack *find_task(struct thag_span *span, uint64_t id)
{
	uint32_t *place;

	if (thag_pairs_reserve(&span->task_index, span->task_index.count + 1) != 0) {
		span->error = -ENOMEM;
		return NULL;
	}
	place = thag_pairs_at(&span->task_index, (uint32_t)(id >> 32), (uint32_t)id);
	if (*place == 0)
		*place = NO_TASK;
	return *place == NO_TASK ? NULL : span->tasks[*place - 1];
}

static bool reserve_task(struct thag_span *span)
{
	uint32_t capacity = span->task_capacity ? span->task_capacity * 2 : 64;
	struct thag_span_stack **grown;

	if (thag_pairs_reserve(&span->task_index, span->task_index.count + 1) != 0)
		return false;
	if (span->task_count < span->task_capacity)
		return true;
	grown = reallocarray(span->tasks, capacity, sizeof(struct thag_span_stack *));
	if (!grown)
		return false;
	span->tasks = grown;
	span->task_capacity = capacity;
	return true;
}

/* A task that was not met yet, its stack empty. NULL without memory. */
static struct thag_span_stack *add_task(struct thag_span *span, uint64_t id)
{
	struct thag_span_stack *task = reserve_task(span) ? calloc(1, sizeof(*task)) : NULL;

	if (!task) {
		span->error = -ENOMEM;
		return NULL;
	}
	span->tasks[span->task_count++] = task;
	*thag_pairs_at(&span->task_index, (uint32_t)(id >> 32), (uint32_t)id) = span->task_count;
	return task;
}

/* Whether the next opening is that of a step. */
static bool is_opened(const struct thag_span *span, const struct thag_task_event *event)
{
	return span->openings < span->openings_end && span->openings->task == event->id &&
	       span->openings->step == event->step;
}

/*
 * The stack of a task whose step is about to be taken, its clock as it is when that begins: as it
 * was after its step before, if that is in this chunk, or as its opening says. NULL: without
 * memory, or `known` only and neither is there.
 */
static struct thag_span_stack *find_step(struct thag_span *span,
					 const struct thag_task_event *event, bool known)
{
	struct thag_span_stack *task = find_task(span, event->id);
	bool opened = is_opened(span, event);

	if (!opened && task && task->step + 1 == event->step) {
		task->step++;
		return task;
	}
	if (!opened && known)
		return NULL;
	if (opened && span->openings->flags & THAG_OPENING_STRAY)
		task = &span->stray;
	else if (!task)
		task = add_task(span, event->id);
	if (!task || !thag_span_init_stack(span, task, THAG_TASK_BASE))
		return NULL;
	task->task = event->id;
	task->step = event->step;
	task->site = event->site;
	task->frames[0].start = event->ticks;
	if (opened)
		take_opening(span, task, event->ticks);
	return task;
}

static void leave_task(struct thag_span *span, const struct thag_span_visitor *visitor)
{
	struct thag_span_stack *task = span->stack;
	uint64_t now = span->ticks;

	if (!span->has_thread || task == &span->own)
		return;
	if (task->stray)
		thag_span_close_all(span, visitor, task, now);
	tell_left(span, visitor);
	thag_span_pause(task, now);
	span->stack = &span->own;
	span->thread_ticks = now;
}

static void enter_stack(struct thag_span *span, const struct thag_span_visitor *visitor,
			struct thag_span_stack *stack)
{
	span->stack = stack;
	thag_span_go_on(stack, span->ticks);
	stack->since = span->ticks;
	stack->cut = false;
	tell_entered(span, visitor);
}

/* The thread's own stack runs again, if a task did. */
static void run_own(struct thag_span *span, const struct thag_span_visitor *visitor)
{
	if (!span->has_thread || !span->own.is_paused)
		return;
	leave_task(span, visitor);
	thag_span_go_on(&span->own, span->ticks);
	tell_entered(span, visitor);
}

static void run_task(struct thag_span *span, const struct thag_span_visitor *visitor,
		     const struct thag_task_event *event)
{
	struct thag_span_stack *task;

	leave_task(span, visitor);
	if (!span->has_thread)
		return;
	if (!span->own.is_paused)
		tell_left(span, visitor);
	thag_span_pause(&span->own, span->ticks);
	task = find_step(span, event, false);
	if (!task) {
		thag_span_go_on(&span->own, span->ticks);
		tell_entered(span, visitor);
		return;
	}
	enter_stack(span, visitor, task);
	thag_span_adjust(span, visitor, task, event->open, span->ticks);
}

static void destroy_task(struct thag_span *span, const struct thag_span_visitor *visitor,
			 const struct thag_task_event *event)
{
	struct thag_span_stack *task;

	if (span->has_thread && span->stack->task == event->id)
		run_own(span, visitor);
	task = find_step(span, event, true);
	if (!task || !span->has_thread)
		return;
	thag_span_pause(task, span->ticks);
	if (visitor->ending)
		visitor->ending(span->context, span, task, span->ticks);
	thag_span_close_all(span, visitor, task, span->ticks);
	if (visitor->ended)
		visitor->ended(span->context, span, task, span->ticks);
	free(task->frames);
	task->frames = NULL; /* and no step follows */
	task->capacity = 0;
	task->step = UINT64_MAX - 1;
}

static void apply_task(struct thag_span *span, const struct thag_span_visitor *visitor, uint32_t op,
		       const uint64_t payload[THAG_EXT_PAYLOAD_MAX])
{
	struct thag_task_event event = { .op = op,
					 .site = (uint32_t)payload[1] & (THAG_SITES_MAX - 1),
					 .open = (uint32_t)payload[2],
					 .id = payload[0],
					 .step = payload[1] >> THAG_TASK_SLOT_BITS,
					 .ticks = span->ticks };

	span->thread_ticks = span->ticks;
	if (op == THAG_TASK_RUN && event.id == 0)
		run_own(span, visitor);
	else if (op > THAG_TASK_DESTROY || event.site == 0 || payload[2] > THAG_TASK_BASE ||
		 event.id == 0)
		return;
	else if (op == THAG_TASK_RUN)
		run_task(span, visitor, &event);
	else if (op == THAG_TASK_DESTROY)
		destroy_task(span, visitor, &event);
}

/*
 * What is no call.
 */
static void end_thread(struct thag_span *span, const struct thag_span_visitor *visitor)
{
	if (!span->has_thread)
		return;
	run_own(span, visitor);
	thag_span_close_all(span, visitor, &span->own, span->thread_ticks);
	span->has_thread = false;
}

static void start_thread(struct thag_span *span, const struct thag_span_visitor *visitor,
			 uint32_t tid)
{
	end_thread(span, visitor);
	if (!thag_span_init_stack(span, &span->own, 0))
		return;
	span->has_thread = true;
	span->tid = tid;
	span->thread_ticks = span->ticks;
	enter_stack(span, visitor, &span->own);
}

static void apply_note(struct thag_span *span, const struct thag_span_visitor *visitor,
		       uint32_t ext, uint32_t low, const uint64_t payload[THAG_EXT_PAYLOAD_MAX])
{
	struct thag_note note = { .ext = ext, .site = (uint32_t)payload[0], .ticks = span->ticks };

	if (payload[0] >= THAG_SITES_MAX || payload[0] == 0 || !span->has_thread)
		return;
	if (ext == THAG_EXT_VALUE)
		note.value = (int64_t)(payload[1] | (uint64_t)low << 62);
	if (visitor->noted)
		visitor->noted(span->context, span, &note);
}

/* As the stream does: the stack that runs stood still. Not before the chunk, of which nothing is
 * told. */
static void apply_suspended(struct thag_span *span, const struct thag_span_visitor *visitor,
			    uint64_t ticks)
{
	struct thag_span_stack *stack = span->stack;
	uint64_t now = span->ticks, ran;

	if (!span->has_thread || stack->depth == 0)
		return;
	ran = thag_span_ran(stack, &stack->frames[stack->depth], now);
	if (ticks > ran)
		ticks = ran;
	if (ticks > now - stack->since)
		ticks = now - stack->since;
	span->ticks = now - ticks;
	tell_left(span, visitor);
	thag_span_pause(stack, span->ticks);
	span->ticks = now;
	if (stack != &span->own) {
		enter_stack(span, visitor, stack);
	} else {
		thag_span_go_on(stack, now);
		tell_entered(span, visitor);
	}
	span->thread_ticks = now;
}

static void apply_ext(struct thag_span *span, const struct thag_span_visitor *visitor, uint32_t arg,
		      const uint64_t payload[THAG_EXT_PAYLOAD_MAX])
{
	uint32_t low = arg & ((1u << THAG_EXT_SHIFT) - 1);

	switch (arg >> THAG_EXT_SHIFT) {
	case THAG_EXT_THREAD_START:
		start_thread(span, visitor, (uint32_t)payload[0]);
		break;
	case THAG_EXT_THREAD_END:
		span->thread_ticks = span->ticks;
		end_thread(span, visitor);
		break;
	case THAG_EXT_SUSPENDED:
		apply_suspended(span, visitor, payload[0]);
		break;
	case THAG_EXT_TASK:
		apply_task(span, visitor, low, payload);
		break;
	case THAG_EXT_MARK:
	case THAG_EXT_VALUE:
		apply_note(span, visitor, arg >> THAG_EXT_SHIFT, low, payload);
		break;
	default:
		break;
	}
}

/* The payload that follows the event before span->at; whether all of it was written. */
static bool take_payload(struct thag_span *span, uint32_t count,
			 uint64_t payload[THAG_EXT_PAYLOAD_MAX])
{
	bool whole = true;

	for (uint32_t i = 0; i < count; i++) {
		if (span->at == span->count)
			return false;
		whole &= thag_word_is_at(span->words[span->at], span->pos + span->at);
		payload[i] = thag_payload_unpack(span->words[span->at++]);
	}
	return whole;
}

static void take_ext(struct thag_span *span, const struct thag_span_visitor *visitor, uint64_t word)
{
	uint64_t payload[THAG_EXT_PAYLOAD_MAX] = { 0 };
	uint32_t ext = thag_word_arg(word) >> THAG_EXT_SHIFT;
	int words = thag_ext_payload_words(ext);

	if (words < 0)
		return;
	if (ext != THAG_EXT_NOP)
		thag_span_unfold(span, word);
	if (take_payload(span, (uint32_t)words, payload))
		apply_ext(span, visitor, thag_word_arg(word), payload);
}

/* Of memory only the time is of interest here. */
static void take_memory(struct thag_span *span, uint64_t word)
{
	uint64_t payload[THAG_EXT_PAYLOAD_MAX];

	span->thread_ticks = thag_span_unfold(span, word);
	take_payload(span, (uint32_t)thag_memory_payload_words(thag_word_arg(word)), payload);
}

static void take_time(struct thag_span *span, uint64_t word)
{
	uint64_t ticks =
		(uint64_t)thag_word_arg(word) << THAG_WORD_TIME_BITS | thag_word_time(word);

	if (ticks > span->ticks)
		span->ticks = ticks;
}

void thag_span_other(struct thag_span *span, const struct thag_span_visitor *visitor)
{
	uint64_t word = span->words[span->at++];

	if (!thag_word_is_at(word, span->pos + span->at - 1))
		return; /* an event that was never written */
	switch (thag_word_kind(word)) {
	case THAG_KIND_ALLOC:
	case THAG_KIND_FREE:
		take_memory(span, word);
		break;
	case THAG_KIND_EXT:
		take_ext(span, visitor, word);
		break;
	case THAG_KIND_TIME:
		take_time(span, word);
		break;
	case THAG_KIND_SECTION_END:
		if (!span->has_thread)
			break;
		span->thread_ticks = thag_span_unfold(span, word);
		thag_span_end_section(span, visitor, thag_word_arg(word), span->ticks);
		break;
	default: /* calls without a thread */
		break;
	}
}

/* What runs when the chunk begins. */
static void open_first(struct thag_span *span, const struct thag_span_visitor *visitor)
{
	struct thag_span_stack *task = NULL;

	span->own.late = true;
	if (span->openings < span->openings_end && span->openings->task == 0)
		take_opening(span, &span->own, span->ticks);
	if (span->openings < span->openings_end && span->openings->flags & THAG_OPENING_RUNS) {
		struct thag_task_event event = { .id = span->openings->task,
						 .step = span->openings->step,
						 .site = span->openings->site,
						 .ticks = span->ticks };

		task = find_step(span, &event, false);
	}
	span->own.since = span->ticks;
	span->own.cut = true;
	tell_entered(span, visitor);
	if (!task)
		return;
	tell_left(span, visitor);
	thag_span_pause(&span->own, span->ticks);
	span->stack = task;
	task->since = span->ticks;
	task->cut = true;
	tell_entered(span, visitor);
}

int thag_span_begin(struct thag_span *span, const struct thag_chunk_raw *raw,
		    const struct thag_span_visitor *visitor, void *context)
{
	const struct thag_openings *openings = &raw->openings;

	*span = (struct thag_span){ .context = context,
				    .stack = &span->own,
				    .words = raw->words,
				    .count = raw->head.words,
				    .pos = raw->head.first_pos,
				    .ticks = raw->head.base_ticks,
				    .thread_ticks = raw->head.base_ticks,
				    .tid = raw->head.tid,
				    .has_thread = raw->head.flags & THAG_CHUNK_THREAD };
	span->openings = (const void *)openings->stacks.data;
	span->openings_end = span->openings + thag_openings_count(openings);
	span->opening_frames = (const void *)openings->frames.data;
	if (!thag_span_init_stack(span, &span->own, 0))
		return -ENOMEM;
	if (span->has_thread)
		open_first(span, visitor);
	return span->error;
}

void thag_span_fini(struct thag_span *span)
{
	for (uint32_t i = 0; i < span->task_count; i++) {
		free(span->tasks[i]->frames);
		free(span->tasks[i]);
	}
	free(span->tasks);
	free(span->own.frames);
	free(span->stray.frames);
	thag_pairs_fini(&span->task_index);
	*span = (struct thag_span){ 0 };
}
