/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The frames that are open where a piece of a ring's words begins, so that it can be read without
 * the words before it.
 *
 * A list of stacks, in the order in which a reader of the words needs them: first the thread's own
 * stack as it is where the words begin, then that of the task that runs there, if one does, and
 * then one for each RUN or DESTROY of a task whose step before is not in the same words. Those of
 * a prelude (thag_prelude.h) are others: all tasks that are suspended there.
 *
 * Thread: owner. Adding and decoding allocate.
 */
#ifndef THAG_OPENINGS_H
#define THAG_OPENINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_tasks.h"
#include "thag_thread.h"

#define THAG_OPENINGS_FRAMES_MAX (UINT32_C(1) << 22) /* of all stacks of a list */

/** A frame that is open. */
struct thag_opening {
	uint64_t start_ticks; /* when it was opened; later by what it waited where that was lost */
	uint64_t ran_ticks;   /* how long its stack ran since then */
	uint32_t site; /* 0: a section that ended below the top, or a frame not seen opening */
};

enum thag_opening_flags {
	THAG_OPENING_LATE = 1,	/* how many frames lie below isn't known */
	THAG_OPENING_STRAY = 2, /* stands in for a task for one step: its frames end with that */
	THAG_OPENING_RUNS = 4,	/* of a task: runs where the words begin */
};

/** A stack; its frames lie in thag_openings.frames, the bottom first, behind the stack's before. */
struct thag_opening_stack {
	uint64_t task;	      /* its id; 0: the thread's own stack */
	uint64_t step;	      /* of a task: the one that is about to be taken, or runs */
	uint64_t start_ticks; /* of a task: when it was created */
	uint64_t ran_ticks;   /* of a task: how long it ran since then */
	uint32_t site;	/* that names the task; of a thread in a prelude, that names it, or 0 */
	uint32_t base;	/* the index of its lowest frame; from THAG_TASK_BASE on for a task */
	uint32_t count; /* frames, up to THAG_STACK_FRAMES_MAX */
	uint32_t flags; /* enum thag_opening_flags */
};

/** All zero is valid and empty. */
struct thag_openings {
	struct thag_buffer stacks; /* of struct thag_opening_stack */
	struct thag_buffer frames; /* of struct thag_opening */
};

void thag_openings_fini(struct thag_openings *openings);

/** Forgets all stacks, and keeps the memory. */
void thag_openings_clear(struct thag_openings *openings);

static inline size_t thag_openings_count(const struct thag_openings *openings)
{
	return openings->stacks.bytes / sizeof(struct thag_opening_stack);
}

/** Adds a thread's own stack as it is at `now` (ticks). 0, or -ENOMEM or -E2BIG and nothing
 * changed. */
int thag_openings_add_own(struct thag_openings *openings, const struct thag_stack *own,
			  uint64_t now);

/** Likewise that of a task, which is about to take its step `step`, or `runs` with that already. */
int thag_openings_add_task(struct thag_openings *openings, const struct thag_task_state *task,
			   uint64_t step, bool runs, uint64_t now);

/** Appends the stored form to `out`. 0 or -ENOMEM. */
int thag_openings_encode(const struct thag_openings *openings, struct thag_buffer *out);

/**
 * Reads a stored form into `openings`, which is empty. Trusts nothing: what it allocates is
 * bounded by the bytes there are. 0, -ENOMEM, or -EBADMSG with `openings` empty.
 */
int thag_openings_decode(struct thag_openings *openings, const uint8_t *data, size_t bytes);

#endif
