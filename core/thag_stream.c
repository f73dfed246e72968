/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_stream.h"

#include "thag/shm.h"

/* Events of memory wait for their payload as those of kind EXT do. */
enum { PENDING_ALLOC = THAG_EXT_COUNT, PENDING_FREE };

/* The full time of a word: the one nearest to the latest; earlier ones are moved up to it. */
static inline uint64_t unfold_time(struct thag_stream *stream, uint64_t word)
{
	uint64_t low = thag_word_time(word);
	uint64_t ahead = (low - stream->last_ticks) << (64 - THAG_WORD_TIME_BITS);

	if (__builtin_expect((int64_t)ahead < 0, 0)) {
		stream->skewed++;
		return stream->last_ticks;
	}
	stream->last_ticks += ahead >> (64 - THAG_WORD_TIME_BITS);
	stream->heard = stream->last_ticks;
	return stream->last_ticks;
}

/* The step of the task that runs here, if one does, is over. */
static void leave_task(struct thag_stream *stream)
{
	struct thag_thread *thread = stream->thread;

	if (!thread || !thread->task)
		return;
	stream->work += thread->stack->depth;
	thread->last_ticks = stream->last_ticks; /* until then it ran here */
	thag_tasks_leave(stream->tasks, thread, stream->last_ticks);
}

/* The thread's own stack runs again. */
static void run_own(struct thag_stream *stream)
{
	leave_task(stream);
	if (stream->thread)
		thag_stack_go_on(&stream->thread->own, stream->last_ticks);
}

/* The path of what is open; allocations of threads that we know nothing of count at the root. */
static uint32_t open_path(struct thag_stream *stream)
{
	struct thag_thread *thread = stream->thread;

	if (!thread)
		return THAG_TREE_ROOT;
	return thag_heap_path(stream->memory->heap, thread,
			      thread->stack->frames[thread->stack->depth].node);
}

static void push_memory(struct thag_stream *stream, enum thag_heap_op op, uint64_t address,
			uint64_t old, uint64_t size, uint64_t trace)
{
	struct thag_heap_event *event;

	if (!stream->memory)
		return;
	event = thag_heap_queue_push(stream->memory);
	if (!event)
		return;
	*event = (struct thag_heap_event){ .ticks = stream->last_ticks,
					   .address = address,
					   .old = old,
					   .size = size,
					   .path = open_path(stream),
					   .trace = (uint32_t)trace & (THAG_TRACES_MAX - 1),
					   .ring = stream->memory->ring,
					   .op = (uint8_t)op };
}

static void end_thread(struct thag_stream *stream)
{
	struct thag_thread *thread = stream->thread;

	if (!thread)
		return;
	run_own(stream);
	push_memory(stream, THAG_HEAP_FINISH, 0, 0, 0, 0);
	thag_thread_close(thread);
	thread->ended = 1;
	stream->thread = NULL;
	stream->thread_end(stream->context, thread);
}

static void start_thread(struct thag_stream *stream)
{
	end_thread(stream);
	stream->thread = stream->thread_start(stream->context, (uint32_t)stream->payload[0]);
	if (stream->thread)
		stream->thread->first_ticks = stream->last_ticks;
}

/* Whether the payload is of a task, and which. */
static bool read_task(const struct thag_stream *stream, struct thag_task_event *event)
{
	*event = (struct thag_task_event){ .op = stream->pending_low,
					   .site = (uint32_t)stream->payload[1] &
						   (THAG_SITES_MAX - 1),
					   .open = (uint32_t)stream->payload[2],
					   .id = stream->payload[0],
					   .step = stream->payload[1] >> THAG_TASK_SLOT_BITS,
					   .ticks = stream->last_ticks };
	return event->op <= THAG_TASK_DESTROY && event->site != 0 &&
	       stream->payload[2] <= THAG_TASK_BASE;
}

static bool run_task(struct thag_stream *stream, const struct thag_task_event *event, bool force)
{
	struct thag_thread *thread = stream->thread;
	bool done;

	leave_task(stream);
	if (!thread) {
		stream->orphans++;
		return true;
	}
	thag_stack_pause(&thread->own, event->ticks);
	done = thag_tasks_run(stream->tasks, thread, event, force);
	if (!done || !thread->task)
		return done;
	if (stream->task)
		stream->task(stream->context, event, thread->task);
	thag_stack_adjust(thread, thread->stack, event->open, event->ticks);
	stream->work += thread->stack->depth;
	return true;
}

