/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From frame to frame of a native stack. Reads memory of the stack alone, and no further than it
 * is known to be mapped: what the stack holds may be anything.
 */
#ifndef THAG_TRACE_WALK_H
#define THAG_TRACE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "trace.h"
#include "trace_code.h"

/**
 * The stack that a thread was made with: [low, high) is mapped for as long as the thread runs.
 * Other stacks (coroutines', alternate ones) may be gone at any time: they are looked at anew at
 * each walk.
 */
struct thag_walk_stack {
	uintptr_t low; /* as far as the thread was seen to use it; 0: not known yet */
	uintptr_t high;
	uintptr_t other_low; /* the last memory that was found to be no part of it */
	uintptr_t other_high;
};

/** A frame, and how far its stack can be read. */
struct thag_walk {
	uintptr_t ra;	 /* what returns to it returns there; an interrupted address + 1 */
	uintptr_t sp;	 /* when it does; the return address is, or was, right below */
	uintptr_t fp;	 /* the frame pointer then */
	uintptr_t fp_at; /* where the last step read it; 0: it is as it was */
	uintptr_t high;	 /* the stack is readable from sp to here */
	bool is_own;	 /* it is the thread's own, and no signal's frame was met */
};

/** Begins at `start`. False when that can't be on a stack. */
bool thag_walk_begin(struct thag_walk *walk, struct thag_walk_stack *stack,
		     const struct thag_trace_start *start);

/** Whether there are 8 bytes to read. One system call, which sets errno. */
bool thag_walk_is_readable(uintptr_t at);

/** Sets how far the stack that `sp` is on can be read. False when that can't be a stack. */
bool thag_walk_find_end(struct thag_walk *walk, struct thag_walk_stack *stack);

/** Whether so many bytes there, of the frame or of its callers', can be read. */
bool thag_walk_can_read(struct thag_walk *walk, uintptr_t at, uintptr_t bytes);

/* A step by one of the rarer rules. */
bool thag_walk_step_otherwise(struct thag_walk *walk, struct thag_walk_stack *stack, uint64_t data);

/* Looks whether the stack is readable up to `end`. */
bool thag_walk_reach(struct thag_walk *walk, uintptr_t end);

/*
 * Whether `at` is in the red zone below an interrupted frame's stack pointer: between `leave` and
 * `ret` the caller's frame pointer is still said to be where it was.
 */
bool thag_walk_is_red(uintptr_t sp, uintptr_t at);

/* Where a stack isn't what it seems to be, this may be between variables, and on no boundary. */
__attribute__((no_sanitize("address"))) static inline uintptr_t thag_walk_load(uintptr_t at)
{
	typedef uintptr_t anywhere __attribute__((aligned(1), may_alias));

	return *(const anywhere *)at;
}

/*
 * Steps of the walk that are rare work on a copy: so nobody else has the address of the one whose
 * fields are to lie in registers.
 */
static inline bool thag_walk_step_copy(struct thag_walk *walk, struct thag_walk_stack *stack,
				       uint64_t data)
{
	struct thag_walk copy = *walk;
	bool more = thag_walk_step_otherwise(&copy, stack, data);

	*walk = copy;
	return more;
}

static inline bool thag_walk_reach_copy(struct thag_walk *walk, uintptr_t end)
{
	struct thag_walk copy = *walk;
	bool reached = thag_walk_reach(&copy, end);

	walk->high = copy.high;
	return reached;
}

/**
 * Steps to the caller, with what is known of the frame. False at the end of the stack. As fast as
 * it can be when `walk` is a variable of the caller's whose address goes nowhere else.
 */
static inline bool thag_walk_step(struct thag_walk *walk, struct thag_walk_stack *stack,
				  uint64_t data)
{
	enum thag_code_rule rule = thag_code_rule(data);
	uintptr_t cfa, saved = thag_code_saved(data) * 8;

	if (__builtin_expect(rule > THAG_CODE_FP, 0))
		return thag_walk_step_copy(walk, stack, data);
	cfa = (rule == THAG_CODE_SP ? walk->sp : walk->fp) + (uintptr_t)thag_code_offset(data);
	if (__builtin_expect(cfa < walk->sp + 8 || cfa > walk->high, 0) &&
	    (cfa < walk->sp + 8 || !thag_walk_reach_copy(walk, cfa)))
		return false;
	walk->fp_at = 0;
	if (saved) {
		if (saved > cfa - walk->sp && !thag_walk_is_red(walk->sp, cfa - saved))
			return false;
		walk->fp_at = cfa - saved;
		walk->fp = thag_walk_load(walk->fp_at);
	}
	walk->ra = thag_walk_load(cfa - 8);
	walk->sp = cfa;
	return walk->ra != 0;
}

#endif
