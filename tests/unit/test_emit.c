/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The emit path in a real child process, read through real shared memory. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "thag.h"

static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static __attribute__((noinline)) int fib(int n)
{
	THAG_PROFILED();
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void expect_clean(const struct collector *collector)
{
	struct collector_counts counts = collector_counts(collector);

	cr_expect_eq(counts.invalid, 0);
	cr_expect_eq(counts.orphans, 0);
	cr_expect_eq(counts.holes, 0);
	cr_expect_eq(counts.unmatched, 0);
	cr_expect_eq(collector_lost(collector), 0);
}

static void run_flat(void *argument)
{
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < *(int *)argument; i++)
		leaf();
}

Test(emit, counts_every_call_over_many_laps)
{
	struct collector *collector = collector_start();
	int calls = 5000000; /* nearly ten laps */

	cr_assert_eq(collector_run(collector, run_flat, &calls), 0);
	cr_expect_eq(collector_calls_at(collector, "run_flat;leaf"), (uint64_t)calls);
	cr_expect_eq(collector_calls(collector, "run_flat"), 1);
	cr_expect_eq(collector_counts(collector).unwound, 0);
	expect_clean(collector);
	collector_stop(collector);
}

Test(emit, keeps_time_inside_its_caller)
{
	struct collector *collector = collector_start();
	int calls = 1000;

	collector_run(collector, run_flat, &calls);
	cr_expect_leq(collector_ticks_at(collector, "run_flat;leaf"),
		      collector_ticks_at(collector, "run_flat"));
	collector_stop(collector);
}

/* How many pages of the thread's own ring are there. */
static uint32_t count_ring_pages(void)
{
	static unsigned char there[THAG_RING_BYTES / 4096];
	uint32_t count = 0;

	if (mincore(thag_this_producer->words, THAG_RING_BYTES, there) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(there); i++)
		count += there[i] & 1;
	return count;
}

static bool is_between(uint32_t pages, uint32_t low, uint32_t high)
{
	if (pages >= low && pages <= high)
		return true;
	fprintf(stderr, "%u pages\n", pages);
	return false;
}

/* Two words a call, 512 to a page. */
static void run_lap(void *argument)
{
	uint32_t pages;

	(void)argument;
	thag_enable(THAG_TIME);
	leaf();
	pages = count_ring_pages();
	if (!is_between(pages, 1, 16))
		_exit(1);
	for (int i = 0; i < 100 * 256; i++)
		leaf();
	if (!is_between(count_ring_pages(), 101, 101 + 128 + 16))
		_exit(2);
	for (int i = 0; i < 2000 * 256; i++)
		leaf();
	_exit(is_between(count_ring_pages(), 2048, 2048) ? 0 : 3);
}

Test(emit, takes_memory_as_the_ring_is_used)
{
	struct collector *collector = collector_start();

	cr_expect_eq(collector_run(collector, run_lap, NULL), 0);
	cr_expect_eq(collector_counts(collector).invalid, 0);
	collector_stop(collector);
}

static void run_fib(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	fib(23);
}

Test(emit, shows_recursion_as_it_is)
{
	struct collector *collector = collector_start();

	collector_run(collector, run_fib, NULL);
	cr_expect_eq(collector_calls(collector, "fib"), 92735); /* 2 F(24) - 1 */
	cr_expect_eq(collector_calls_at(collector, "run_fib;fib;fib"), 2);
	expect_clean(collector);
	collector_stop(collector);
}

static __attribute__((noinline)) int deep(int n)
{
	THAG_PROFILED();
	return n == 0 ? 0 : deep(n - 1) + 1;
}

static void *deep_thread(void *depth)
{
	return deep(*(int *)depth) < 0 ? depth : NULL;
}

static void run_deep(void *depth)
{
	pthread_attr_t attributes;
	pthread_t thread;

	THAG_ENABLE_PROFILING(time);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, (size_t)1 << 30);
	pthread_create(&thread, &attributes, deep_thread, depth);
	pthread_join(thread, NULL);
}