static bool destroy_task(struct thag_stream *stream, const struct thag_task_event *event,
			 bool force)
{
	struct thag_thread *thread = stream->thread;
	struct thag_task_state *task;

	if (thread && thread->task && thread->task->id == event->id)
		run_own(stream);
	if (!thag_tasks_destroy(stream->tasks, event, force, &task))
		return false;
	if (task && stream->task)
		stream->task(stream->context, event, task);
	if (task)
		thag_tasks_finish(stream->tasks, thread, task, event->ticks);
	return true;
}

/* False: an earlier step of the task must be read first. */
static bool apply_task(struct thag_stream *stream, bool force)
{
	struct thag_task_event event;
	bool sane = read_task(stream, &event);

	if (!stream->tasks)
		return true;
	if (stream->thread)
		stream->thread->last_ticks = stream->last_ticks;
	if (event.op == THAG_TASK_RUN && event.id == 0) {
		run_own(stream);
		return true;
	}
	if (!sane || event.id == 0) {
		stream->invalid++;
		return true;
	}
	switch (event.op) {
	case THAG_TASK_CREATE:
		return thag_tasks_create(stream->tasks, &event, force);
	case THAG_TASK_RUN:
		return run_task(stream, &event, force);
	default:
		return destroy_task(stream, &event, force);
	}
}

static void apply_note(struct thag_stream *stream)
{
	struct thag_note note = { .ext = stream->pending_ext,
				  .site = (uint32_t)stream->payload[0],
				  .ticks = stream->last_ticks };

	if (stream->payload[0] >= THAG_SITES_MAX || stream->payload[0] == 0) {
		stream->invalid++;
		return;
	}
	stream->events++;
	if (note.ext == THAG_EXT_VALUE)
		note.value = (int64_t)(stream->payload[1] | (uint64_t)stream->pending_low << 62);
	if (!stream->thread)
		stream->orphans++;
	else if (note.ext == THAG_EXT_THREAD_NAME)
		stream->thread->name_site = note.site;
	else if (stream->note)
		stream->note(stream->context, stream->thread, &note);
}

/*
 * The machine was suspended, but its counter went on: the stack stood still, no longer than since
 * the word before, but for TIME, and than its top has run.
 */
static void apply_suspended(struct thag_stream *stream)
{
	struct thag_thread *thread = stream->thread;
	struct thag_stack *stack = thread ? thread->stack : NULL;
	uint64_t now = stream->last_ticks, ticks = stream->payload[0], ran;

	if (!stack || stack->depth == 0)
		return;
	ran = thag_stack_clock(stack, now) - stack->frames[stack->depth].start;
	if (ticks > ran)
		ticks = ran;
	if (ticks > now - stream->pending_heard)
		ticks = now - stream->pending_heard;
	thag_stack_pause(stack, now - ticks);
	stream->work += stack->depth;
	thag_stack_go_on(stack, now);
	thread->last_ticks = now;
}

static void apply_lost(struct thag_stream *stream)
{
	if (stream->pending_low == THAG_LOST_MEMORY)
		stream->lost_memory += stream->payload[0];
	else
		stream->lost_calls += stream->payload[0];
}

static void apply_realloc(struct thag_stream *stream)
{
	uint64_t size = (uint64_t)stream->pending_low << 40 | stream->payload[2] >> THAG_TRACE_BITS;

	stream->events++;
	push_memory(stream, THAG_HEAP_MOVED, stream->payload[1], stream->payload[0], size,
		    stream->payload[2]);
}

static void apply_map(struct thag_stream *stream)
{
	if (stream->pending_low > THAG_MAP_UNMAPPED) {
		stream->invalid++;
		return;
	}
	stream->events++;
	push_memory(stream,
		    stream->pending_low == THAG_MAP_MAPPED ? THAG_HEAP_MAP : THAG_HEAP_UNMAP,
		    stream->payload[0], 0, stream->payload[1], stream->payload[2]);
}

/* `more`: the second word of the payload, if there is one. */
static void apply_alloc(struct thag_stream *stream, uint32_t arg, uint64_t address, uint64_t more)
{
	uint64_t size = arg;

	if (arg & THAG_ALLOC_LONG)
		size = (uint64_t)(arg & (THAG_ALLOC_LONG - 1)) << 40 | more >> THAG_TRACE_BITS;
	else
		more = 0;
	push_memory(stream, THAG_HEAP_ALLOC, address, 0, size, more);
}

