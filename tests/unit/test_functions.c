/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The hooks of -finstrument-functions in a real child process, linked with libthag-cyg. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector.h"
#include "function_scenes.h"
#include "thag.h"

extern volatile int scene_handled;
extern sigjmp_buf scene_target;

static struct collector *start(void)
{
	struct collector *collector = collector_start();

	collector->name_of = scene_name;
	return collector;
}

static void expect_clean(const struct collector *collector)
{
	struct collector_counts counts = collector_counts(collector);

	cr_expect_eq(counts.invalid, 0);
	cr_expect_eq(counts.orphans, 0);
	cr_expect_eq(counts.holes, 0);
	cr_expect_eq(counts.unmatched, 0);
	cr_expect_eq(counts.open, 0);
	cr_expect_eq(collector_lost(collector), 0);
}

static void run_flat(void *calls)
{
	scene_flat(*(int *)calls);
}

Test(functions, counts_every_call_over_many_laps)
{
	struct collector *collector = start();
	int calls = 3000000;

	cr_assert_eq(collector_run(collector, run_flat, &calls), 0);
	cr_expect_eq(collector_calls_at(collector, "scene_flat;leaf"), (uint64_t)calls);
	cr_expect_eq(collector_calls_at(collector, "scene_flat"), 1);
	cr_expect_eq(collector->header->flags & THAG_SHM_FUNCTIONS, THAG_SHM_FUNCTIONS);
	cr_expect_eq(collector_counts(collector).unwound, 0);
	expect_clean(collector);
	collector_stop(collector);
}

Test(functions, says_which_file_they_are_in)
{
	struct collector *collector = start();
	const struct thag_shm_module *module;
	char path[4096];
	int calls = 1;

	collector_run(collector, run_flat, &calls);
	module = (const void *)(collector->base + THAG_SHM_MODULES_OFFSET);
	cr_assert_eq(collector->header->module_count, 1);
	cr_expect_eq(module->path_bytes, readlink("/proc/self/exe", path, sizeof(path)));
	cr_expect_arr_eq(collector->strings + module->path_offset, path, module->path_bytes);
	cr_expect_eq(module->build_id_bytes, 20, "gcc and clang ask for an SHA-1");
	cr_expect_leq(module->start, (uintptr_t)scene_flat);
	cr_expect_gt(module->end, (uintptr_t)scene_flat);
	collector_stop(collector);
}

static void run_fib(void *argument)
{
	(void)argument;
	scene_fib(23);
}

Test(functions, shows_recursion_as_it_is)
{
	struct collector *collector = start();

	collector_run(collector, run_fib, NULL);
	cr_expect_eq(collector_calls(collector, "scene_fib"), 92735); /* 2 F(24) - 1 */
	cr_expect_eq(collector_calls_at(collector, "scene_fib;scene_fib"), 2);
	expect_clean(collector);
	collector_stop(collector);
}

static void *deep_thread(void *depth)
{
	return scene_deep(*(int *)depth) < 0 ? depth : NULL;
}

static void run_deep(void *depth)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, (size_t)1 << 30);
	pthread_create(&thread, &attributes, deep_thread, depth);
	pthread_join(thread, NULL);
}

Test(functions, records_recursion_a_million_deep)
{
	struct collector *collector = start();
	int depth = 1000000;

	cr_assert_eq(collector_run(collector, run_deep, &depth), 0);
	cr_expect_eq(collector_calls(collector, "scene_deep"), 1000001);
	cr_expect_eq(collector_counts(collector).unwound, 0);
	expect_clean(collector);
	collector_stop(collector);
}

Test(functions, drops_what_is_deeper_than_the_ring_and_counts_it)
{
	struct collector *collector = start();
	int depth = 1500000;

	unsetenv("THAG_ON_FULL");
	cr_assert_eq(collector_run(collector, run_deep, &depth), 0);
	cr_expect_eq(collector_calls(collector, "scene_deep") + collector_lost(collector), 1500001);
	cr_expect_gt(collector_lost(collector), 400000);
	cr_expect_eq(collector_counts(collector).open, 0);
	cr_expect_eq(collector_counts(collector).unwound, 0);
	collector_stop(collector);
}

static void run_nest(void *calls)
{
	for (int i = 0; i < *(int *)calls; i++)
		scene_nest(3);
}

Test(functions, balances_what_it_drops)
{
	struct collector *collector = start();
	int calls = 500000, status;
	pid_t child;

	unsetenv("THAG_ON_FULL");
	child = fork();
	if (child == 0) {
		run_nest(&calls);
		exit(0);
	}
	collector_accept(collector);
	waitpid(child, &status, 0); /* nobody reads meanwhile */
	cr_assert_eq(status, 0);
	collector_drain(collector, true);
	cr_expect_gt(collector_lost(collector), 2000000);
	cr_expect_eq(collector_calls(collector, "scene_nest") + collector_calls(collector, "leaf") +
			     collector_lost(collector),
		     8u * 500000);
	/* it comes back from the drop at the depth at which that began */
	cr_expect_eq(collector_calls(collector, "scene_nest"),
		     collector_calls_at(collector, "scene_nest") +
			     collector_calls_at(collector, "scene_nest;scene_nest") +
			     collector_calls_at(collector, "scene_nest;scene_nest;scene_nest") +
			     collector_calls_at(collector,
						"scene_nest;scene_nest;scene_nest;scene_nest"));
	cr_expect_eq(collector_counts(collector).open, 0);
	cr_expect_eq(collector_counts(collector).unwound, 0);
	collector_stop(collector);
}

static void run_jumps(void *jumps)
{
	for (int i = 0; i < *(int *)jumps; i++)
		scene_jump(5);
}

