/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The clock that events are timed by: which one it is, that it ticks as the machine
 * says, and the words that say its upper half.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector.h"
#include "thag.h"

static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static void run_leaf(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	leaf();
}

static uint32_t clock_of_program(struct collector *collector)
{
	cr_assert_eq(collector_run(collector, run_leaf, NULL), 0);
	cr_expect_eq(collector_calls(collector, "leaf"), 1);
	return collector->header->clock;
}

Test(ticks, is_the_machines_counter)
{
	struct collector *collector = collector_start();
	uint64_t before = thag_ticks();
	uint32_t clock;

	unsetenv("THAG_CLOCK");
	clock = clock_of_program(collector);
#if defined(__aarch64__)
	cr_expect_eq(clock, THAG_CLOCK_CNTVCT);
#elif defined(__x86_64__)
	cr_expect(clock == THAG_CLOCK_TSC || clock == THAG_CLOCK_MONOTONIC);
#else
	cr_expect_eq(clock, THAG_CLOCK_MONOTONIC);
#endif
	if (clock != THAG_CLOCK_MONOTONIC) {
		cr_expect_geq(collector->header->start_ticks, before);
		cr_expect_leq(collector->header->start_ticks, thag_ticks());
	}
	collector_stop(collector);
}

Test(ticks, is_the_kernels_where_that_is_asked_for)
{
	struct collector *collector = collector_start();

	setenv("THAG_CLOCK", "monotonic", 1);
	cr_expect_eq(clock_of_program(collector), THAG_CLOCK_MONOTONIC);
	collector_stop(collector);
}

#define LATE 200 /* frames: more than there are words beyond the limit */

static __attribute__((noinline)) void full_leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

/* Fills the ring below LATE frames; for each of their exits a TIME word is due. */
static __attribute__((noinline)) void late(int depth)
{
	THAG_PROFILED();
	if (depth > 1)
		late(depth - 1);
	else
		for (uint32_t i = 0; i < THAG_RING_WORDS; i++)
			full_leaf();
	thag_this_producer->time_high--;
}

static void run_late(void)
{
	THAG_ENABLE_PROFILING(time);
	late(LATE);
}

Test(ticks, writes_no_time_word_where_there_is_no_room)
{
	struct collector *collector = collector_start();
	int status = -1;
	pid_t child;

	setenv("THAG_ON_FULL", "drop", 1);
	child = fork();
	if (child == 0) {
		run_late();
		_exit(0);
	}
	collector_accept(collector);
	waitpid(child, &status, 0); /* it meets nobody who reads */
	cr_assert_eq(status, 0);
	while (collector_drain(collector, true) != 0)
		;
	cr_expect_eq(collector_calls(collector, "late"), LATE);
	cr_expect_eq(collector_calls(collector, "full_leaf") + collector_lost(collector),
		     THAG_RING_WORDS);
	cr_expect_eq(collector_counts(collector).holes, 0);
	cr_expect_eq(collector_counts(collector).open, 0);
	cr_expect_eq(collector_counts(collector).orphans, 0);
	collector_stop(collector);
}

#if defined(__aarch64__)
#define TICKED_NS UINT64_C(50000000)

static uint64_t mono_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Between two looks at the kernel's clock, which bracket the counter's however late they come. */
Test(ticks, ticks_at_the_frequency_of_cntfrq)
{
	uint64_t hz, outer = mono_ns(), first = thag_ticks(), inner = mono_ns(), last, now;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	do {
		now = mono_ns();
		last = thag_ticks();
	} while (now - inner < TICKED_NS);
	outer = mono_ns() - outer;
	inner = now - inner;
	/* in ns, less a part in a thousand for two clocks that are not one */
	cr_expect_geq((double)(last - first) * 1e9 / (double)hz, (double)inner * 0.999);
	cr_expect_leq((double)(last - first) * 1e9 / (double)hz, (double)outer * 1.001);
}
#endif
