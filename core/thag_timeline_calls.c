/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The single calls of a range, by the words of its chunks, ring by ring.
 *
 * When there are too many, those that began later go, and so does the later part of the range: so
 * what is left is whole, whatever ring it came from.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_span.h"
#include "thag_timeline_private.h"

#define FIRST_CALLS 1024

struct collecting {
	struct thag_timeline *timeline;
	const struct thag_calls_query *query;
	struct thag_calls *out;
	struct thag_calls open;	   /* what was open where the latest chunk of the ring ended */
	struct thag_buffer starts; /* uint64_t: when the thread's own frames began there */
	uint64_t next_pos;	   /* where it ended */
	uint64_t since;		   /* when the task that runs began to */
	bool runs;		   /* one did where the chunk before ended */
	int error;
};

void thag_calls_fini(struct thag_calls *calls)
{
	free(calls->calls);
	*calls = (struct thag_calls){ 0 };
}

static int compare(const void *a, const void *b)
{
	const struct thag_call *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return x->depth < y->depth ? -1 : x->depth > y->depth;
}

static void sort(struct thag_calls *calls)
{
	if (calls->count)
		qsort(calls->calls, calls->count, sizeof(*calls->calls), compare);
}

static bool is_note(const struct thag_call *call)
{
	return call->kind >= THAG_CALL_MARK;
}

/* The part of it that is in the range; false: there is none. */
static bool clip(const struct collecting *collecting, struct thag_call *call)
{
	uint64_t from = collecting->query->from, to = collecting->out->to;

	if (call->end < call->start)
		call->end = call->start;
	if (call->start >= to || call->end < from || (call->end == from && call->start < from))
		return false;
	if (call->start < from) {
		call->start = from;
		call->flags |= THAG_CALL_BEFORE;
	}
	if (call->end > to) {
		call->end = to;
		call->flags |= THAG_CALL_AFTER;
	}
	return true;
}

/* Ends the range where half of the calls have begun. */
static void shorten(struct collecting *collecting)
{
	struct thag_calls *out = collecting->out;
	size_t kept = 0;

	sort(out);
	out->to = out->calls[out->count / 2].start;
	out->cut = true;
	for (size_t i = 0; i < out->count; i++) {
		struct thag_call call = out->calls[i];

		if (clip(collecting, &call))
			out->calls[kept++] = call;
	}
	out->count = kept;
}

