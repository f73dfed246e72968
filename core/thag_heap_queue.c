/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_queue.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_EVENTS 256
#define BATCH 256 /* events merged before they are applied */

void thag_heap_queue_fini(struct thag_heap_queue *queue)
{
	free(queue->events);
	*queue = (struct thag_heap_queue){ 0 };
}

bool thag_heap_queue_reserve(struct thag_heap_queue *queue)
{
	uint32_t capacity = queue->capacity ? queue->capacity * 2 : FIRST_EVENTS;
	struct thag_heap_event *grown;

	if (queue->first > queue->capacity / 2 ||
	    (queue->first && capacity > THAG_HEAP_QUEUE_MAX)) {
		queue->end -= queue->first;
		memmove(queue->events, queue->events + queue->first,
			queue->end * sizeof(*queue->events));
		queue->first = 0;
		return true;
	}
	if (capacity > THAG_HEAP_QUEUE_MAX)
		return false;
	grown = reallocarray(queue->events, capacity, sizeof(*grown));
	if (!grown)
		return false;
	queue->events = grown;
	queue->capacity = capacity;
	return true;
}

/* Queues with events to apply, as a binary heap: the one with the earliest is first. */
struct merge {
	struct thag_heap_queue *queues[THAG_SLOTS_MAX];
	uint32_t count;
};

static const struct thag_heap_event *front(const struct thag_heap_queue *queue)
{
	return &queue->events[queue->first];
}

/* Rings at equal times are taken by their numbers. */
static bool is_before(const struct thag_heap_queue *a, const struct thag_heap_queue *b)
{
	uint64_t x = front(a)->ticks, y = front(b)->ticks;

	return x < y || (x == y && a->ring < b->ring);
}

static void sift_down(struct merge *merge, uint32_t at)
{
	struct thag_heap_queue *moved = merge->queues[at];

	for (uint32_t child = 2 * at + 1; child < merge->count; child = 2 * at + 1) {
		if (child + 1 < merge->count &&
		    is_before(merge->queues[child + 1], merge->queues[child]))
			child++;
		if (!is_before(merge->queues[child], moved))
			break;
		merge->queues[at] = merge->queues[child];
		at = child;
	}
	merge->queues[at] = moved;
}

static bool has_any(const struct thag_heap_queue *queue, uint64_t watermark)
{
	return !thag_heap_queue_is_empty(queue) &&
	       (front(queue)->ticks < watermark || watermark == UINT64_MAX);
}

/* The queue whose turn is next after the first's. NULL: none */
static const struct thag_heap_queue *find_second(const struct merge *merge)
{
	if (merge->count < 2)
		return NULL;
	if (merge->count > 2 && is_before(merge->queues[2], merge->queues[1]))
		return merge->queues[2];
	return merge->queues[1];
}

/* How many events of the first queue come before the watermark and all other queues'. */
static uint32_t count_run(const struct merge *merge, uint64_t watermark)
{
	const struct thag_heap_queue *queue = merge->queues[0], *second = find_second(merge);
	uint64_t limit = watermark;
	bool inclusive = watermark == UINT64_MAX;
	uint32_t at = queue->first;

	if (second) {
		limit = front(second)->ticks;
		inclusive = queue->ring < second->ring;
	}
	while (at < queue->end &&
	       (queue->events[at].ticks < limit || (inclusive && queue->events[at].ticks == limit)))
		at++;
	return at - queue->first;
}

static void advance(struct thag_heap_queue *queue, uint32_t count)
{
	queue->first += count;
	if (queue->first == queue->end)
		queue->first = queue->end = 0;
}

/* Merged events on their way to be applied. */
struct batch {
	struct thag_heap *heap;
	struct thag_heap_event events[BATCH];
	uint32_t count;
};

static void flush(struct batch *batch)
{
	thag_heap_apply(batch->heap, batch->events, batch->count);
	batch->count = 0;
}

static void apply_run(struct batch *batch, const struct thag_heap_event *events, uint32_t count)
{
	if (count > BATCH / 2) {
		flush(batch);
		thag_heap_apply(batch->heap, events, count);
		return;
	}
	if (batch->count + count > BATCH)
		flush(batch);
	memcpy(batch->events + batch->count, events, count * sizeof(*events));
	batch->count += count;
}

static uint64_t apply_merged(struct thag_heap *heap, struct merge *merge, uint64_t watermark)
{
	struct batch batch;
	uint64_t all = 0;

	batch.heap = heap;
	batch.count = 0;
	for (uint32_t i = merge->count / 2; i--;)
		sift_down(merge, i);
	while (merge->count) {
		struct thag_heap_queue *queue = merge->queues[0];
		uint32_t run = count_run(merge, watermark);

		apply_run(&batch, front(queue), run);
		all += run;
		advance(queue, run);
		if (!has_any(queue, watermark))
			merge->queues[0] = merge->queues[--merge->count];
		if (merge->count)
			sift_down(merge, 0);
	}
	flush(&batch);
	return all;
}

uint64_t thag_heap_queues_apply(struct thag_heap *heap, struct thag_heap_queue *const *queues,
				uint32_t count, uint64_t watermark)
{
	struct merge merge = { .count = 0 };
	uint64_t all;

	for (uint32_t i = 0; i < count && merge.count < THAG_SLOTS_MAX; i++)
		if (has_any(queues[i], watermark))
			merge.queues[merge.count++] = queues[i];
	all = apply_merged(heap, &merge, watermark);
	for (uint32_t i = 0; i < count; i++) {
		struct thag_heap_queue *queue = queues[i];

		if (!thag_heap_queue_is_full(queue) || front(queue)->ticks != watermark)
			continue;
		all += queue->end - queue->first;
		thag_heap_apply(heap, front(queue), queue->end - queue->first);
		advance(queue, queue->end - queue->first);
	}
	thag_heap_settle(heap, watermark);
	return all;
}
