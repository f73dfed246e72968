/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is recorded, switched while the program runs: by itself and by the user's wish. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
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

static __attribute__((noinline)) void time_leaf(void)
{
	THAG_PROFILED(time);
	__asm__ volatile("");
}

static __attribute__((noinline)) void memory_leaf(void)
{
	THAG_PROFILED(memory);
	__asm__ volatile("");
}

static void call_all(int times)
{
	for (int i = 0; i < times; i++) {
		leaf();
		time_leaf();
		memory_leaf();
	}
}

static void expect_balanced(const struct collector *collector)
{
	struct collector_counts counts = collector_counts(collector);

	cr_expect_eq(counts.invalid, 0);
	cr_expect_eq(counts.unmatched, 0);
	cr_expect_eq(counts.unwound, 0);
	cr_expect_eq(counts.open, 0);
	cr_expect_eq(collector_lost(collector), 0);
}

static void run_on_and_off(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	call_all(100);
	thag_disable();
	call_all(1000);
	cr_assert_eq(thag_enable(THAG_TIME), 0);
	call_all(10);
}

Test(switch, records_only_while_it_is_on)
{
	struct collector *collector = collector_start();

	cr_assert_eq(collector_run(collector, run_on_and_off, NULL), 0);
	cr_expect_eq(collector_calls_at(collector, "run_on_and_off;leaf"), 110);
	cr_expect_eq(collector_calls(collector, "run_on_and_off"), 1);
	expect_balanced(collector);
	collector_stop(collector);
}

static void run_kinds(void *argument)
{
	(void)argument;
	cr_assert_eq(thag_enable(THAG_TIME), 0);
	call_all(1);
	cr_assert_eq(thag_enable(THAG_MEMORY), 0);
	call_all(10);
	cr_assert_eq(thag_enable(THAG_BOTH), 0);
	call_all(100);
	cr_assert_eq(thag_enable(THAG_TIME), 0);
	call_all(1000);
	cr_expect_eq(thag_enable(0), -EINVAL);
	cr_expect_eq(thag_enable(4), -EINVAL);
}

Test(switch, records_what_one_of_the_kinds_asks_for)
{
	struct collector *collector = collector_start();

	cr_assert_eq(collector_run(collector, run_kinds, NULL), 0);
	cr_expect_eq(collector_calls(collector, "leaf"), 1111);
	cr_expect_eq(collector_calls(collector, "time_leaf"), 1101);
	cr_expect_eq(collector_calls(collector, "memory_leaf"), 110);
	cr_expect_eq(collector->header->active, THAG_MODE_TIME);
	cr_expect_eq(collector->header->memory_pauses, 1, "%u", collector->header->memory_pauses);
	expect_balanced(collector);
	collector_stop(collector);
}

/* In memory that the test shares with its program. */
struct shared {
	uint64_t recorded;
	uint64_t rounds[3]; /* of each thread */
	int threads;
	uint32_t begun;
	int stop;
	int off;
	int late; /* calls recorded by threads that knew it was off */
};

static struct shared *share(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(shared, MAP_FAILED);
	return shared;
}

static void *call_flat_out(void *argument)
{
	static struct thag_site site = {
		.kind = THAG_SITE_FUNCTION, .modes = THAG_BOTH, .name = "busy", .file = __FILE__
	};
	struct shared *shared = argument;
	uint64_t *rounds =
		&shared->rounds[__atomic_fetch_add(&shared->threads, 1, __ATOMIC_RELAXED)];
	uint64_t recorded = 0;

	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		int off = __atomic_load_n(&shared->off, __ATOMIC_SEQ_CST);
		struct thag_span span = thag_span_enter(&site);

		recorded += span.index < THAG_SPAN_DROP_ROOT;
		if (off && span.index != THAG_SPAN_OFF)
			__atomic_fetch_add(&shared->late, 1, __ATOMIC_RELAXED);
		thag_span_exit(&span);
		__atomic_fetch_add(rounds, 1, __ATOMIC_SEQ_CST);
	}
	__atomic_fetch_add(&shared->recorded, recorded, __ATOMIC_RELAXED);
	return NULL;
}

/* Each thread ends the round it is in, and makes another. */
static void await_rounds(struct shared *shared)
{
	for (int i = 0; i < 3; i++) {
		uint64_t from = __atomic_load_n(&shared->rounds[i], __ATOMIC_SEQ_CST);

		while (__atomic_load_n(&shared->rounds[i], __ATOMIC_SEQ_CST) < from + 2)
			sched_yield();
	}
}

static void run_threads(void *argument)
{
	struct shared *shared = argument;
	pthread_t threads[3];

	cr_assert_eq(thag_enable(THAG_TIME), 0);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, call_flat_out, shared);
	for (int i = 0; i < 200; i++) {
		await_rounds(shared);
		thag_disable();
		__atomic_store_n(&shared->off, 1, __ATOMIC_SEQ_CST);
		await_rounds(shared);
		__atomic_store_n(&shared->off, 0, __ATOMIC_SEQ_CST);
		await_rounds(shared);
		cr_assert_eq(thag_enable(THAG_TIME), 0);
	}
	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

Test(switch, reaches_threads_that_run_flat_out, .timeout = 120)
{
	struct collector *collector = collector_start();
	struct shared *shared = share();

	cr_assert_eq(collector_run(collector, run_threads, shared), 0);
	cr_expect_gt(shared->recorded, 0);
	cr_expect_eq(collector_calls(collector, "busy"), shared->recorded);
	cr_expect_eq(shared->late, 0);
	expect_balanced(collector);
	collector_stop(collector);
}