static int append(struct thag_calls *calls, const struct thag_call *call)
{
	size_t capacity = calls->capacity ? 2 * calls->capacity : FIRST_CALLS;
	struct thag_call *grown;

	if (calls->count == calls->capacity) {
		grown = reallocarray(calls->calls, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		calls->calls = grown;
		calls->capacity = capacity;
	}
	calls->calls[calls->count++] = *call;
	return 0;
}

static void add(struct collecting *collecting, struct thag_call call)
{
	if (!clip(collecting, &call))
		return;
	if (collecting->out->count == collecting->query->most) {
		shorten(collecting);
		if (!clip(collecting, &call))
			return;
	}
	if (append(collecting->out, &call) != 0)
		collecting->error = -ENOMEM;
}

static bool is_wanted(const struct collecting *collecting, const struct thag_span *span)
{
	return collecting->query->tid == 0 || collecting->query->tid == span->tid;
}

/* A frame until `now`, or of a task its part since that runs. */
static struct thag_call make_call(const struct collecting *collecting, const struct thag_span *span,
				  const struct thag_span_stack *stack, uint32_t index, uint64_t now)
{
	const struct thag_span_frame *frame = &stack->frames[index];
	struct thag_call call = { .start = frame->start,
				  .end = now,
				  .site = frame->site,
				  .tid = span->tid,
				  .depth = thag_span_index(stack, index) - stack->floor };

	if (frame->flags & THAG_SPAN_SECTION)
		call.kind = THAG_CALL_SECTION;
	if (!stack->task)
		return call;
	call.flags = THAG_CALL_IN_TASK;
	call.depth++;
	if (call.start < collecting->since) {
		call.start = collecting->since;
		call.flags |= THAG_CALL_WAITED;
	}
	return call;
}

static struct thag_call make_task(const struct collecting *collecting, const struct thag_span *span,
				  uint64_t now)
{
	return (struct thag_call){ .start = collecting->since,
				   .end = now,
				   .task = span->stack->task,
				   .site = span->stack->site,
				   .tid = span->tid,
				   .kind = THAG_CALL_TASK,
				   .flags = THAG_CALL_IN_TASK };
}

static void closed(void *context, struct thag_span *span, struct thag_span_stack *stack,
		   uint32_t index, enum thag_span_end how, uint64_t now)
{
	static const uint16_t ends[] = { [THAG_SPAN_EXITED] = 0,
					 [THAG_SPAN_UNWOUND] = THAG_CALL_UNWOUND,
					 [THAG_SPAN_TRUNCATED] = THAG_CALL_TRUNCATED };
	struct collecting *collecting = context;
	struct thag_call call;

	/* what it did of a task that is put aside was told when that was */
	if (!is_wanted(collecting, span) || (stack->task && stack->is_paused))
		return;
	call = make_call(collecting, span, stack, index, now);
	call.flags |= ends[how];
	if (index < stack->depth)
		call.flags |= THAG_CALL_CROSSES;
	add(collecting, call);
}

static void left(void *context, struct thag_span *span, uint64_t now)
{
	struct collecting *collecting = context;
	const struct thag_span_stack *task = span->stack;

	if (!task->task)
		return;
	collecting->runs = false;
	if (!is_wanted(collecting, span))
		return;
	for (uint32_t i = 1; i <= task->depth; i++) {
		struct thag_call call = make_call(collecting, span, task, i, now);

		call.flags |= THAG_CALL_WAITS;
		if (!(task->frames[i].flags & THAG_SPAN_ENDED))
			add(collecting, call);
	}
	add(collecting, make_task(collecting, span, now));
}

/* One that the chunk before ended in goes on. */
static void entered(void *context, struct thag_span *span, uint64_t now)
{
	struct collecting *collecting = context;

	if (!span->stack->task)
		return;
	if (!span->stack->cut || !collecting->runs)
		collecting->since = now;
	collecting->runs = true;
}

static void noted(void *context, struct thag_span *span, const struct thag_note *note)
{
	struct collecting *collecting = context;
	bool value = note->ext == THAG_EXT_VALUE;

	if (is_wanted(collecting, span))
		add(collecting,
		    (struct thag_call){ .start = note->ticks,
					.end = note->ticks,
					.value = value ? note->value : 0,
					.site = note->site,
					.tid = span->tid,
					.depth = UINT32_MAX,
					.kind = value ? THAG_CALL_VALUE : THAG_CALL_MARK });
}

static void remember_call(struct collecting *collecting, struct thag_call call)
{
	call.flags |= THAG_CALL_AFTER;
	if (append(&collecting->open, &call) != 0)
		collecting->error = -ENOMEM;
}

static void remember_stack(struct collecting *collecting, const struct thag_span *span,
			   const struct thag_span_stack *stack)
{
	for (uint32_t i = 1; i <= stack->depth; i++)
		if (!(stack->frames[i].flags & THAG_SPAN_ENDED))
			remember_call(collecting,
				      make_call(collecting, span, stack, i, UINT64_MAX));
}

/* What is open at the end of a chunk: the next closes it, or nobody knows when it ended. */
static void remember_open(struct collecting *collecting, const struct thag_span *span)
{
	collecting->open.count = 0;
	if (!span->has_thread || !is_wanted(collecting, span))
		return;
	remember_stack(collecting, span, &span->own);
	if (span->stack->task) {
		remember_stack(collecting, span, span->stack);
		remember_call(collecting, make_task(collecting, span, UINT64_MAX));
	}
}

static void remember_starts(struct collecting *collecting, const struct thag_span *span,
			    const struct thag_chunk_head *head)
{
	collecting->next_pos = head->first_pos + head->words;
	collecting->starts.bytes = 0;
	for (uint32_t i = 1; span->has_thread && i <= span->own.depth; i++)
		if (thag_buffer_append(&collecting->starts, &span->own.frames[i].start,
				       sizeof(uint64_t)) != 0)
			collecting->error = -ENOMEM;
}

/* Openings have frames begin later by the time that tasks ran meanwhile: the chunk before knows. */
static void recall_starts(const struct collecting *collecting, struct thag_span *span,
			  const struct thag_chunk_head *head)
{
	const uint64_t *starts = (const void *)collecting->starts.data;
	size_t count = collecting->starts.bytes / sizeof(*starts);

	if (collecting->next_pos != head->first_pos || !span->has_thread)
		return;
	for (uint32_t i = 1; i <= span->own.depth && i <= count; i++)
		span->own.frames[i].start = starts[i - 1];
}

static void look_at_words(struct collecting *collecting, const struct thag_chunk_raw *raw)
{
	static const struct thag_span_visitor visitor = {
		.closed = closed, .left = left, .entered = entered, .noted = noted
	};
	struct thag_span span;

	if (raw->head.flags & THAG_CHUNK_GAP)
		collecting->runs = false;
	if (thag_span_begin(&span, raw, &visitor, collecting) == 0) {
		recall_starts(collecting, &span, &raw->head);
		thag_span_run(&span, &visitor, collecting->out->to);
	}
	if (span.error)
		collecting->error = span.error;
	if (span.ticks > collecting->out->last_ticks)
		collecting->out->last_ticks = span.ticks;
	remember_open(collecting, &span);
	remember_starts(collecting, &span, &raw->head);
	thag_span_fini(&span);
}

static void miss(struct thag_calls *out, uint64_t from, uint64_t to, uint64_t events)
{
	if (out->missing_to == 0 || from < out->missing_from)
		out->missing_from = from;
	if (to > out->missing_to)
		out->missing_to = to;
	out->missing_events += events;
}

static bool try_words(struct thag_walk *walk, struct thag_entry *entry)
{
	struct thag_chunk_raw raw;

	if (!thag_entry_has(entry, THAG_PART_WORDS) ||
	    thag_timeline_words(walk->timeline, entry, &raw) != 0)
		return false;
	look_at_words(walk->context, &raw);
	thag_openings_fini(&raw.openings);
	return true;
}

static bool take(struct thag_walk *walk, const struct thag_place *place, bool has_below)
{
	struct collecting *collecting = walk->context;
	struct thag_entry *entry = thag_place_entry(place);
	const struct thag_chunk_head *head = &entry->chunk.head;

	if (has_below)
		return false;
	if (place->level == 0 && head->flags & THAG_CHUNK_GAP)
		miss(collecting->out, head->base_ticks, head->first_ticks, 0);
	if (place->level || !try_words(walk, entry)) {
		miss(collecting->out, head->base_ticks, head->last_ticks, head->events);
		collecting->runs = false;
	}
	walk->to = collecting->out->to;
	walk->error = collecting->error;
	return true;
}

/* What the ring's latest chunk left open goes on to the end. */
static void end_ring(struct collecting *collecting)
{
	for (size_t i = 0; i < collecting->open.count && collecting->error == 0; i++)
		add(collecting, collecting->open.calls[i]);
	collecting->open.count = 0;
	collecting->starts.bytes = 0;
	collecting->runs = false;
}

static void look_at_open(struct collecting *collecting, const struct thag_chunk_raw *raw)
{
	if (!raw || collecting->error ||
	    !thag_head_overlaps(&raw->head, collecting->query->from, collecting->out->to))
		return;
	if (raw->head.flags & THAG_CHUNK_GAP)
		miss(collecting->out, raw->head.base_ticks, raw->head.first_ticks, 0);
	look_at_words(collecting, raw);
}

static void look_at_ring(struct collecting *collecting, const struct thag_timeline_lane_ring *ring)
{
	const struct thag_calls_query *query = collecting->query;
	struct thag_walk walk = { .timeline = collecting->timeline,
				  .from = query->from,
				  .to = collecting->out->to,
				  .take = take,
				  .context = collecting };
	const struct thag_chunk_raw *open = thag_timeline_find_open(&query->open, ring->ring);

	if (thag_ring_lost(ring, query->from, query->to))
		miss(collecting->out, ring->first_ticks, ring->lost_ticks, 0);
	thag_timeline_walk(&walk, ring);
	/* chunks between these wait to be encoded */
	if (open && open->head.first_pos != ring->next_pos &&
	    ring->last_ticks < collecting->out->to && open->head.base_ticks >= query->from)
		miss(collecting->out, ring->last_ticks, open->head.base_ticks, 0);
	look_at_open(collecting, open);
	end_ring(collecting);
}

/* Calls that nobody saw ending end where all that is known does. */
static void end_open(struct thag_calls *out)
{
	uint64_t last = out->last_ticks < out->to ? out->last_ticks : out->to;

	for (size_t i = 0; i < out->count; i++) {
		struct thag_call *call = &out->calls[i];

		if (!is_note(call) && call->flags & THAG_CALL_AFTER && call->end > last)
			call->end = last > call->start ? last : call->start;
	}
}

int thag_timeline_calls(struct thag_timeline *timeline, const struct thag_calls_query *query,
			struct thag_calls *calls)
{
	struct collecting collecting = { .timeline = timeline, .query = query, .out = calls };

	*calls = (struct thag_calls){ .to = query->to };
	if (query->from >= query->to || query->most < 2 || query->most > THAG_CALLS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < timeline->ring_count && collecting.error == 0; i++)
		look_at_ring(&collecting, timeline->rings[i]);
	for (size_t i = 0; i < query->open.count && collecting.error == 0; i++) {
		const struct thag_chunk_raw *raw = query->open.chunks[i];

		if (thag_timeline_find_ring(timeline, raw->head.ring))
			continue;
		look_at_open(&collecting, raw);
		end_ring(&collecting);
	}
	thag_calls_fini(&collecting.open);
	thag_buffer_fini(&collecting.starts);
	thag_timeline_trim(timeline);
	end_open(calls);
	sort(calls);
	return collecting.error;
}
