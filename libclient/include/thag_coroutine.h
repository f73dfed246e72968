/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file thag_coroutine.h
 * Tasks for coroutines with stacks of their own: swapcontext, boost.context, a switch of your own.
 *
 * One rule: a coroutine's task runs while the coroutine does. So whoever switches to a coroutine
 * resumes its task before the switch, and suspends it when the switch returns:
 *
 *     thag_swapcontext(&scheduler, &coroutine->context, coroutine->task);
 *
 * and the coroutine itself yields with a plain swapcontext to the scheduler. That fits every
 * switch that comes back to where it was made:
 *
 *     THAG_COROUTINE_RUN(task, fiber = std::move(fiber).resume());    // boost.context
 *     THAG_COROUTINE_RUN(task, my_switch(&self, other));
 *
 * Where coroutines switch to each other, and none is the scheduler, say whom the switch is to; who
 * switches back says so, too:
 *
 *     thag_swapcontext_to(&this->context, &that->context, that->task);
 *
 * A coroutine may go on on another thread than before, when it was handed over as any data is.
 * Its last act, or its owner's, is thag_task_destroy. Where profiling is compiled out, all of it
 * is the bare switch.
 *
 * Thread: any. Context: where a switch is allowed. On ARM64 a function that a coroutine leaves on
 * one thread and goes on with on another must not hold profiled calls itself: compilers keep the
 * address of a thread's variables over the switch. Functions it calls may.
 */
#ifndef THAG_COROUTINE_H
#define THAG_COROUTINE_H

#include <ucontext.h>

#include "thag.h"

/* Not instrumented itself: it begins on one stack, and ends on another. */
#define THAG_COROUTINE_API static inline __attribute__((unused, no_instrument_function))

/** Runs `task` for as long as the expression that switches to its coroutine takes to come back. */
#define THAG_COROUTINE_RUN(task, expression) \
	do { \
		struct thag_task thag_switch_before = thag_coroutine_enter(task); \
\
		(void)(expression); \
		thag_coroutine_leave(task, thag_switch_before); \
	} while (0)

/** Before the switch to the coroutine of `task`. Returns what runs here now. */
THAG_COROUTINE_API struct thag_task thag_coroutine_enter(struct thag_task task)
{
	struct thag_task before = thag_task_current();

	thag_task_resume(task);
	return before;
}

/** After the switch came back. The coroutine may have ended its task. */
THAG_COROUTINE_API void thag_coroutine_leave(struct thag_task task, struct thag_task before)
{
	if (thag_task_current().id != before.id)
		thag_task_suspend(task);
}

/**
 * swapcontext to the coroutine of `task`, which comes back to `from` when it yields or ends.
 *
 * @return what swapcontext returns
 */
THAG_COROUTINE_API int thag_swapcontext(ucontext_t *from, const ucontext_t *to,
					struct thag_task task)
{
	struct thag_task before = thag_coroutine_enter(task);
	int result = swapcontext(from, to);

	thag_coroutine_leave(task, before);
	return result;
}

/**
 * swapcontext from one coroutine to another: the task that runs here stops, and `task` goes on.
 * Whoever comes back to `from` says so the same way.
 *
 * @param task  of the context `to`; id 0 when it is no task's, as a scheduler's
 * @return what swapcontext returns; when it failed, the task of before runs on
 */
THAG_COROUTINE_API int thag_swapcontext_to(ucontext_t *from, const ucontext_t *to,
					   struct thag_task task)
{
	struct thag_task self = thag_task_current();
	int result;

	thag_task_suspend(self);
	thag_task_resume(task);
	result = swapcontext(from, to);
	if (result != 0) {
		thag_task_suspend(task);
		thag_task_resume(self);
	}
	return result;
}

#endif