static void apply_free(struct thag_stream *stream, uint32_t arg, uint64_t address, uint64_t more)
{
	push_memory(stream, arg & THAG_FREE_MOVES ? THAG_HEAP_MOVE : THAG_HEAP_FREE, address, 0, 0,
		    arg & THAG_FREE_TRACE ? more : 0);
}

static void apply_ext(struct thag_stream *stream)
{
	switch (stream->pending_ext) {
	case THAG_EXT_THREAD_START:
		start_thread(stream);
		break;
	case THAG_EXT_THREAD_END:
		if (stream->thread)
			stream->thread->last_ticks = stream->last_ticks;
		end_thread(stream);
		break;
	case THAG_EXT_LOST:
		apply_lost(stream);
		break;
	case THAG_EXT_REALLOC:
		apply_realloc(stream);
		break;
	case THAG_EXT_MAP:
		apply_map(stream);
		break;
	case PENDING_ALLOC:
		apply_alloc(stream, stream->pending_low, stream->payload[0], stream->payload[1]);
		break;
	case PENDING_FREE:
		apply_free(stream, stream->pending_low, stream->payload[0], stream->payload[1]);
		break;
	case THAG_EXT_SUSPENDED:
		apply_suspended(stream);
		break;
	case THAG_EXT_TASK:
		stream->blocked = !apply_task(stream, false);
		break;
	case THAG_EXT_MARK:
	case THAG_EXT_VALUE:
	case THAG_EXT_THREAD_NAME:
		apply_note(stream);
		break;
	default: /* NOP, and what later versions will say */
		break;
	}
}

bool thag_stream_retry(struct thag_stream *stream, bool force)
{
	if (stream->blocked)
		stream->blocked = !apply_task(stream, force);
	return !stream->blocked;
}

/* A word of the pending event's payload is over; with the last one, the event is. */
static void end_payload_word(struct thag_stream *stream)
{
	if (--stream->pending_words)
		return;
	if (stream->gap)
		stream->broken++;
	else
		apply_ext(stream);
	stream->gap = false;
}

static void take_payload(struct thag_stream *stream, uint64_t word)
{
	stream->payload[stream->payload_count++] = thag_payload_unpack(word);
	end_payload_word(stream);
}

void thag_stream_gap(struct thag_stream *stream)
{
	if (!stream->pending_words)
		return;
	stream->payload[stream->payload_count++] = 0;
	stream->gap = true;
	end_payload_word(stream);
}

static void begin_ext(struct thag_stream *stream, uint64_t word)
{
	uint32_t ext = thag_word_arg(word) >> THAG_EXT_SHIFT;
	int words = thag_ext_payload_words(ext);

	if (words < 0) {
		stream->invalid++;
		return;
	}
	stream->pending_heard = stream->heard;
	if (ext != THAG_EXT_NOP)
		unfold_time(stream, word);
	stream->pending_ext = ext;
	stream->pending_low = thag_word_arg(word) & ((1u << THAG_EXT_SHIFT) - 1);
	stream->pending_words = (uint32_t)words;
	stream->payload_count = 0;
	if (words == 0)
		apply_ext(stream);
}

/* The event of memory at the head of `words`; returns how many of them it took. */
static size_t feed_memory(struct thag_stream *stream, const uint64_t *words, size_t count)
{
	uint32_t arg = thag_word_arg(words[0]);
	uint32_t payload = (uint32_t)thag_memory_payload_words(arg);
	bool is_alloc = thag_word_kind(words[0]) == THAG_KIND_ALLOC;
	uint64_t address, more;

	stream->events++;
	unfold_time(stream, words[0]);
	if (stream->thread)
		stream->thread->last_ticks = stream->last_ticks;
	if (payload >= count) {
		stream->pending_ext = is_alloc ? PENDING_ALLOC : PENDING_FREE;
		stream->pending_low = arg;
		stream->pending_words = payload;
		stream->payload_count = 0;
		return 1;
	}
	address = thag_payload_unpack(words[1]);
	more = payload > 1 ? thag_payload_unpack(words[2]) : 0;
	if (is_alloc)
		apply_alloc(stream, arg, address, more);
	else
		apply_free(stream, arg, address, more);
	return 1 + payload;
}

