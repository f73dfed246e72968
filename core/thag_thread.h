/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stacks of open frames, and the threads of a program whose trees their time goes to.
 *
 * A thread has a stack of its own; each task has another (thag_tasks.h). One of them runs on the
 * thread, the others stand still. Each stack has a clock, which stands still with it: the time of
 * its frames is the time it ran. How long a frame was open while its stack stood still is kept
 * beside that, as its wait.
 *
 * Thread: owner of the ring that the thread writes. Allocates when trees or stacks grow. No I/O.
 */
#ifndef THAG_THREAD_H
#define THAG_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_tree.h"

#define THAG_STACK_FRAMES_MAX (UINT32_C(1) << 21) /* a program can't open more than 2^20 */

/**
 * A frame that is open. One with the node of the frame below it is not told apart from that:
 * a section that ended below the top, or a call the tree has no room for.
 */
struct thag_frame {
	uint64_t start;	  /* ticks of the stack's clock: since when its time goes to `node` */
	uint64_t carried; /* ticks of this call that are in totals already */
	uint32_t node;
	uint32_t site;
};

/** Frames that are open, of a thread or a task. Make it with thag_stack_init. */
struct thag_stack {
	struct thag_frame *frames; /* frames[0] stands for the root or for the task's node */
	uint32_t depth;		   /* frames[depth] is the top */
	uint32_t capacity;
	uint32_t base;	       /* the index of frames[1] */
	uint32_t marked;       /* the frames up to this one were open when it last stood still */
	uint64_t paused;       /* ticks that it stood still: its clock is so far behind */
	uint64_t paused_since; /* while is_paused */
	uint64_t *paused_at;   /* by frame, up to `marked`: `paused` when it was opened */
	uint32_t paused_capacity;
	uint32_t floor; /* no frame has a lower index: 0, or THAG_TASK_BASE for a task's */
	bool is_paused;
	bool late; /* we joined late: how many frames lie below isn't known yet */
};

struct thag_task_state;

#define THAG_THREAD_ROUNDS_MAX 8

/** When a thread last noted an instant of a name. */
struct thag_round {
	uint32_t site; /* 0: none */
	uint64_t ticks;
};

/** One thread of a program: its tree, its open frames, its counts. Made by the session. */
struct thag_thread {
	uint32_t tid;
	uint32_t ended;
	struct thag_tree tree;
	struct thag_stack *stack; /* what runs here: `own`, or the task's */
	struct thag_stack own;
	struct thag_task_state *task;	   /* that runs here, NULL for none */
	struct thag_task_state *suspended; /* tasks that ran here last; see thag_tasks.h */
	uint32_t name_site;		   /* what the program calls it, 0: nothing */
	struct thag_round rounds[THAG_THREAD_ROUNDS_MAX];
	uint32_t *heap_paths; /* by node, one more than the path: see thag_heap_path */
	uint32_t heap_path_capacity;
	uint64_t first_ticks; /* of its first event, 0 before */
	uint64_t last_ticks;  /* of its latest event */
	uint64_t calls;	      /* frames closed by their own exit */
	uint64_t truncated;   /* frames closed because their thread, task or program went away */
	uint64_t unwound;     /* frames closed by the exit of a frame below (longjmp, …) */
	uint64_t unmatched;   /* exits with no open frame */
};

/** `thread` must stay where it is. 0 or -ENOMEM. */
int thag_thread_init(struct thag_thread *thread, uint32_t tid, uint32_t node_limit);
void thag_thread_fini(struct thag_thread *thread);

/** Opens a frame on the thread's own stack; site 0: a section that has ended below the top. */
void thag_thread_open(struct thag_thread *thread, uint32_t site, uint64_t now);

/** Likewise on a stack whose nodes are of the thread's tree. */
void thag_stack_open(struct thag_thread *thread, struct thag_stack *stack, uint32_t site,
		     uint64_t now);