#if defined(__SANITIZE_THREAD__)
#define DEEP 20000 /* as deep as TSan's own stack of calls goes */
#else
#define DEEP 1000000
#endif

Test(emit, records_recursion_a_million_deep)
{
	struct collector *collector = collector_start();
	int depth = DEEP - 1;

	cr_assert_eq(collector_run(collector, run_deep, &depth), 0);
	cr_expect_eq(collector_calls(collector, "deep"), DEEP);
	expect_clean(collector);
	collector_stop(collector);
}

#if !defined(__SANITIZE_THREAD__)
Test(emit, drops_what_is_deeper_than_the_ring_and_counts_it)
{
	struct collector *collector = collector_start();
	int depth = 1199999;

	unsetenv("THAG_ON_FULL");
	cr_assert_eq(collector_run(collector, run_deep, &depth), 0);
	cr_expect_eq(collector_calls(collector, "deep") + collector_lost(collector), 1200000);
	cr_expect_eq(collector_counts(collector).open, 0);
	cr_expect_eq(collector_counts(collector).unmatched, 0);
	collector_stop(collector);
}
#endif

static void *short_thread(void *argument)
{
	leaf();
	return argument;
}

static void run_threads(void *count)
{
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < *(int *)count; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, short_thread, NULL);
		pthread_join(thread, NULL);
	}
}

Test(emit, reuses_the_rings_of_threads_that_ended)
{
	struct collector *collector = collector_start();
	int count = 10000;

	cr_assert_eq(collector_run(collector, run_threads, &count), 0);
	cr_expect_eq(collector->thread_count, 10001);
	cr_expect_eq(collector_calls(collector, "leaf"), 10000);
	cr_expect_leq(collector->header->slots_used, 4);
	expect_clean(collector);
	collector_stop(collector);
}

static jmp_buf jump_target;

static __attribute__((noinline)) void jumps(void)
{
	THAG_PROFILED();
	longjmp(jump_target, 1);
}

static __attribute__((noinline)) void calls_jumps(void)
{
	THAG_PROFILED();
	jumps();
}

static void run_longjmp(void *argument)
{
	volatile int left = *(int *)argument;

	THAG_ENABLE_PROFILING(time);
	while (left-- > 0)
		if (setjmp(jump_target) == 0)
			calls_jumps();
	leaf();
}

Test(emit, closes_the_frames_that_longjmp_leaves)
{
	struct collector *collector = collector_start();
	int jumps_count = 2000000; /* more than a ring of depth would hold, did they pile up */

	cr_assert_eq(collector_run(collector, run_longjmp, &jumps_count), 0);
	cr_expect_eq(collector_calls_at(collector, "run_longjmp;calls_jumps;jumps"), 2000000);
	cr_expect_eq(collector_calls_at(collector, "run_longjmp;calls_jumps"), 2000000);
	cr_expect_eq(collector_calls_at(collector, "run_longjmp;leaf"), 1);
	cr_expect_eq(collector_counts(collector).open, 0);
	expect_clean(collector);
	collector_stop(collector);
}

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	THAG_PROFILED();
	handled += number > 0;
	fib(3);
}

static void run_signals(void *argument)
{
	struct sigaction action = { .sa_handler = on_signal };
	timer_t timer;
	struct itimerspec every = { { 0, 20000 }, { 0, 20000 } };

	THAG_ENABLE_PROFILING(time);
	sigaction(SIGALRM, &action, NULL);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	timer_settime(timer, 0, &every, NULL);
	while (handled < *(int *)argument)
		leaf();
	timer_delete(timer);
}

Test(emit, survives_signals_that_interrupt_an_event)
{
	struct collector *collector = collector_start();
	int signals = 5000;

	cr_assert_eq(collector_run(collector, run_signals, &signals), 0);
	cr_expect_geq(collector_calls(collector, "on_signal"), 5000);
	cr_expect_eq(collector_calls(collector, "fib"),
		     5 * collector_calls(collector, "on_signal"));
	cr_expect_eq(collector_calls(collector, "run_signals"), 1);
	cr_expect_eq(collector_counts(collector).open, 0);
	expect_clean(collector);
	collector_stop(collector);
}

