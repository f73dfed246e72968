/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of tasks begin and end with. */
#ifndef TASK_PROGRAM_H
#define TASK_PROGRAM_H

#ifndef THAG_TIME_PROFILING
#define THAG_TIME_PROFILING
#endif

#include <criterion/criterion.h>
#include <stdint.h>

#include "collector.h"
#include "task_model.h"
#include "thag.h"

#define NOINLINE __attribute__((noinline))
#define SHARED static __attribute__((unused))

struct session {
	struct collector *collector;
	struct task_model *model;
};

SHARED struct session run(void (*program)(void *), void *argument)
{
	struct session session = { .collector = collector_start() };
	int status;

	session.model = task_model_run(session.collector, program, argument, &status);
	cr_assert_eq(status, 0, "it ended with %x", status);
	return session;
}

SHARED void end(struct session *session)
{
	task_model_destroy(session->model);
	collector_stop(session->collector);
}

/* Nothing went wrong, but for that many misuses and frames that a task's end cut off. */
SHARED void expect(const struct session *session, uint32_t misuses, uint64_t truncated)
{
	struct task_model_counts counts = task_model_counts(session->model);

	cr_expect_eq(counts.invalid, 0);
	cr_expect_eq(counts.unmatched, 0);
	cr_expect_eq(counts.unwound, 0);
	cr_expect_eq(counts.truncated, truncated, "%lu truncated", counts.truncated);
	cr_expect_eq(counts.open, 0, "%lu open", counts.open);
	cr_expect_eq(session->collector->header->misuses[THAG_MISUSE_TASK], misuses, "%u misuses",
		     session->collector->header->misuses[THAG_MISUSE_TASK]);
	cr_expect_eq(collector_lost(session->collector), 0);
}

SHARED void expect_calls(const struct session *session, const char *path, uint64_t calls)
{
	uint64_t found = task_model_calls(session->model, path);

	cr_expect_eq(found, calls, "%s: %lu calls, not %lu", path, found, calls);
}

SHARED void NOINLINE leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

#endif
