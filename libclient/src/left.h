/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which open frames are gone, by the stack pointers they noted. */
#ifndef THAG_LEFT_H
#define THAG_LEFT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "functions.h"
#include "internal.h"

/** Where a thread's stack pointer is, or will be. */
struct thag_place {
	uintptr_t sp;
	stack_t alternate; /* the thread's, for signals */
	bool leaves_alternate;
};

static inline bool thag_stack_has(const stack_t *stack, uintptr_t sp)
{
	uintptr_t base = (uintptr_t)stack->ss_sp;

	return !(stack->ss_flags & SS_DISABLE) && sp - base <= stack->ss_size;
}

/** One system call. */
static inline struct thag_place thag_place_at(uintptr_t sp)
{
	struct thag_place place = { .sp = sp, .alternate = { .ss_flags = SS_DISABLE } };

	if (sigaltstack(NULL, &place.alternate) != 0)
		place.alternate.ss_flags = SS_DISABLE;
	place.leaves_alternate =
		place.alternate.ss_flags & SS_ONSTACK && !thag_stack_has(&place.alternate, sp);
	return place;
}

/** The stack pointer that an open frame noted; 0: a section that ended below the top. */
static inline uintptr_t thag_frame_sp(const struct thag_producer *producer, uint32_t index)
{
	return producer->frame_sp[index] & ~(THAG_FRAME_BITS | THAG_FRAME_SERIAL);
}

/** Whether the frame is gone once the stack pointer is at `place`. */
static inline bool thag_frame_is_left(const struct thag_producer *producer, uint32_t index,
				      const struct thag_place *place)
{
	uintptr_t sp = thag_frame_sp(producer, index);

	if (sp == 0)
		return true;
	if (thag_stack_has(&place->alternate, sp) != thag_stack_has(&place->alternate, place->sp))
		return place->leaves_alternate && thag_stack_has(&place->alternate, sp);
	return sp < place->sp;
}

#endif