static sigjmp_buf handler_target;

static void leave_handler(int number)
{
	THAG_PROFILED();
	handled += number > 0;
	siglongjmp(handler_target, 1);
}

static void run_siglongjmp(void *argument)
{
	struct sigaction action = { .sa_handler = leave_handler };
	timer_t timer;
	struct itimerspec every = { { 0, 50000 }, { 0, 50000 } };

	THAG_ENABLE_PROFILING(time);
	sigaction(SIGALRM, &action, NULL);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	if (sigsetjmp(handler_target, 1) == 0) /* whole, the mask too, before a signal comes */
		timer_settime(timer, 0, &every, NULL);
	while (handled < *(int *)argument)
		if (sigsetjmp(handler_target, 1) == 0)
			for (;;)
				leaf();
	timer_delete(timer);
}

Test(emit, survives_siglongjmp_out_of_an_event)
{
	struct collector *collector = collector_start();
	int signals = 3000;
	struct collector_counts counts;

	cr_assert_eq(collector_run(collector, run_siglongjmp, &signals), 0);
	collector_drain(collector, true);
	counts = collector_counts(collector);
	/* a handler's own ENTER can be interrupted by nothing: all but the last few are there */
	cr_expect_geq(collector_calls(collector, "leave_handler"), 2990);
	cr_expect_eq(counts.open, 0);
	cr_expect_eq(counts.invalid, 0);
	cr_expect_leq(counts.holes, 3000);
	collector_stop(collector);
}

static void run_forks(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	leaf();
	if (fork() == 0) {
		unsetenv("THAG_SOCKET"); /* nobody answers: the child runs unprofiled, silently */
		setenv("THAG_SOCKET", "/nonexistent/thagd.sock", 1);
		for (int i = 0; i < 1000; i++)
			leaf();
		_exit(7);
	}
	int status;

	wait(&status);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
		_exit(1);
	leaf();
}

Test(emit, keeps_a_forked_child_out_of_its_parents_ring)
{
	struct collector *collector = collector_start();

	cr_assert_eq(collector_run(collector, run_forks, NULL), 0);
	cr_expect_eq(collector_calls(collector, "leaf"), 2);
	expect_clean(collector);
	collector_stop(collector);
}

static void sections(void)
{
	THAG_PROFILED();
	THAG_SECTION(outer, "outer");
	THAG_SECTION(inner, "inner");
	leaf();
	THAG_END(outer);
	leaf();
	THAG_END(inner);
	leaf();
}

static void run_sections(void *argument)
{
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < *(int *)argument; i++)
		sections();
}

Test(emit, moves_time_when_an_overlapping_section_ends)
{
	struct collector *collector = collector_start();
	int rounds = 1000;
	struct collector_counts counts;

	cr_assert_eq(collector_run(collector, run_sections, &rounds), 0);
	cr_expect_eq(collector_calls_at(collector, "run_sections;sections;outer;inner;leaf"), 1000);
	cr_expect_eq(collector_calls_at(collector, "run_sections;sections;inner;leaf"), 1000);
	cr_expect_eq(collector_calls_at(collector, "run_sections;sections;leaf"), 1000);
	cr_expect_eq(collector_calls(collector, "outer"), 1000);
	cr_expect_eq(collector_calls(collector, "inner"), 1000);
	counts = collector_counts(collector);
	cr_expect_eq(counts.unwound, 0);
	expect_clean(collector);
	collector_stop(collector);
}

static void run_errno(void *argument)
{
	(void)argument;
	errno = 42;
	THAG_ENABLE_PROFILING(time);
	leaf();
	if (errno != 42)
		_exit(1);
}

Test(emit, keeps_errno)
{
	struct collector *collector = collector_start();

	cr_expect_eq(collector_run(collector, run_errno, NULL), 0);
	collector_stop(collector);
}

