/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The emit path, stopped at single instructions: killed there, or interrupted there by a signal
 * whose handler is profiled, too, and returns or leaves by siglongjmp. A program of its own each
 * time; test_instructions.c goes through every way once, each instruction. Each run takes every
 * third instruction for siglongjmp, else every 27th (of longer paths, first use and switches
 * between tasks, every 351st or 189th), others each time; THAG_STEP_STRIDE=1 takes three times as
 * many.
 */
#include <criterion/criterion.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "stepping.h"
#include "thag.h"

/* More steps than the path below takes, first use and cold side included. */
#define STEPS_MAX 20000

static int stride_of(int share)
{
	const char *text = getenv("THAG_STEP_STRIDE");
	int stride = text ? atoi(text) : 3;

	return (stride > 0 ? stride : 1) * share;
}

static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static __attribute__((noinline)) void handler_leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

/* What is stepped through: a call, a section that overlaps another, calls in both. */
static __attribute__((noinline)) void path(void)
{
	THAG_PROFILED();
	leaf();
	THAG_SECTION(outer, "outer");
	THAG_SECTION(inner, "inner");
	leaf();
	THAG_END(outer);
	THAG_END(inner);
	leaf();
}

static struct thag_task first, second;

/* The same from task to task: each calls what path does, with pauses between. */
static __attribute__((noinline)) void task_path(void)
{
	thag_task_resume(first);
	THAG_SECTION(outer, "outer");
	thag_task_resume(second);
	path();
	thag_task_suspend(second);
	leaf();
	thag_task_suspend(first);
	leaf();
	thag_task_resume(first);
	THAG_END(outer);
	thag_task_suspend(first);
}

static sigjmp_buf target;
static volatile int jumps;

static void on_signal(int number)
{
	THAG_PROFILED();
	(void)number;
	handler_leaf();
	if (jumps)
		siglongjmp(target, 1);
}

struct plan {
	int first_use; /* step through the registration of sites and the thread as well */
	int jump;
	int tasks;
};

static void run_program(const struct plan *plan)
{
	struct sigaction action = { .sa_handler = on_signal };
	void (*walk)(void) = plan->tasks ? task_path : path;

	THAG_ENABLE_PROFILING(time);
	jumps = plan->jump;
	first = thag_task_create("first");
	second = thag_task_create("second");
	sigaction(SIGUSR1, &action, NULL);
	if (!plan->first_use) {
		walk();
		handler_leaf();
	}
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	if (sigsetjmp(target, 1) == 0) {
		raise(SIGSTOP);
		walk();
	}
	jumps = 0; /* there is nowhere to jump to once we return */
	leaf();
}

static pid_t start(struct collector *collector, const struct plan *plan)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		run_program(plan);
		_exit(0);
	}
	collector_accept(collector);
	waitpid(child, &status, 0);
	cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	return child;
}

static void drain_all(struct collector *collector)
{
	while (collector_drain(collector, true) != 0)
		;
}

static void expect_sane(const struct collector *collector, int steps)
{
	struct collector_counts counts = collector_counts(collector);

	cr_assert_eq(counts.invalid, 0, "step %d", steps);
	cr_assert_eq(counts.orphans, 0, "step %d", steps);
	cr_assert_eq(counts.unmatched, 0, "step %d", steps);
	cr_assert_eq(counts.task_gaps, 0, "step %d", steps);
	cr_assert_eq(collector_lost(collector), 0, "step %d", steps);
}

/* Words the program, which has one thread, had published by now. */
static uint64_t words_in_ring(const struct collector *collector)
{
	const uint64_t *words = collector->rings[0].reader.words;
	uint64_t pos = THAG_RING_WORDS;

	while (thag_word_is_at(words[pos & THAG_RING_MASK], pos))
		pos++;
	return pos - THAG_RING_WORDS;
}

static void kill_along_the_path(const struct plan *plan, int stride)
{
	for (int steps = getpid() % stride; steps < STEPS_MAX; steps += stride) {
		struct collector *collector = collector_start();
		pid_t child = start(collector, plan);
		bool alive = step(child, steps);

		uint64_t published = words_in_ring(collector);

		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		drain_all(collector);
		expect_sane(collector, steps);
		cr_assert_eq(collector_counts(collector).holes, 0, "step %d", steps);
		cr_assert_eq(collector->rings[0].reader.tail - THAG_RING_WORDS, published,
			     "step %d", steps);
		collector_stop(collector);
		if (!alive)
			return;
	}
	cr_assert_fail("the path is longer than %d steps", STEPS_MAX);
}

static void expect_path_whole(const struct collector *collector, const struct plan *plan, int steps)
{
	uint64_t paths = plan->first_use ? 1 : 2, leaves = plan->tasks ? 5 : 3;
	struct collector_counts counts = collector_counts(collector);

	expect_sane(collector, steps);
	if (!plan->jump) {
		cr_assert_eq(collector_calls(collector, "path"), paths, "step %d", steps);
		cr_assert_eq(collector_calls(collector, "outer"), plan->tasks ? 2 * paths : paths,
			     "step %d", steps);
		cr_assert_eq(collector_calls(collector, "inner"), paths, "step %d", steps);
		cr_assert_eq(collector_calls(collector, "leaf"), leaves * paths + 1, "step %d",
			     steps);
		cr_assert_eq(counts.holes, 0, "step %d", steps);
	}
	cr_assert_leq(counts.holes, 2, "step %d", steps);
	cr_assert_eq(collector_calls(collector, "on_signal"), 1, "step %d", steps);
	cr_assert_eq(collector_calls(collector, "run_program"), 1, "step %d", steps);
	cr_assert_eq(counts.open, 0, "step %d", steps);
}

static void interrupt_along_the_path(const struct plan *plan, int stride)
{
	for (int steps = getpid() % stride; steps < STEPS_MAX; steps += stride) {
		struct collector *collector = collector_start();
		pid_t child = start(collector, plan);
		int status = 0;

		if (!step(child, steps)) {
			collector_stop(collector);
			return;
		}
		ptrace(PTRACE_DETACH, child, NULL, (void *)(intptr_t)SIGUSR1);
		waitpid(child, &status, 0);
		cr_assert_eq(status, 0, "step %d", steps);
		drain_all(collector);
		expect_path_whole(collector, plan, steps);
		collector_stop(collector);
	}
	cr_assert_fail("the path is longer than %d steps", STEPS_MAX);
}

Test(step, survives_a_kill_at_any_instruction, .timeout = 600)
{
	kill_along_the_path(&(struct plan){ 0 }, stride_of(9));
}

Test(step, survives_kills_all_along_the_first_use, .timeout = 600)
{
	kill_along_the_path(&(struct plan){ .first_use = 1 }, stride_of(117));
}

Test(step, survives_a_signal_at_any_instruction, .timeout = 600)
{
	interrupt_along_the_path(&(struct plan){ 0 }, stride_of(9));
}

Test(step, survives_signals_all_along_the_first_use, .timeout = 600)
{
	interrupt_along_the_path(&(struct plan){ .first_use = 1 }, stride_of(117));
}

Test(step, survives_siglongjmp_at_any_instruction, .timeout = 600)
{
	interrupt_along_the_path(&(struct plan){ .jump = 1 }, stride_of(1));
}

Test(step, survives_a_kill_at_any_instruction_of_a_switch, .timeout = 600)
{
	kill_along_the_path(&(struct plan){ .tasks = 1 }, stride_of(63));
}

Test(step, survives_a_signal_at_any_instruction_of_a_switch, .timeout = 600)
{
	interrupt_along_the_path(&(struct plan){ .tasks = 1 }, stride_of(63));
}