static void set_time(struct thag_stream *stream, uint64_t word)
{
	uint64_t ticks =
		(uint64_t)thag_word_arg(word) << THAG_WORD_TIME_BITS | thag_word_time(word);

	if (ticks < stream->last_ticks)
		stream->skewed++;
	else
		stream->last_ticks = ticks;
}

static void end_section(struct thag_stream *stream, uint64_t word)
{
	struct thag_thread *thread = stream->thread;
	uint64_t now;

	if (!thread) {
		stream->orphans++;
		return;
	}
	now = unfold_time(stream, word);
	stream->work +=
		thag_thread_end_section(thread, thag_word_arg(word), now - thread->stack->paused);
	thread->last_ticks = stream->last_ticks;
}

static bool is_memory(uint64_t word)
{
	uint32_t kind = thag_word_kind(word);

	return kind == THAG_KIND_ALLOC || kind == THAG_KIND_FREE;
}

/* What is no call, at the head of `words`; returns how many of them it took. */
static size_t feed_other(struct thag_stream *stream, const uint64_t *words, size_t count)
{
	uint64_t word = words[0];

	switch (thag_word_kind(word)) {
	case THAG_KIND_ALLOC:
	case THAG_KIND_FREE:
		return feed_memory(stream, words, count);
	case THAG_KIND_EXT:
		begin_ext(stream, word);
		break;
	case THAG_KIND_TIME:
		set_time(stream, word);
		break;
	case THAG_KIND_SECTION_END:
		stream->events++;
		end_section(stream, word);
		break;
	default: /* calls: only without a thread do they come here */
		stream->events++;
		stream->orphans++;
	}
	return 1;
}

/* Where a run of calls stands in time. */
struct moment {
	uint64_t clock; /* of the stack that runs */
	uint64_t low;	/* the latest time's low bits, at their place in a word */
};

/* As unfold_time, on the clock of a stack: what lies below a word's time doesn't change its sign.
 */
static inline uint64_t advance(struct thag_stream *stream, struct moment *moment, uint64_t word)
{
	uint64_t ahead = word - moment->low;

	if (__builtin_expect((int64_t)ahead < 0, 0)) {
		stream->skewed++;
		return moment->clock;
	}
	moment->low = word & ~((UINT64_C(1) << THAG_WORD_TIME_SHIFT) - 1);
	moment->clock += ahead >> THAG_WORD_TIME_SHIFT;
	return moment->clock;
}

/* The run of calls at the head of `words`; returns how many words it took. */
static size_t feed_calls(struct thag_stream *stream, const uint64_t *words, size_t count)
{
	struct thag_thread *thread = stream->thread;
	struct thag_stack *stack = thread->stack;
	uint64_t paused = stack->paused; /* its clock is so far behind; it runs all the while */
	struct moment moment = { .clock = stream->last_ticks - paused,
				 .low = stream->last_ticks << THAG_WORD_TIME_SHIFT };
	size_t i = 0;

	for (; i < count; i++) {
		uint64_t word = words[i];
		uint32_t kind = thag_word_kind(word);

		if (kind == THAG_KIND_EXIT)
			thag_thread_exit(thread, stack, thag_word_arg(word),
					 advance(stream, &moment, word));
		else if (kind == THAG_KIND_ENTER || kind == THAG_KIND_SECTION_BEGIN)
			thag_thread_enter(thread, stack, thag_word_arg(word),
					  advance(stream, &moment, word));
		else
			break;
	}
	stream->events += i;
	stream->last_ticks = moment.clock + paused;
	if (i)
		stream->heard = stream->last_ticks;
	thread->last_ticks = stream->last_ticks;
	return i;
}

/* Each event pushes one of memory at most. */
static bool may_go_on(const struct thag_stream *stream)
{
	return !stream->blocked && stream->work <= THAG_STREAM_WORK_MAX &&
	       !(stream->memory && thag_heap_queue_is_full(stream->memory));
}

size_t thag_stream_feed(struct thag_stream *stream, const uint64_t *words, size_t count)
{
	size_t i = 0;

	stream->work = 0;
	if (!thag_stream_retry(stream, false))
		return 0;
	while (i < count && may_go_on(stream)) {
		if (stream->pending_words) {
			take_payload(stream, words[i++]);
			continue;
		}
		if (stream->thread && !is_memory(words[i]))
			i += feed_calls(stream, words + i, count - i);
		if (i < count)
			i += feed_other(stream, words + i, count - i);
	}
	return i;
}