static void run_slow_clock(void *argument)
{
	(void)argument;
	setenv("THAG_CLOCK", "monotonic", 1);
	THAG_ENABLE_PROFILING(time);
	fib(15);
	sections();
}

Test(emit, times_by_the_system_clock_where_the_tsc_is_none)
{
	struct collector *collector = collector_start();

	cr_assert_eq(collector_run(collector, run_slow_clock, NULL), 0);
	cr_expect_eq(collector->header->clock, THAG_CLOCK_MONOTONIC);
	cr_expect_eq(collector_calls(collector, "fib"), 1973);
	cr_expect_eq(collector_calls(collector, "leaf"), 3);
	cr_expect_eq(collector_counts(collector).open, 0);
	expect_clean(collector);
	collector_stop(collector);
}

static void *busy_thread(void *calls)
{
	for (int i = 0; i < *(int *)calls; i++)
		leaf();
	return NULL;
}

static void run_two(void *calls)
{
	pthread_t threads[4];

	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, busy_thread, calls);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

Test(emit, accounts_for_every_call_under_overload)
{
	struct collector *collector = collector_start();
	int calls = 3000000;

	unsetenv("THAG_ON_FULL");
	cr_assert_eq(collector_run(collector, run_two, &calls), 0);
	cr_expect_eq(collector_calls(collector, "leaf") + collector_lost(collector), 12000000);
	cr_expect_eq(collector_counts(collector).open, 0);
	cr_expect_eq(collector_counts(collector).invalid, 0);
	collector_stop(collector);
}

static void run_unread(void *calls)
{
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < *(int *)calls; i++)
		leaf();
}

Test(emit, goes_on_when_nobody_reads)
{
	struct collector *collector = collector_start();
	int calls = 3000000, status;
	pid_t child;

	unsetenv("THAG_ON_FULL");
	child = fork();
	if (child == 0) {
		run_unread(&calls);
		exit(0);
	}
	collector_accept(collector);
	waitpid(child, &status, 0); /* would hang here if it waited for us */
	cr_assert_eq(status, 0);
	collector_drain(collector, true);
	cr_expect_gt(collector_lost(collector), 2000000);
	cr_expect_eq(collector_calls(collector, "leaf") + collector_lost(collector), 3000000);
	cr_expect_eq(collector_calls(collector, "run_unread"), 1);
	cr_expect_eq(collector_counts(collector).open, 0);
	collector_stop(collector);
}

Test(emit, knows_what_a_call_costs_by_either_clock)
{
	static const char *const clocks[] = { "", "monotonic" };

	for (int i = 0; i < 2; i++) {
		struct collector *collector = collector_start();
		int calls = 1;

		setenv("THAG_CLOCK", clocks[i], 1);
		cr_assert_eq(collector_run(collector, run_flat, &calls), 0);
		cr_expect_gt(collector->header->cost_inside, 0);
		cr_expect_gt(collector->header->cost_outside, 0);
		unsetenv("THAG_CLOCK");
		collector_stop(collector);
	}
}

/* More than all rings take, so it lies where they would have been. */
#define MUCH (UINT64_C(16) << 30)

static int forks_with_much_memory(void)
{
	uint64_t *much;
	int status = 0;

	setenv("THAG_SOCKET", "/nowhere", 1);
	THAG_ENABLE_PROFILING(time);
	much = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (much == MAP_FAILED)
		return 1;
	for (uint64_t at = 0; at < MUCH / 8; at += UINT64_C(1) << 23)
		much[at] = 1;
	if (fork() == 0) {
		for (uint64_t at = 0; at < MUCH / 8; at += UINT64_C(1) << 23)
			if (much[at] != 1)
				_exit(2);
		_exit(0);
	}
	return wait(&status) < 0 || status != 0;
}

Test(emit, leaves_a_childs_memory_alone_where_no_thagd_answered)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(forks_with_much_memory());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
}
