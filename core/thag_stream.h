/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Decode: the words of one ring become calls in the trees of the threads that wrote them.
 *
 * Words are given in order, in pieces of any size: the outcome doesn't depend on where they are
 * cut, nor, where tasks go from ring to ring, on the order in which rings are read. No word is
 * trusted: what makes no sense is counted and changes nothing else.
 *
 * Thread: owner of the ring. Allocates when trees or stacks grow. No I/O.
 */
#ifndef THAG_STREAM_H
#define THAG_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_heap_queue.h"
#include "thag_tasks.h"
#include "thag_thread.h"
#include "thag/words.h"

/** Frames that one feed moves at most for switches and sections before it lets others go on. */
#define THAG_STREAM_WORK_MAX 65536

/** Called by the decoder; `tid` comes from the program. May return NULL: events are dropped. */
typedef struct thag_thread *thag_stream_start_fn(void *context, uint32_t tid);
typedef void thag_stream_end_fn(void *context, struct thag_thread *thread);

/** What a program notes beside its calls. `ext`: MARK or VALUE; `value`: 0 for a MARK. */
struct thag_note {
	uint32_t ext; /* enum thag_ext */
	uint32_t site;
	int64_t value;
	uint64_t ticks;
};

/** May be NULL: notes are dropped. */
typedef void thag_stream_note_fn(void *context, struct thag_thread *thread,
				 const struct thag_note *note);

/**
 * A step of a task, RUN or DESTROY, is about to be taken: `task` is as its step before left it, its
 * clock standing still (DESTROY), or going on from `event->ticks` (RUN).
 */
typedef void thag_stream_task_fn(void *context, const struct thag_task_event *event,
				 const struct thag_task_state *task);

/** The decoder of one ring. Zero it, set the callbacks and `last_ticks`, and feed it. */
struct thag_stream {
	thag_stream_start_fn *thread_start;
	thag_stream_end_fn *thread_end;
	thag_stream_note_fn *note;
	thag_stream_task_fn *task; /* may be NULL */
	void *context;
	struct thag_tasks *tasks; /* of all rings of the program; NULL: tasks are not told apart */
	struct thag_heap_queue *memory; /* where events of memory go; NULL: they are dropped */
	struct thag_thread *thread;	/* the one that writes now, NULL before the first */
	uint64_t last_ticks;		/* the latest time seen: times are unfolded around it */
	uint64_t heard;			/* the time of the latest word that is none of kind TIME */
	uint64_t events;		/* words of kinds that stand for an event, decoded */
	uint64_t lost_calls;		/* as LOST events told */
	uint64_t lost_memory;		/* likewise: allocations and frees */
	uint64_t skewed;		/* events earlier than the one before: clamped to it */
	uint64_t invalid;		/* words that made no sense */
	uint64_t orphans;		/* events before the first THREAD_START */
	uint64_t broken;		/* events of which some words were never written */
	uint32_t pending_ext;		/* an EXT whose payload has not all come; or ALLOC, FREE: */
	uint32_t pending_low; /* the lower bits of its arg       … beyond THAG_EXT_COUNT */
	uint32_t pending_words;
	uint64_t pending_heard; /* `heard` before it came */
	uint32_t payload_count;
	uint64_t payload[THAG_EXT_PAYLOAD_MAX];
	uint64_t work; /* frames moved in this feed */
	bool blocked;  /* at a step of a task that must wait for another ring */
	bool gap;      /* in the payload of the pending event */
};

/**
 * Decodes up to `count` words, and returns how many it took: fewer when it is blocked at a step
 * of a task whose earlier steps lie in other rings, has worked long, or its queue of memory events
 * is full. The others must be given again. Never fails: see the counts.
 */
size_t thag_stream_feed(struct thag_stream *stream, const uint64_t *words, size_t count);

/**
 * The next word was never written, and the reader stepped over it (thag_ring_skip_hole): the
 * event that it belonged to is lost, and only that.
 */
void thag_stream_gap(struct thag_stream *stream);

/**
 * Looks again whether a blocked stream can go on, and returns whether it does. With `force` it
 * does: what was waited for is taken as lost, and counted.
 */
bool thag_stream_retry(struct thag_stream *stream, bool force);

#endif
