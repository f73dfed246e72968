/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* thag_coroutine.h, and thag_coroutine.hpp by the programs of coroutine_program.cpp. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector.h"
#include "task_model.h"
#include "thag_coroutine.h"

void program_awaits(void *argument);
void program_nested(void *argument);
void program_abandoned(void *argument);
void program_unnamed(void *argument);

struct expected {
	const char *path;
	uint64_t calls;
};

static void run(void (*program)(void *), const struct expected *expected, size_t count)
{
	struct collector *collector = collector_start();
	struct task_model *model;
	struct task_model_counts counts;
	int status;

	model = task_model_run(collector, program, NULL, &status);
	counts = task_model_counts(model);
	cr_assert_eq(status, 0, "it ended with %x", status);
	for (size_t i = 0; i < count; i++)
		cr_expect_eq(task_model_calls(model, expected[i].path), expected[i].calls,
			     "%s: %lu calls", expected[i].path,
			     task_model_calls(model, expected[i].path));
	cr_expect_eq(counts.invalid + counts.unmatched + counts.unwound + counts.truncated, 0,
		     "%lu %lu %lu %lu", counts.invalid, counts.unmatched, counts.unwound,
		     counts.truncated);
	cr_expect_eq(counts.open, 0);
	cr_expect_eq(counts.created, counts.destroyed);
	cr_expect_eq(collector->header->misuses[THAG_MISUSE_TASK], 0, "%u misuses",
		     collector->header->misuses[THAG_MISUSE_TASK]);
	task_model_destroy(model);
	collector_stop(collector);
}

#define RUN(program, ...) \
	run(program, (const struct expected[]){ __VA_ARGS__ }, \
	    sizeof((const struct expected[]){ __VA_ARGS__ }) / sizeof(struct expected))

Test(coroutines, run_their_task_around_every_kind_of_awaiter)
{
	RUN(program_awaits, { "awaits;awaits", 1 }, { "awaits;awaits;leaf", 9 },
	    { "chooser;chooses;leaf", 1 });
}

Test(coroutines, that_are_awaited_are_part_of_the_task_or_one_of_their_own)
{
	RUN(program_nested, { "parent;parent;counts_down;counts_down;counts_down;leaf", 1 },
	    { "parent;parent;counts_down;leaf", 1 }, { "parent;parent;throws", 1 },
	    { "parent;parent;leaf", 2 }, { "child;own_task", 1 }, { "child;own_task;leaf", 2 },
	    { ";leaf", 0 });
}

Test(coroutines, destroyed_where_they_wait_close_their_calls_in_the_task)
{
	RUN(program_abandoned, { "waiting;abandoned", 1 }, { "waiting;abandoned;waits", 1 },
	    { "waiting;abandoned;waits;leaf", 1 }, { "waiting;abandoned;leaf", 1 }, { ";waits", 1 },
	    { ";waits;leaf", 1 }, { ";leaf", 1 });
}

Test(coroutines, without_a_name_that_nobody_joins_are_the_threads)
{
	RUN(program_unnamed, { ";counts_down", 1 }, { ";counts_down;counts_down;leaf", 1 });
}

/* --- swapcontext --- */

#define STACK_BYTES 65536

static ucontext_t main_context, contexts[2];
static struct thag_task tasks[2], none;

static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static void ping(void)
{
	{
		THAG_PROFILED();
		for (int i = 0; i < 3; i++) {
			leaf();
			thag_swapcontext_to(&contexts[0], &contexts[1], tasks[1]);
		}
	}
	thag_task_destroy(tasks[0]);
	thag_swapcontext_to(&contexts[0], &main_context, none);
}

static void pong(void)
{
	{
		THAG_PROFILED();
		for (int i = 0; i < 3; i++) {
			leaf();
			leaf();
			thag_swapcontext_to(&contexts[1], &contexts[0], tasks[0]);
		}
	}
}

static void prepare(int which, void (*body)(void), const char *name)
{
	getcontext(&contexts[which]);
	contexts[which].uc_stack.ss_sp = malloc(STACK_BYTES);
	contexts[which].uc_stack.ss_size = STACK_BYTES;
	contexts[which].uc_link = &main_context;
	tasks[which] = thag_task_create(name);
	makecontext(&contexts[which], body, 0);
}

static void program_symmetric(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	prepare(0, ping, "ping");
	prepare(1, pong, "pong");
	if (thag_swapcontext_to(&main_context, &contexts[0], tasks[0]) != 0 ||
	    thag_task_current().id != 0)
		_exit(1);
	leaf();
	/* and once more as a scheduler does: pong ends by uc_link */
	if (thag_swapcontext(&main_context, &contexts[1], tasks[1]) != 0 ||
	    thag_task_current().id != 0)
		_exit(2);
	thag_task_destroy(tasks[1]);
	leaf();
	for (int i = 0; i < 2; i++)
		free(contexts[i].uc_stack.ss_sp);
}

Test(coroutines, switch_to_each_other)
{
	RUN(program_symmetric, { "ping;ping", 1 }, { "ping;ping;leaf", 3 }, { "pong;pong", 1 },
	    { "pong;pong;leaf", 6 }, { ";program_symmetric;leaf", 2 });
}

static int own_switch(int value)
{
	leaf();
	return value;
}

static void program_own_switch(void *argument)
{
	int came_back = 0;
	struct thag_task task;

	(void)argument;
	thag_start("time");
	task = thag_task_create("fiber");
	THAG_COROUTINE_RUN(task, came_back = own_switch(5));
	leaf();
	THAG_COROUTINE_RUN(task, thag_task_destroy(task)); /* it ends itself */
	if (came_back != 5 || thag_task_current().id != 0)
		_exit(1);
}

Test(coroutines, of_any_library_run_by_a_macro)
{
	RUN(program_own_switch, { "fiber;leaf", 1 }, { ";leaf", 1 });
}
