/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_tasks MODE [MILLION_PAIRS]: what tasks cost, next to two bare clock reads of the same
 * process. Modes: switch, a resume and a suspend; calls, an enter + exit pair inside a task; life,
 * a task that is created, resumed, suspended and destroyed; hand, as switch, but each time the
 * next of 1,000 tasks with one open call each. Prints a line as in pairs.h. A tenth of a million
 * switches fit a ring, so their figure doesn't depend on how fast thagd reads.
 */
#include <string.h>

#include "pairs.h"
#include "thag.h"

#define TASKS 1000

static struct thag_task tasks[TASKS];
static struct thag_site open_site = { 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 1, 0, "open", __FILE__ };

static NOINLINE void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static void run_switch(uint64_t pairs)
{
	while (pairs--) {
		thag_task_resume(tasks[0]);
		thag_task_suspend(tasks[0]);
	}
}

static void run_calls(uint64_t pairs)
{
	thag_task_resume(tasks[0]);
	while (pairs--)
		leaf();
	thag_task_suspend(tasks[0]);
}

static void run_life(uint64_t pairs)
{
	while (pairs--) {
		struct thag_task task = thag_task_create("life");

		thag_task_resume(task);
		thag_task_suspend(task);
		thag_task_destroy(task);
	}
}

static void run_hand(uint64_t pairs)
{
	while (pairs--) {
		thag_task_resume(tasks[pairs % TASKS]);
		thag_task_suspend(tasks[pairs % TASKS]);
	}
}

static void create_tasks(void)
{
	for (int i = 0; i < TASKS; i++) {
		tasks[i] = thag_task_create("task");
		thag_task_resume(tasks[i]);
		if (i > 0)
			thag_span_enter(&open_site);
		thag_task_suspend(tasks[i]);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *mode;
		workload_fn *workload;
	} workloads[] = { { "switch", run_switch },
			  { "calls", run_calls },
			  { "life", run_life },
			  { "hand", run_hand } };
	uint64_t pairs = (uint64_t)((argc > 2 ? strtod(argv[2], NULL) : 20) * 1e6);

	for (size_t i = 0; argc > 1 && pairs && i < sizeof(workloads) / sizeof(*workloads); i++) {
		if (strcmp(workloads[i].mode, argv[1]) != 0)
			continue;
		thag_start("time");
		create_tasks();
		show(argv[1], pairs, measure(workloads[i].workload, pairs));
		return 0;
	}
	fprintf(stderr, "usage: %s switch|calls|life|hand [MILLION_PAIRS]\n", argv[0]);
	return 2;
}
