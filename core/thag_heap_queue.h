/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory events on their way from the rings to the heap.
 *
 * Each ring has a queue, which its stream fills in the order of its own time. At the end of a
 * round over all rings of a session, what is older than a watermark is applied in the order of
 * time over all of them. The watermark is a time from before which no ring has anything left
 * that was not decoded: the clock when the round began, or, where that is earlier, the time of
 * the latest event (thag_stream.last_ticks) of a ring that was not read to its end. That is exact,
 * as an event that another one causally follows was in its ring before the other's time was taken.
 *
 * A stream whose queue is full takes no more words until some were applied.
 *
 * Thread: a queue's: the reader of its ring. thag_heap_queues_apply: nobody pushes meanwhile.
 */
#ifndef THAG_HEAP_QUEUE_H
#define THAG_HEAP_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_heap.h"

#define THAG_HEAP_QUEUE_MAX 32768 /* events of one ring: 1.5 MiB */

/** Set `heap` and `ring`, an index below THAG_SLOTS_MAX of its own; zero the rest. */
struct thag_heap_queue {
	struct thag_heap *heap;
	struct thag_heap_event *events; /* from `first` to `end`, by time */
	uint32_t first;
	uint32_t end;
	uint32_t capacity;
	uint16_t ring;
	uint64_t dropped; /* events without memory to keep them */
};

void thag_heap_queue_fini(struct thag_heap_queue *queue);

static inline bool thag_heap_queue_is_full(const struct thag_heap_queue *queue)
{
	return queue->end - queue->first == THAG_HEAP_QUEUE_MAX;
}

static inline bool thag_heap_queue_is_empty(const struct thag_heap_queue *queue)
{
	return queue->first == queue->end;
}

/** Makes room behind `end`; false without memory, or when it is full. */
bool thag_heap_queue_reserve(struct thag_heap_queue *queue);

/** Where the next event goes; NULL: it was dropped, and counted. */
static inline struct thag_heap_event *thag_heap_queue_push(struct thag_heap_queue *queue)
{
	if (__builtin_expect(queue->end == queue->capacity, 0) && !thag_heap_queue_reserve(queue)) {
		queue->dropped++;
		return NULL;
	}
	return &queue->events[queue->end++];
}

/**
 * Applies all events from before `watermark` (ticks; UINT64_MAX: all there are) of `count` queues,
 * none of which is NULL, in the order of time, those of equal time by queue. A queue that is full
 * of events at the watermark is emptied, too: else it never would be. Returns how many.
 */
uint64_t thag_heap_queues_apply(struct thag_heap *heap, struct thag_heap_queue *const *queues,
				uint32_t count, uint64_t watermark);

#endif