static void run_until_off(void *argument)
{
	struct shared *shared = argument;

	THAG_ENABLE_PROFILING(time);
	/* the last of these sees the wish, and isn't recorded … */
	for (; __atomic_load_n(&thag_on, __ATOMIC_RELAXED); shared->recorded++) {
		leaf();
		__atomic_store_n(&shared->begun, 1, __ATOMIC_RELAXED);
	}
	/* … and the last of these is */
	while (!__atomic_load_n(&thag_on, __ATOMIC_RELAXED))
		leaf();
}

static void wish(struct collector *collector, uint32_t number, uint32_t modes)
{
	struct thag_shm_consumer_header *header = (void *)collector->consumer_base;

	__atomic_store_n(&header->wish, THAG_WISH(number, modes), __ATOMIC_RELAXED);
}

static void drain_until(struct collector *collector, const uint32_t *field, uint32_t value)
{
	while (__atomic_load_n(field, __ATOMIC_ACQUIRE) != value)
		collector_drain(collector, false);
}

Test(switch, heeds_the_users_wish, .timeout = 60)
{
	struct collector *collector = collector_start();
	struct shared *shared = share();
	pid_t child = fork();
	int status;

	if (child == 0) {
		run_until_off(shared);
		_exit(0);
	}
	collector_accept(collector);
	drain_until(collector, &shared->begun, 1);
	wish(collector, 1, 0);
	drain_until(collector, &collector->header->heeded, 1);
	cr_expect_eq(collector->header->active, 0);
	wish(collector, 2, THAG_MODE_TIME | 0x80); /* a mode of a later version */
	drain_until(collector, &collector->header->heeded, 2);
	waitpid(child, &status, 0);
	cr_assert_eq(status, 0);
	while (collector_drain(collector, true))
		;
	cr_expect_eq(collector->header->active, THAG_MODE_TIME);
	cr_expect_eq(collector_calls(collector, "leaf"), shared->recorded);
	expect_balanced(collector);
	collector_stop(collector);
}

static void expect_over(int calls)
{
	for (int i = 0; i < calls; i++)
		leaf();
	if (thag_enable(THAG_BOTH) != -ECANCELED)
		_exit(2);
	leaf();
	_exit(__atomic_load_n(&thag_on, __ATOMIC_RELAXED) ? 3 : 0);
}

static int status_of(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);
	return status;
}

/* Children of before and after are without a session of their own, and remain so. */
static void run_to_its_end(struct shared *shared)
{
	pid_t early, late;

	THAG_ENABLE_PROFILING(time);
	early = fork();
	if (early == 0) {
		while (!__atomic_load_n(&shared->off, __ATOMIC_ACQUIRE))
			sched_yield();
		expect_over(10);
	}
	for (; __atomic_load_n(&thag_on, __ATOMIC_RELAXED); shared->recorded++) {
		leaf();
		__atomic_store_n(&shared->begun, 1, __ATOMIC_RELAXED);
	}
	shared->recorded--; /* that one saw it */
	__atomic_store_n(&shared->off, 1, __ATOMIC_RELEASE);
	late = fork();
	if (late == 0)
		expect_over(10);
	if (status_of(early) != 0 || status_of(late) != 0)
		_exit(4);
	/* more than fit its ring, which nobody reads */
	expect_over(3 * (int)THAG_RING_WORDS);
}

Test(switch, is_over_for_good_when_the_user_ends_the_session, .timeout = 60)
{
	struct collector *collector = collector_start();
	struct shared *shared = share();
	pid_t child = fork();

	if (child == 0)
		run_to_its_end(shared);
	collector_accept(collector);
	drain_until(collector, &shared->begun, 1);
	wish(collector, 1, THAG_WISH_END);
	drain_until(collector, &collector->header->heeded, 1);
	cr_expect_eq(collector->header->active, 0);
	while (collector_drain(collector, false))
		;
	cr_assert_eq(status_of(child), 0);
	cr_expect_eq(collector_drain(collector, true), 0, "it wrote on");
	cr_expect_eq(collector->header->active, 0);
	cr_expect_eq(collector_calls(collector, "leaf"), shared->recorded);
	cr_expect_eq(collector_lost(collector), 0);
	collector_stop(collector);
}

static void *enable_until_refused(void *argument)
{
	struct shared *shared = argument;
	int ret;

	do {
		ret = thag_enable(THAG_TIME);
		leaf();
		__atomic_store_n(&shared->begun, 1, __ATOMIC_RELAXED);
	} while (ret == 0 || ret == -EBUSY);
	return NULL;
}

static void run_against_the_end(struct shared *shared)
{
	pthread_t threads[2];

	thag_start("time");
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, enable_until_refused, shared) != 0)
			_exit(5);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	expect_over(1);
}

Test(switch, is_over_even_for_those_who_switch_on_meanwhile, .timeout = 120)
{
	for (int round = 0; round < 50; round++) {
		struct collector *collector = collector_start();
		struct shared *shared = share();
		pid_t child = fork();

		if (child == 0)
			run_against_the_end(shared);
		collector_accept(collector);
		drain_until(collector, &shared->begun, 1);
		wish(collector, 1, THAG_WISH_END);
		cr_assert_eq(status_of(child), 0);
		collector_stop(collector);
	}
}

static void run_banned(void *argument)
{
	(void)argument;
	setenv("THAG_PROFILER", "none", 1);
	cr_assert_eq(thag_enable(THAG_TIME), -ECANCELED);
	THAG_ENABLE_PROFILING(time);
	cr_assert_eq(thag_enable(THAG_TIME), -ECANCELED);
	leaf();
	cr_assert_eq(thag_task_create("t").id, 0);
}

Test(switch, stays_off_where_the_environment_says_none)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		run_banned(NULL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	cr_assert_eq(status, 0);
}
