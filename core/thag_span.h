/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frames of a chunk: its words become calls that open and close, with their times.
 *
 * As thag_stream.h and thag_thread.h do it, from what is open where the chunk begins to where its
 * words end; but what happens is told, not added up. So a chunk can be looked at for whatever one
 * wants to know of it: what it adds to the call tree, what there is to draw, which calls were slow.
 *
 * Who wants to know gives a struct thag_span_visitor, whose functions are inlined where it is a
 * constant: see thag_span_run.
 *
 * Thread: owner. Allocates as stacks grow: bounded by the words and openings of the chunk. No I/O.
 */
#ifndef THAG_SPAN_H
#define THAG_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_chunk.h"
#include "thag_pairs.h"
#include "thag_stream.h"
#include "thag/words.h"

enum thag_span_frame_flags {
	THAG_SPAN_BEFORE = 1,  /* was open when the chunk began */
	THAG_SPAN_SECTION = 2, /* is known to be a section */
	THAG_SPAN_ENDED = 4,   /* its section ended below the top, or it was never seen opening */
};

/** A frame that is open. */
struct thag_span_frame {
	uint64_t start; /* ticks */
	uint64_t lag;	/* how far its stack's clock was behind then */
	uint32_t site;
	uint32_t node; /* for the visitor */
	uint32_t flags;
};

/** The frames of a thread's own, or of a task. frames[0] stands for that itself. */
struct thag_span_stack {
	struct thag_span_frame *frames; /* frames[depth] is the top */
	uint32_t depth;
	uint32_t capacity;
	uint32_t base;	       /* the index of frames[1] */
	uint32_t floor;	       /* 0, or THAG_TASK_BASE for a task's */
	uint32_t site;	       /* of a task: its name's */
	uint32_t root;	       /* for the visitor */
	uint64_t task;	       /* its id, 0: a thread's own */
	uint64_t step;	       /* of a task: its latest here */
	uint64_t since;	       /* when it began to run, or the chunk did */
	uint64_t lag;	       /* ticks that its clock is behind */
	uint64_t paused_since; /* while is_paused */
	bool is_paused;
	bool late;  /* how many frames lie below isn't known */
	bool stray; /* stands in for a task for one step */
	bool cut;   /* what it does at `since` began before the chunk */
};

enum thag_span_end { THAG_SPAN_EXITED, THAG_SPAN_UNWOUND, THAG_SPAN_TRUNCATED };

struct thag_span;

/**
 * Told in the order in which it happens. `context` is span->context; times are ticks. What isn't
 * wanted is NULL.
 */
struct thag_span_visitor {
	/** The frame on top of the stack that runs was opened. */
	void (*opened)(void *context, struct thag_span *span, uint64_t now);
	/** Frame `index` of `stack` is about to end: the top, or a section below it. Not told of
	 * frames that are THAG_SPAN_ENDED. */
	void (*closed)(void *context, struct thag_span *span, struct thag_span_stack *stack,
		       uint32_t index, enum thag_span_end how, uint64_t now);
	/** Frame `index` of `stack` is gone: those above it have other callers now. */
	void (*moved)(void *context, struct thag_span *span, struct thag_span_stack *stack,
		      uint32_t index, uint64_t now);
	/** The stack that runs, span->stack, is about to be put aside; or it is going on. It may be
	 * empty, or be of a thread that has just begun. */
	void (*left)(void *context, struct thag_span *span, uint64_t now);
	void (*entered)(void *context, struct thag_span *span, uint64_t now);
	/** A task that doesn't run here is about to end; its frames are closed next. */
	void (*ending)(void *context, struct thag_span *span, struct thag_span_stack *stack,
		       uint64_t now);
	/** Its frames are closed. */
	void (*ended)(void *context, struct thag_span *span, struct thag_span_stack *stack,
		      uint64_t now);
	/** A mark or a value. */
	void (*noted)(void *context, struct thag_span *span, const struct thag_note *note);
};

/** Zero it, then thag_span_begin. */
struct thag_span {
	void *context;
	struct thag_span_stack *stack; /* that runs: `own`, or a task's */
	struct thag_span_stack own;
	const uint64_t *words;
	uint64_t count;	       /* of words */
	uint64_t pos;	       /* of the first word */
	uint64_t at;	       /* the next word */
	uint64_t ticks;	       /* the latest time */
	uint64_t thread_ticks; /* of the latest event that is the thread's own doing */
	uint32_t tid;
	bool has_thread;
	int error; /* -ENOMEM: some frames are missing */
	const struct thag_opening_stack *openings, *openings_end;
	const struct thag_opening *opening_frames;
	struct thag_span_stack **tasks; /* met in the chunk */
	uint32_t task_count;
	uint32_t task_capacity;
	struct thag_pairs task_index; /* by id: one more than the index in `tasks` */
	struct thag_span_stack stray; /* the task that runs, where it is none of these */
	uint64_t unmatched;	      /* exits of frames that are not open */
};