Test(functions, closes_the_frames_that_longjmp_leaves)
{
	struct collector *collector = start();
	int jumps = 100000;

	cr_assert_eq(collector_run(collector, run_jumps, &jumps), 0);
	cr_expect_eq(collector_calls_at(collector, "scene_jump"), 100000);
	cr_expect_eq(collector_calls_at(collector, "scene_jump;leaf"), 100000);
	cr_expect_eq(collector_calls_at(collector, "scene_jump;jump_on;jump_on"), 100000);
	cr_expect_eq(collector_calls(collector, "jump_on"), 600000);
	expect_clean(collector);
	collector_stop(collector);
}

static void every(long ns, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };
	struct itimerspec period = { { 0, ns }, { 0, ns } };
	timer_t timer;

	sigaction(SIGALRM, &action, NULL);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	timer_settime(timer, 0, &period, NULL);
}

static void run_signals(void *signals)
{
	every(20000, scene_handler);
	while (scene_handled < *(int *)signals)
		scene_flat(1000);
	signal(SIGALRM, SIG_IGN);
}

Test(functions, survives_signals_that_interrupt_a_hook)
{
	struct collector *collector = start();
	int signals = 5000;

	cr_assert_eq(collector_run(collector, run_signals, &signals), 0);
	cr_expect_geq(collector_calls(collector, "scene_handler"), 5000);
	cr_expect_eq(collector_calls(collector, "scene_fib"),
		     5 * collector_calls(collector, "scene_handler"));
	cr_expect_eq(collector_calls(collector, "leaf"),
		     1000 * collector_calls(collector, "scene_flat"));
	expect_clean(collector);
	collector_stop(collector);
}

static void run_siglongjmp(void *signals)
{
	if (sigsetjmp(scene_target, 1) == 0) /* a signal may come at once */
		every(50000, scene_leave);
	while (scene_handled < *(int *)signals)
		if (sigsetjmp(scene_target, 1) == 0)
			for (;;)
				scene_flat(1000);
	signal(SIGALRM, SIG_IGN);
}

Test(functions, survives_siglongjmp_out_of_a_hook)
{
	struct collector *collector = start();
	int signals = 3000;

	cr_assert_eq(collector_run(collector, run_siglongjmp, &signals), 0);
	collector_drain(collector, true);
	cr_expect_geq(collector_calls(collector, "scene_leave"), 2990);
	cr_expect_eq(collector_counts(collector).open, 0);
	cr_expect_eq(collector_counts(collector).invalid, 0);
	collector_stop(collector);
}

static void run_walk(void *model)
{
	for (uint32_t seed = 1; seed <= 30; seed++)
		scene_walk(seed, model);
}

/* Sections, marks, jumps and switching, against a model that keeps a stack of its own. */
Test(functions, record_what_a_model_says)
{
	struct collector *collector = start();
	struct scene_model *model = mmap(NULL, sizeof(*model), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t all = 0, got = 0;

	cr_assert_eq(collector_run(collector, run_walk, model), 0);
	cr_assert_gt(model->count, 200);
	for (uint32_t i = 0; i < model->count; i++) {
		uint64_t calls = collector_calls_at(collector, model->stacks[i].path);

		cr_expect_eq(calls, model->stacks[i].calls, "%s: %llu, not %llu",
			     model->stacks[i].path, (unsigned long long)calls,
			     (unsigned long long)model->stacks[i].calls);
		all += model->stacks[i].calls;
	}
	for (uint32_t i = 0; i < collector->thread_count; i++)
		for (uint32_t n = 1; n < collector->threads[i]->tree.count; n++)
			got += collector->threads[i]->tree.nodes[n].calls;
	cr_expect_eq(got, all);
	expect_clean(collector);
	munmap(model, sizeof(*model));
	collector_stop(collector);
}

static void run_forks(void *argument)
{
	(void)argument;
	scene_flat(1);
	if (fork() == 0) {
		scene_flat(1000); /* nobody answers there: it must not write to our ring */
		_exit(0);
	}
	wait(NULL);
	scene_flat(2);
}

Test(functions, keep_a_forked_child_out_of_its_parents_ring)
{
	struct collector *collector = start();

	cr_assert_eq(collector_run(collector, run_forks, NULL), 0);
	cr_expect_eq(collector_calls(collector, "leaf"), 3);
	expect_clean(collector);
	collector_stop(collector);
}

static void run_slow_clock(void *calls)
{
	setenv("THAG_CLOCK", "monotonic", 1);
	scene_nest(*(int *)calls);
	scene_jump(3);
}

Test(functions, are_timed_by_the_system_clock_where_the_tsc_is_none)
{
	struct collector *collector = start();
	int depth = 10;

	cr_assert_eq(collector_run(collector, run_slow_clock, &depth), 0);
	cr_expect_eq(collector_calls(collector, "scene_nest"), 11);
	cr_expect_eq(collector_calls(collector, "leaf"), 12);
	cr_expect_eq(collector_calls_at(collector, "scene_jump;jump_on"), 1);
	expect_clean(collector);
	collector_stop(collector);
}

static void run_filtered(void *calls)
{
	setenv("THAG_FUNCTIONS", "scene_*,!*_fib", 1);
	scene_flat(*(int *)calls);
	scene_fib(5);
}

Test(functions, that_are_filtered_out_leave_no_trace)
{
	struct collector *collector = start();
	int calls = 1000;

	cr_assert_eq(collector_run(collector, run_filtered, &calls), 0);
	cr_expect_eq(collector_calls_at(collector, "scene_flat"), 1);
	cr_expect_eq(collector_calls(collector, "leaf"), 0);
	cr_expect_eq(collector_calls(collector, "scene_fib"), 0);
	cr_expect_eq(collector->header->site_count, THAG_SITE_FIRST + 1);
	expect_clean(collector);
	collector_stop(collector);
}
