/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the programs of the tests of thag_uv.h begin and end with. */
#ifndef UV_PROGRAM_H
#define UV_PROGRAM_H

#ifndef THAG_TIME_PROFILING
#define THAG_TIME_PROFILING
#endif

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "collector.h"
#include "task_model.h"
#include "thag_uv.h"
#include "thag/uv_table.h"

#define SHARED static inline __attribute__((unused))

static struct thag_task task;
static uv_loop_t *loop;

/* Ends the program, which its test sees. */
SHARED void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", what);
	_exit(1);
}

SHARED void need_ok(int result, const char *what)
{
	if (result < 0)
		fprintf(stderr, "%s: ", uv_strerror(result));
	need(result >= 0, what);
}

/* Entries of the table that are taken. */
SHARED size_t entries(void)
{
	size_t count = 0;

	for (struct thag_uv_block *block = &thag_uv_block; block; block = block->next)
		for (uintptr_t i = 0; i < block->set_count; i++)
			for (int way = 0; way < THAG_UV_WAYS; way++)
				count += block->sets[i].entries[way].key != NULL;
	return count;
}

/* A callback of the task's: where, and with the `data` of before. */
#define SEEN(data) \
	THAG_PROFILED(); \
	need(thag_task_current().id == task.id && task.id, __func__); \
	need((data) == (void *)&task, "data")

SHARED void begin(void)
{
	thag_start("time");
	loop = uv_default_loop();
	task = thag_task_create("uv");
	need(task.id != 0, "a task");
	thag_task_resume(task);
}

SHARED void finish(void)
{
	thag_task_suspend(task);
	need(thag_task_current().id == 0, "none runs");
	uv_run(loop, UV_RUN_DEFAULT);
	need(thag_task_current().id == 0, "none runs after the loop");
	need(entries() == 0, "the table is empty");
	thag_task_destroy(task);
}

struct expected {
	const char *path;
	uint64_t calls;
};

SHARED void run(void (*program)(void *), const struct expected *expected, size_t count)
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
	cr_expect_eq(counts.invalid + counts.unmatched + counts.unwound + counts.truncated, 0);
	cr_expect_eq(counts.created, counts.destroyed);
	cr_expect_eq(collector->header->misuses[THAG_MISUSE_TASK], 0);
	task_model_destroy(model);
	collector_stop(collector);
}

#define RUN(program, ...) \
	run(program, (const struct expected[]){ __VA_ARGS__ }, \
	    sizeof((const struct expected[]){ __VA_ARGS__ }) / sizeof(struct expected))

#endif