/** At the begin of a chunk, which must stay. Tells the visitor what runs. 0 or -ENOMEM. */
int thag_span_begin(struct thag_span *span, const struct thag_chunk_raw *raw,
		    const struct thag_span_visitor *visitor, void *context);
void thag_span_fini(struct thag_span *span);

/** How long the frame's stack has run since it was opened. */
static inline uint64_t thag_span_ran(const struct thag_span_stack *stack,
				     const struct thag_span_frame *frame, uint64_t now)
{
	return (stack->is_paused ? stack->paused_since : now) - stack->lag -
	       (frame->start - frame->lag);
}

/** The index of a frame as its program counts. */
static inline uint32_t thag_span_index(const struct thag_span_stack *stack, uint32_t at)
{
	return stack->base + at - 1;
}

/** The parts of thag_span_run that are rarely needed. */
bool thag_span_grow(struct thag_span *span, struct thag_span_stack *stack);
void thag_span_exit(struct thag_span *span, const struct thag_span_visitor *visitor,
		    uint32_t index);
void thag_span_other(struct thag_span *span, const struct thag_span_visitor *visitor);

/* The full time of a word, as thag_stream.c unfolds it. */
static inline uint64_t thag_span_unfold(struct thag_span *span, uint64_t word)
{
	uint64_t ahead = (thag_word_time(word) - span->ticks) << (64 - THAG_WORD_TIME_BITS);

	span->ticks += (int64_t)ahead < 0 ? 0 : ahead >> (64 - THAG_WORD_TIME_BITS);
	return span->ticks;
}

static inline void thag_span_enter(struct thag_span *span, const struct thag_span_visitor *visitor,
				   uint64_t word)
{
	struct thag_span_stack *stack = span->stack;
	uint64_t now = thag_span_unfold(span, word);

	if (__builtin_expect(stack->depth + 1 == stack->capacity, 0) &&
	    !thag_span_grow(span, stack))
		return; /* its exit will be unmatched */
	stack->frames[++stack->depth] = (struct thag_span_frame){
		.start = now,
		.lag = stack->lag,
		.site = thag_word_arg(word),
		.flags = thag_word_kind(word) == THAG_KIND_ENTER ? 0 : THAG_SPAN_SECTION
	};
	if (visitor->opened)
		visitor->opened(span->context, span, now);
}

static inline void thag_span_leave(struct thag_span *span, const struct thag_span_visitor *visitor,
				   uint64_t word)
{
	struct thag_span_stack *stack = span->stack;
	uint64_t now = thag_span_unfold(span, word);

	if (__builtin_expect(thag_word_arg(word) - stack->base + 1 == stack->depth &&
				     stack->depth &&
				     !(stack->frames[stack->depth].flags & THAG_SPAN_ENDED),
			     1)) {
		if (visitor->closed)
			visitor->closed(span->context, span, stack, stack->depth, THAG_SPAN_EXITED,
					now);
		stack->depth--;
		return;
	}
	thag_span_exit(span, visitor, thag_word_arg(word));
}

/**
 * Goes on up to the first event at or after `until` (ticks; UINT64_MAX: the end). To be called with
 * the address of a constant visitor: its functions are inlined then.
 */
static inline __attribute__((always_inline)) void
thag_span_run(struct thag_span *span, const struct thag_span_visitor *visitor, uint64_t until)
{
	while (span->at < span->count && span->ticks < until) {
		uint64_t word = span->words[span->at];
		uint32_t kind = thag_word_kind(word);

		if (__builtin_expect(
			    !span->has_thread || !thag_word_is_at(word, span->pos + span->at), 0)) {
			thag_span_other(span, visitor);
			continue;
		}
		if (kind == THAG_KIND_EXIT)
			thag_span_leave(span, visitor, word);
		else if (kind == THAG_KIND_ENTER || kind == THAG_KIND_SECTION_BEGIN)
			thag_span_enter(span, visitor, word);
		else {
			thag_span_other(span, visitor);
			continue;
		}
		span->thread_ticks = span->ticks;
		span->at++;
	}
}

#endif
