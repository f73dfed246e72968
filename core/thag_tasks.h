/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The tasks of a program: each with a stack of its own, which runs on one thread after another.
 *
 * What a task does is told step by step, in the rings of the threads it runs on. Here is kept
 * which step comes next, so that whoever reads one ring knows when another must be read first.
 *
 * A task's running time is in the trees of the threads it ran on, below a child of their roots
 * for its name. When it is put aside, the time of its open frames so far goes into the totals of
 * that thread's tree; when it goes on on another thread, its frames are looked up in that one's.
 * So each tree is touched by its own reader only. A call counts where it ends, with all its time.
 *
 * | who                      | may touch                                                    |
 * |--------------------------|--------------------------------------------------------------|
 * | any                      | the table, by the functions here: they take its lock         |
 * | the reader of a ring     | the stack of the task that runs on its thread                |
 * | who has stopped all these| everything: thag_tasks_end, thag_tasks_report, snapshots     |
 *
 * Thread: any. Allocates, within the limits below. No I/O.
 */
#ifndef THAG_TASKS_H
#define THAG_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include "thag_thread.h"

#define THAG_TASKS_BYTES_MAX (UINT64_C(256) << 20) /* of all tasks and their stacks at rest */
#define THAG_TASKS_IN_SLOT_MAX 8 /* of one slot: the ends of others lie in rings yet to read */
#define THAG_TASK_NAMES_MAX 256	 /* names with numbers of their own; the rest share one */
#define THAG_TASKS_SPARE_MAX 1024
#define THAG_TASKS_OPEN_MAX 16384 /* suspended tasks of a thread that one snapshot looks at */

/** A task that lives. Made and freed by the table. */
struct thag_task_state {
	uint64_t id;
	uint64_t next_step; /* all before it are over, but for one that runs */
	uint64_t step;	    /* the latest that it did; of the reader of the ring it runs on */
	uint64_t created_ticks;
	uint32_t site; /* that names it */
	uint32_t name; /* its numbers */
	bool runs;
	bool stray; /* in no table: stands in for a task for one step */
	bool ends;  /* to be destroyed when its step is over */
	struct thag_stack stack;
	uint64_t bytes;		    /* of the stack when it was last put aside */
	struct thag_thread *thread; /* whose tree the stack's nodes are of, NULL: none's yet */
	struct thag_task_state *next_in_slot;
	struct thag_task_state *next_suspended; /* on the same thread, the latest first */
	struct thag_task_state **suspended_link;
	struct thag_task_state *newer, *older;
};

/** What became of the tasks of one name. Times in ticks. */
struct thag_task_name {
	uint32_t site;
	uint64_t created, finished, steps;
	uint64_t running;      /* of all of them, up to their last step that is over */
	uint64_t wall;	       /* of the finished ones, from create to destroy */
	uint64_t longest_wall; /* of the finished ones */
	uint64_t live_since;   /* the sum of the times the live ones were created, modulo 2^64 */
};

struct thag_tasks {
	pthread_mutex_t lock;
	struct thag_task_state **slots; /* by the slot in the id: a list */
	uint32_t slot_capacity;
	struct thag_task_state *newest; /* of all that live */
	struct thag_task_state *spare;
	uint32_t spare_count;
	struct thag_task_name *names;
	uint32_t name_count;
	uint64_t bytes;
	uint64_t bytes_max; /* THAG_TASKS_BYTES_MAX, or less */
	uint64_t gaps;	    /* steps taken though the one before them was not seen, or not over */
	uint64_t refused;   /* tasks that found no room here */
	uint64_t end_ticks; /* of the program's last event, once it is gone */
	bool joined_late;   /* there are tasks whose creation was never seen */
};

/** What a ring says of a task: see enum thag_task_op. */
struct thag_task_event {
	uint32_t op;
	uint32_t site;
	uint32_t open; /* frames it has open, as the program counts */
	uint64_t id;
	uint64_t step;
	uint64_t ticks;
};

int thag_tasks_init(struct thag_tasks *tasks);
void thag_tasks_fini(struct thag_tasks *tasks);

/**
 * A task begins. One that is known already is left alone. False while too many that had its slot
 * before are not known to have ended: their ends must be read first, in other rings. With `force`
 * they count as lost.
 */
bool thag_tasks_create(struct thag_tasks *tasks, const struct thag_task_event *event, bool force);

/**
 * Makes the task of a RUN event run on `thread`, where none runs, whose own stack is put aside.
 * Its stack is as it was left: thag_stack_adjust makes it what `event` says.
 * False when an earlier step must be read first, in another ring; nothing has changed then. Not
 * so with `force`, which never fails.
 */
bool thag_tasks_run(struct thag_tasks *tasks, struct thag_thread *thread,
		    const struct thag_task_event *event, bool force);

/** The step of the task that runs on `thread` ends. The thread's own stack stays put aside. */
void thag_tasks_leave(struct thag_tasks *tasks, struct thag_thread *thread, uint64_t now);

/**
 * A task ends: true and false as from thag_tasks_run. `*out` is set to what thag_tasks_finish is
 * to be given at once, NULL for nothing.
 */
bool thag_tasks_destroy(struct thag_tasks *tasks, const struct thag_task_event *event, bool force,
			struct thag_task_state **out);

/** Closes what it has open, and the task. `thread`: of the ring that says so, NULL for none. */
void thag_tasks_finish(struct thag_tasks *tasks, struct thag_thread *thread,
		       struct thag_task_state *task, uint64_t now);

/** A task that was running on `thread` when an earlier reader was killed goes on there. */
void thag_tasks_resume(struct thag_tasks *tasks, struct thag_thread *thread,
		       const struct thag_task_event *event);

/**
 * A task that was there before anything was read: its next step is `event->step`, or, where it
 * `runs`, it is at that on `thread`, where none runs; `stray`: as thag_task_state has it. Its
 * frames are to be opened (thag_stack_open) at event->ticks, and then thag_tasks_adopted called.
 * NULL, and nothing is to be opened: it is known already, or there is no room. `thread` NULL: what
 * it has open has no place, and NULL is returned, too.
 */
struct thag_task_state *thag_tasks_adopt(struct thag_tasks *tasks, struct thag_thread *thread,
					 const struct thag_task_event *event, bool runs,
					 bool stray);
void thag_tasks_adopted(struct thag_tasks *tasks, struct thag_thread *thread,
			struct thag_task_state *task, uint64_t now);

/** `from` is about to go: the tasks that ran there last get their nodes in `to`'s tree. */
void thag_tasks_move(struct thag_tasks *tasks, struct thag_thread *from, struct thag_thread *to);

/** The program is gone: closes what the tasks have open, and the tasks, as truncated. */
void thag_tasks_end(struct thag_tasks *tasks, uint64_t now);

/** A frame that is open: `ticks` of its node's total are its. */
struct thag_open {
	uint32_t node;
	uint64_t ticks;
};

/** Frames that may be open in the tree of `thread`, bounded: room for thag_tasks_add_open. */
size_t thag_tasks_count_open(const struct thag_thread *thread);

/**
 * The time of all frames that are open in the tree of `thread`, of its own stack and of tasks, as
 * if they all ended at `now` (ticks), added to the totals and waits of `tree`, a copy of the
 * thread's own. Calls are not counted. Lists the frames in `open`, and returns how many.
 */
size_t thag_tasks_add_open(const struct thag_thread *thread, struct thag_tree *tree, uint64_t now,
			   struct thag_open *open, size_t room);

#endif