/** Closes every open frame of its own stack at the thread's last event, as truncated. */
void thag_thread_close(struct thag_thread *thread);

/** 0 or -ENOMEM. `capacity`: frames to begin with, at least 2. */
int thag_stack_init(struct thag_stack *stack, uint32_t floor, uint32_t capacity);
void thag_stack_fini(struct thag_stack *stack);

/** Bytes it holds. */
uint64_t thag_stack_bytes(const struct thag_stack *stack);

/** Its clock stands still from `now` (ticks) on, or goes on. Nothing if it does so already. */
void thag_stack_pause(struct thag_stack *stack, uint64_t now);
void thag_stack_go_on(struct thag_stack *stack, uint64_t now);

/** What its clock shows at `now`. */
static inline uint64_t thag_stack_clock(const struct thag_stack *stack, uint64_t now)
{
	return (stack->is_paused ? stack->paused_since : now) - stack->paused;
}

/** How long frame `index` (0: since the stack's beginning) has been open without running. */
uint64_t thag_stack_wait(const struct thag_stack *stack, uint32_t index, uint64_t now);

/** Puts the time of all its frames so far, frames[0] included, into the totals of their nodes. */
void thag_stack_flush(struct thag_stack *stack, struct thag_tree *tree, uint64_t clock);

/** Finds the nodes of its frames in another tree, below a child of the root for `site`. */
void thag_stack_move(struct thag_stack *stack, struct thag_tree *tree, uint32_t site);

/**
 * Makes the stack as deep as its program says it is: closes what lies above `indices` frames,
 * counted from its floor, as unwound; counts frames as open that were never seen.
 */
void thag_stack_adjust(struct thag_thread *thread, struct thag_stack *stack, uint32_t indices,
		       uint64_t now);

/** Closes all frames of a stack whose nodes are of the thread's tree, as truncated. */
void thag_stack_close(struct thag_thread *thread, struct thag_stack *stack, uint64_t now);

/** The parts of the functions below that are rarely needed. `clock`: of the stack. */
int thag_stack_grow(struct thag_stack *stack);
void thag_thread_exit_slow(struct thag_thread *thread, struct thag_stack *stack, uint32_t index,
			   uint64_t clock);

/**
 * A section ends: it leaves the stack, those above it stay. `clock`: of thread->stack. Returns
 * how many frames that moved.
 */
uint32_t thag_thread_end_section(struct thag_thread *thread, uint32_t index, uint64_t clock);

/** Opens a frame on `stack`, which is thread->stack; `clock`: of the stack. */
static inline void thag_thread_enter(struct thag_thread *thread, struct thag_stack *stack,
				     uint32_t site, uint64_t clock)
{
	uint32_t parent = stack->frames[stack->depth].node;

	if (__builtin_expect(stack->depth + 1 == stack->capacity, 0) && thag_stack_grow(stack) != 0)
		return; /* its exit will be unmatched */
	stack->frames[++stack->depth] = (struct thag_frame){
		.start = clock, .node = thag_tree_child(&thread->tree, parent, site), .site = site
	};
}

/** Closes the top, which never stood still. */
static inline void thag_stack_close_top(struct thag_stack *stack, struct thag_tree *tree,
					uint64_t clock)
{
	const struct thag_frame *top = &stack->frames[stack->depth--];
	uint64_t added = clock - top->start;

	if (__builtin_expect(top->node != top[-1].node, 1))
		thag_tree_add_call(tree, top->node, added + top->carried, added);
}

/** Closes the frame of that index and all above it. `stack` is thread->stack. */
static inline void thag_thread_exit(struct thag_thread *thread, struct thag_stack *stack,
				    uint32_t index, uint64_t clock)
{
	if (__builtin_expect(
		    index - stack->base + 1 == stack->depth && stack->depth > stack->marked, 1)) {
		thag_stack_close_top(stack, &thread->tree, clock);
		thread->calls++;
		return;
	}
	thag_thread_exit_slow(thread, stack, index, clock);
}

#endif
